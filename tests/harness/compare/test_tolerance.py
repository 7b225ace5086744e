"""The operator's table, measured."""

import pytest

from harness.compare.tolerance import Loss, losses, serves, tolerances
from harness.errors import HarnessError


def test_a_cluster_of_three_serves_with_one_dead_and_not_with_two() -> None:
    assert serves(Loss(members=3, dead=1, seed=1))
    assert not serves(Loss(members=3, dead=2, seed=1))


def test_the_table_is_what_was_seen() -> None:
    trials = losses([3, 4], 2)
    served = [loss.dead <= 1 for loss in trials]

    rows = tolerances(trials, served)

    assert [(row.members, row.quorum, row.tolerated, row.trials) for row in rows] == [
        (3, 2, 1, 8),
        (4, 3, 1, 10),
    ]


def test_one_trial_that_did_not_serve_is_enough_to_count_a_loss_as_too_great() -> None:
    trials = losses([3], 2)
    served = [loss.dead == 0 or (loss.dead == 1 and loss.seed == 1) for loss in trials]

    (row,) = tolerances(trials, served)

    assert (row.quorum, row.tolerated) == (3, 0)


def test_a_cluster_that_serves_only_with_fewer_members_was_not_measured() -> None:
    trials = losses([3], 1)

    with pytest.raises(HarnessError, match="tolerance cannot be told"):
        tolerances(trials, [False, True, False, False])
