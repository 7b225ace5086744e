"""The hunt: who convicted, by which means, after how many seeds; and who got away."""

import pytest

from harness.errors import UsageError
from harness.hunt import convictions, hunt, hunt_all, try_seed

pytestmark = pytest.mark.simulation


def test_a_blatant_bug_is_convicted_by_the_swarm() -> None:
    hunted = hunt("vote-not-persisted", seeds_max=20)
    assert (hunted.convicted, hunted.by) == (True, "swarm")
    assert hunted.convicted_by == "raft: Persistence (Raft §5.2)"
    assert 1 <= hunted.seeds <= 20
    assert hunted.cpu_seconds > 0


def test_a_bug_that_the_swarm_leaves_is_tried_under_its_scenario() -> None:
    hunted = hunt("read-confirmed-by-earlier-round", seeds_max=1)
    assert (hunted.convicted, hunted.by) == (True, "scenario")
    assert "Read index (thesis §6.4)" in hunted.convicted_by


def test_a_bug_that_nothing_convicts_is_reported_as_such() -> None:
    hunted = hunt("duplicate-votes-counted", seeds_max=1)
    assert (hunted.convicted, hunted.by, hunted.convicted_by) == (False, None, "")
    assert hunted.seeds == 1


def test_hunts_are_reported_in_the_order_asked_for() -> None:
    names = ("term-not-persisted", "vote-not-persisted")
    assert tuple(each.name for each in hunt_all(names, seeds_max=5, jobs=2)) == names


def test_an_unknown_mutant_is_refused() -> None:
    with pytest.raises(UsageError):
        hunt("no-such-bug", seeds_max=1)


def test_a_trial_without_a_mutant_is_the_healthy_nodes() -> None:
    assert convictions(try_seed(1, None)) == []
