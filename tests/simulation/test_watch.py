"""Whole trials in which clients watch: what they are told, in every kind of trouble."""

from collections import Counter

import pytest

from checkers.verdict import Answer
from checkers.watch_history import Canceled, Create, End
from tests.simulation.trials import command_for, judged, small_plan

pytestmark = pytest.mark.simulation

SEED = 1


def test_clients_that_watch_meet_everything_and_are_told_the_truth() -> None:
    plan = small_plan(SEED, "watch", seconds=4.0, fault_every_s=0.5)
    result = judged(plan)
    assert result.verdict.answer is Answer.VALID, f"{result.verdict.reason}: {command_for(plan)}"
    kinds = Counter(type(record).__name__ for record in result.watched)
    assert set(kinds) == {
        "Break",
        "Canceled",
        "Create",
        "Created",
        "Delivery",
        "End",
        "Progress",
        "RequestProgress",
    }
    assert isinstance(result.watched[-1], End)
    assert any(isinstance(each, Canceled) and each.compact_revision for each in result.watched)
    assert any(isinstance(each, Create) and each.resumes is not None for each in result.watched)


def test_what_watchers_are_told_counts_towards_the_digest() -> None:
    plan = small_plan(SEED, "watch", seconds=1.0)
    one, again = judged(plan), judged(plan)
    assert one.watched == again.watched
    assert one.simulation.digest == again.simulation.digest
