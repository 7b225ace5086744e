"""The revisions checker against brute force on small random histories, and on valid large ones."""

import re
from random import Random

import pytest

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability.revisions import etcd_linearizable
from checkers.verdict import Answer
from tests.checkers.linearizability.kv_brute_force import is_linearizable
from tests.checkers.linearizability.kv_histories import (
    Shape,
    corrupt,
    simulate,
    simulate_with_changes,
)

BACKTRACKING = 0
"""The seed of a medium history whose search must jump back."""


def small_history(seed: int) -> History:
    """Return a history for brute force, of a right store or a little wrong."""
    rng = Random(seed)
    history = simulate(rng, small_shape(rng))
    return corrupt(rng, history) if rng.random() < 0.7 else history


def small_shape(rng: Random) -> Shape:
    return Shape(
        op_count=rng.randint(2, 9),
        process_count=rng.randint(1, 5),
        key_count=rng.randint(1, 3),
        value_count=rng.choice([0, 1, 2]),
        crash_share=rng.choice([0, 0.1, 0.4, 0.7]),
        serializable_share=rng.choice([0, 0.3]),
        txn_weight=rng.choice([0, 1, 4]),
        range_share=rng.choice([0, 0.3, 0.8]),
        lease_weight=rng.choice([0, 0, 1, 4]),
        option_share=rng.choice([0, 0, 0.2, 0.7]),
    )


def answer(history: History, steps_max: int = 1_000_000) -> Answer:
    """Return the checker's answer."""
    return etcd_linearizable().check(history, Budget(steps_max=steps_max)).answer


def disagreements(seeds: range) -> list[int]:
    """Return the seeds on which checker and brute force differ; nothing known counts as valid."""
    return [
        seed
        for seed in seeds
        if (answer(small_history(seed)) is Answer.INVALID) is is_linearizable(small_history(seed))
    ]


def medium_history(seed: int, op_count: int) -> History:
    """Return a history of a right store, with up to a fifth of the writes unknown."""
    return simulate(Random(seed), medium_shape(seed, op_count))


def medium_shape(seed: int, op_count: int) -> Shape:
    rng = Random(seed)
    return Shape(
        op_count=op_count,
        process_count=rng.randint(3, 30),
        key_count=rng.choice([2, 5, 20, 60]),
        value_count=rng.choice([0, 0, 3]),
        crash_share=rng.choice([0.05, 0.1, 0.2]),
        txn_weight=rng.choice([0, 1, 2]),
        range_share=rng.choice([0, 0.1, 0.3]),
        old_share=0.05,
        lease_weight=rng.choice([0, 0, 0.5]),
        option_share=rng.choice([0, 0, 0.2]),
    )


@pytest.mark.parametrize("block", range(10))
def test_checker_and_brute_force_agree(block: int) -> None:
    assert disagreements(range(block * 200, block * 200 + 200)) == []


@pytest.mark.parametrize("seed", range(20))
def test_what_a_right_store_did_is_never_convicted(seed: int) -> None:
    assert answer(medium_history(seed, 1_000), steps_max=50_000) is not Answer.INVALID


@pytest.mark.parametrize("seed", range(20))
def test_with_what_the_revisions_changed_nothing_stays_unknown(seed: int) -> None:
    history, changes = simulate_with_changes(Random(seed), medium_shape(seed, 1_000))
    verdict = etcd_linearizable(changes).check(history, Budget(steps_max=50_000))
    assert verdict.answer is Answer.VALID


@pytest.mark.parametrize("block", range(4))
def test_checker_and_brute_force_agree_when_changes_are_known(block: int) -> None:
    for seed in range(block * 200, block * 200 + 200):
        rng = Random(seed)
        history, changes = simulate_with_changes(rng, small_shape(rng))
        history = corrupt(rng, history) if rng.random() < 0.7 else history
        told = {revision: what for revision, what in changes.items() if rng.random() < 0.7}
        answer = etcd_linearizable(told).check(history, Budget()).answer
        possible = is_linearizable(history, told)
        assert (answer is Answer.INVALID) is not possible or answer is Answer.UNKNOWN


def test_a_budget_too_small_to_look_at_all_candidates_is_unknown_and_names_what_is_left() -> None:
    verdict = etcd_linearizable().check(medium_history(3, 400), Budget(steps_max=3))

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason.startswith("3 steps were not enough to look at which writes of unknown")
    assert re.search(r"left were \d+ and those after it", verdict.reason)


def test_a_budget_that_runs_out_is_unknown_and_names_the_open_gaps() -> None:
    history = medium_history(BACKTRACKING, 1_000)
    verdict = etcd_linearizable().check(history, Budget(steps_max=400))
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason.endswith("could each be one of several writes of unknown outcome")


@pytest.mark.soak
@pytest.mark.parametrize("block", range(100))
def test_checker_and_brute_force_agree_on_many(block: int) -> None:
    assert disagreements(range(1_000_000 + block * 2_000, 1_000_000 + block * 2_000 + 2_000)) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100))
def test_what_a_right_store_did_is_never_convicted_however_long(seed: int) -> None:
    assert answer(medium_history(seed, 20_000)) is not Answer.INVALID
