"""Random transactions against brute force; valid long histories; changes that mean nothing.

Every test draws from its own seed, so a failure names the seed that repeats it.
"""

from random import Random

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import History, Op
from checkers.transactions.checker import transactional
from checkers.verdict import Answer
from tests.checkers.transactions.serial_orders import has_serial_order, has_snapshot_schedule
from tests.checkers.transactions.simulated_store import Sizes, simulate, tamper

SEEDS = range(4)
CASES = 500


def small(random: Random) -> Sizes:
    """Return sizes that brute force can cope with."""
    return Sizes(
        transactions=2 + int(random.random() * 4),
        keys=1 + int(random.random() * 3),
        processes=1 + int(random.random() * 4),
        length_max=1 + int(random.random() * 3),
        unknown=random.choice([0.0, 0.0, 0.2, 0.5]),
        failed=random.choice([0.0, 0.0, 0.2]),
    )


def histories(seed: int, writes: str, cases: int) -> list[History]:
    """Return histories, some of which are as a correct store wrote them."""
    random = Random(seed)
    return [
        History(tamper(random, simulate(random, writes, small(random)), int(random.random() * 4)))
        for _ in range(cases)
    ]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_strict", [True, False])
def test_lists_are_judged_as_by_brute_force(seed: int, *, is_strict: bool) -> None:
    checker = transactional("list-append", "strict-serializable" if is_strict else "serializable")
    answers = []

    for history in histories(seed, "append", CASES):
        answer = checker.check(history, Budget()).answer
        answers.append(answer)
        if answer is not Answer.UNKNOWN:
            expected = has_serial_order(history, is_strict=is_strict)
            assert (answer is Answer.VALID) == expected, history.ops

    assert answers.count(Answer.INVALID) > CASES // 100
    assert answers.count(Answer.UNKNOWN) < CASES // 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_strict", [True, False])
def test_registers_that_are_convicted_have_no_order(seed: int, *, is_strict: bool) -> None:
    checker = transactional("rw-register", "strict-serializable" if is_strict else "serializable")
    missed = 0

    for history in histories(seed, "w", CASES):
        answer = checker.check(history, Budget()).answer
        has_order = has_serial_order(history, is_strict=is_strict)
        assert not (answer is Answer.INVALID and has_order), history.ops
        missed += answer is Answer.VALID and not has_order

    assert missed <= CASES // 50


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "writes"), [("list-append", "append"), ("rw-register", "w")])
def test_what_is_convicted_of_no_snapshot_isolation_has_no_snapshots(
    seed: int, kind: str, writes: str
) -> None:
    checker = transactional(kind, "snapshot-isolation")

    for history in histories(100 + seed, writes, CASES // 2):
        if checker.check(history, Budget()).answer is Answer.INVALID:
            assert not has_snapshot_schedule(history), history.ops


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "writes"), [("list-append", "append"), ("rw-register", "w")])
def test_a_long_history_of_a_correct_store_is_valid(seed: int, kind: str, writes: str) -> None:
    sizes = Sizes(
        transactions=2_000,
        keys=6,
        processes=12,
        length_max=5,
        unknown=0.02,
        failed=0.05,
        per_key_max=60,
    )
    history = History(simulate(Random(seed), writes, sizes))

    assert transactional(kind).check(history, Budget()).answer is Answer.VALID


@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_keys_and_processes_and_moments_mean_nothing(seed: int) -> None:
    for history in histories(200 + seed, "append", 60):
        checker = transactional("list-append")
        verdict = checker.check(history, Budget())

        renamed = checker.check(History([_renamed(op) for op in history]), Budget())

        assert renamed.answer is verdict.answer
        assert renamed.details.get("anomalies") == verdict.details.get("anomalies")


def _renamed(op: Op) -> Op:
    assert isinstance(op.value, list)
    assert isinstance(op.process, int)
    value = [[f, ["key", key], argument] for f, key, argument in op.value]
    return msgspec.structs.replace(
        op, index=3 * op.index + 7, time=5 * op.time, process=op.process + 40, value=value
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_one_read_from_the_past_is_found_in_a_long_history(seed: int) -> None:
    random = Random(seed)
    sizes = Sizes(transactions=800, keys=3, processes=6, length_max=3, per_key_max=40)
    ops = simulate(random, "append", sizes)
    place, step = next(
        (place, step)
        for place, op in enumerate(ops[900:], start=900)
        if op.type == "ok" and isinstance(op.value, list)
        for step, (f, _, value) in enumerate(op.value)
        if f == "r" and isinstance(value, list) and len(value) > 15
    )
    answer = ops[place].value
    assert isinstance(answer, list)
    f, key, elements = answer[step]
    value = [*answer[:step], [f, key, elements[:-14]], *answer[step + 1 :]]
    ops[place] = msgspec.structs.replace(ops[place], value=value)

    verdict = transactional("list-append").check(History(ops), Budget())

    assert verdict.answer is Answer.INVALID
    assert verdict.evidence is not None
    assert len(verdict.evidence.operations) <= 3
