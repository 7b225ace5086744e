"""The search against brute force, on random histories; valid long ones; changes that mean nothing.

Every test draws from its own seed, so a failure names the seed that repeats it.
"""

from collections.abc import Callable
from random import Random

import pytest

from checkers.history import Operation
from checkers.linearizability import register_tables
from checkers.linearizability.interval import Interval
from checkers.linearizability.model_moves import ModelMoves
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.register_moves import RegisterMoves
from checkers.linearizability.register_search import RegisterSearch
from checkers.linearizability.register_tables import RegisterTables
from checkers.linearizability.search import decide
from checkers.linearizability.sweep import REMEMBERED_MAX, Outcome, Sweep
from checkers.models.cas_register import CasRegister, RegisterOperation
from checkers.models.model import OperationT, StateT
from checkers.models.register import Read, Write
from checkers.models.set import Elements, ElementSet, SetOperation
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import (
    FewValues,
    FifoQueues,
    Kind,
    Locks,
    OwnedLocks,
    Sets,
    Sizes,
    Strings,
    Transactions,
    UniqueValues,
    UnorderedQueues,
    record,
    small,
    tamper,
)

STEPS_MAX = 5_000_000
SEEDS = range(4)
CASES = 150


def disagreements(kind: Kind[StateT, OperationT], seed: int, cases: int) -> list[int]:
    """Return the numbers of the random histories that the search judges wrongly."""
    random = Random(seed)
    wrong = []
    for case in range(cases):
        history = tamper(random, kind, record(random, kind, small(random)))
        outcome = decide(history, kind.model, steps_max=STEPS_MAX)
        expected = Answer.VALID if has_order(history, kind.model) else Answer.INVALID
        if outcome.answer is not expected:
            wrong.append(case)
    return wrong


@pytest.mark.parametrize("seed", SEEDS)
def test_registers_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(FewValues(), seed, 3 * CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_unique_values_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(UniqueValues(), seed, 3 * CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_strings_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(Strings(), seed, 2 * CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_locks_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(Locks(), seed, CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_transactions_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(Transactions(), seed, CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_sets_are_judged_as_by_brute_force(seed: int) -> None:
    assert disagreements(Sets(), seed, CASES) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [OwnedLocks(), FifoQueues(), UnorderedQueues()])
def test_owned_locks_and_queues_are_judged_as_by_brute_force(
    kind: Kind[StateT, OperationT], seed: int
) -> None:
    assert disagreements(kind, seed, CASES) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1010))
@pytest.mark.parametrize(
    "kind",
    [
        FewValues(),
        UniqueValues(),
        Strings(),
        Locks(),
        OwnedLocks(),
        FifoQueues(),
        UnorderedQueues(),
        Transactions(),
        Sets(),
    ],
)
def test_soak_every_kind_against_brute_force(kind: Kind[StateT, OperationT], seed: int) -> None:
    assert disagreements(kind, seed, 20_000) == []


def false_answers(kind: FewValues, seed: int, *, beam: int | None, reusable: bool) -> list[Answer]:
    """Return the answers of incomplete sweeps that brute force refutes."""
    random = Random(seed)
    false: list[Answer] = []
    for _ in range(CASES):
        history = tamper(random, kind, record(random, kind, small(random)))
        moves = RegisterMoves(RegisterHistory(history, None), reusable=reusable)
        answer = Sweep(moves, history, steps_max=STEPS_MAX, beam=beam).run().answer
        legal = has_order(history, kind.model)
        if answer is (Answer.INVALID if legal else Answer.VALID):
            false.append(answer)
    return false


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beam", [1, 2, 3])
def test_a_beam_is_unsure_but_never_wrong(beam: int, seed: int) -> None:
    assert false_answers(FewValues(), seed, beam=beam, reusable=False) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_relaxation_is_never_wrong_when_it_convicts(seed: int) -> None:
    assert Answer.INVALID not in false_answers(FewValues(), seed, beam=None, reusable=True)


def disagreements_of_registers(
    seed: int,
    cases: int,
    judge: Callable[[RegisterHistory, list[Interval[RegisterOperation]]], Outcome],
) -> list[int]:
    """Return the numbers of the random histories that `judge` judges wrongly."""
    random = Random(seed)
    wrong = []
    for case in range(cases):
        kind = FewValues(random.choice([2, 3, 4]))
        history = tamper(random, kind, record(random, kind, small(random)))
        outcome = judge(RegisterHistory(history, None), history)
        if (outcome.answer is Answer.VALID) is not has_order(history, kind.model):
            wrong.append(case)
    return wrong


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("block_operations", [1, 3, 28])
def test_blocks_of_any_size_are_judged_the_same(
    block_operations: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register_tables, "_BLOCK_OPERATIONS", block_operations)

    def judge(history: RegisterHistory, _: object) -> Outcome:
        return RegisterSearch(RegisterTables(history), STEPS_MAX, REMEMBERED_MAX).run(STEPS_MAX)

    assert disagreements_of_registers(seed, CASES, judge) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_that_pauses_at_every_step_judges_the_same(seed: int) -> None:
    def judge(history: RegisterHistory, _: object) -> Outcome:
        search = RegisterSearch(RegisterTables(history), STEPS_MAX, REMEMBERED_MAX)
        for steps in range(STEPS_MAX):
            outcome = search.run(steps)
            if outcome.answer is not Answer.UNKNOWN:
                return outcome
        raise AssertionError("small histories are decided")

    assert disagreements_of_registers(seed, CASES, judge) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_full_sweep_of_registers_judges_the_same(seed: int) -> None:
    def judge(history: RegisterHistory, intervals: list[Interval[RegisterOperation]]) -> Outcome:
        return Sweep(RegisterMoves(history), intervals, steps_max=STEPS_MAX).run()

    assert disagreements_of_registers(seed, CASES, judge) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_depth_first_with_reuse_is_never_wrong_when_it_convicts(seed: int) -> None:
    random = Random(seed)
    for _ in range(CASES):
        history = tamper(random, FewValues(), record(random, FewValues(), small(random)))
        tables = RegisterTables(RegisterHistory(history, None))
        search = RegisterSearch(tables, STEPS_MAX, REMEMBERED_MAX, reusable=True)
        if search.run(STEPS_MAX).answer is Answer.INVALID:
            assert not has_order(history, FewValues.model)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_without_abilities_is_judged_the_same(seed: int) -> None:
    random, kind = Random(seed), Sets()
    histories = [tamper(random, kind, record(random, kind, small(random))) for _ in range(CASES)]

    answers = [decide(history, Bare(), steps_max=STEPS_MAX).answer for history in histories]

    assert answers == [
        decide(history, kind.model, steps_max=STEPS_MAX).answer for history in histories
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_model_is_judged_as_by_the_moves_made_for_it(seed: int) -> None:
    random, kind = Random(seed), FewValues()
    histories = [tamper(random, kind, record(random, kind, small(random))) for _ in range(CASES)]

    answers = [
        Sweep(ModelMoves(history, kind.model), history, steps_max=STEPS_MAX).run().answer
        for history in histories
    ]

    assert answers == [
        decide(history, kind.model, steps_max=STEPS_MAX).answer for history in histories
    ]


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (FewValues(5), Sizes(operations=500, processes=8, crash_rate=0.05)),
        (FewValues(5), Sizes(operations=1500, processes=5, crash_rate=0.02)),
        (FewValues(5), Sizes(operations=5000, processes=10, crash_rate=0.001)),
        (UniqueValues(), Sizes(operations=5000, processes=10, crash_rate=0.05)),
        (Strings(), Sizes(operations=1500, processes=5, crash_rate=0.02)),
    ],
)
def test_a_long_history_of_a_correct_store_is_never_convicted(
    kind: Kind[StateT, OperationT], sizes: Sizes
) -> None:
    history = record(Random(sizes.operations), kind, sizes)

    outcome = decide(history, kind.model, steps_max=STEPS_MAX)

    assert outcome.answer is Answer.VALID


@pytest.mark.parametrize(
    "kind", [Locks(), Transactions(), Sets()], ids=lambda kind: type(kind).__name__
)
def test_a_medium_history_of_any_model_is_never_convicted(
    kind: Kind[StateT, OperationT],
) -> None:
    history = record(Random(7), kind, Sizes(operations=500, processes=5, crash_rate=0.01))

    outcome = decide(history, kind.model, steps_max=STEPS_MAX)

    assert outcome.answer is Answer.VALID


def answer_of(history: list[Interval[RegisterOperation]]) -> Answer:
    return decide(history, FewValues().model, steps_max=STEPS_MAX).answer


@pytest.mark.parametrize("seed", range(40))
def test_time_can_be_stretched_and_shifted(seed: int) -> None:
    random = Random(seed)
    history = tamper(random, FewValues(), record(random, FewValues(), small(random)))

    later = [
        interval._replace(
            call=1000 + 7 * interval.call,
            ret=None if interval.ret is None else 1000 + 7 * interval.ret,
        )
        for interval in history
    ]

    assert answer_of(later) is answer_of(history)


@pytest.mark.parametrize("seed", range(40))
def test_a_read_may_be_repeated_beside_itself(seed: int) -> None:
    random = Random(seed)
    history = tamper(random, FewValues(), record(random, FewValues(), small(random)))
    stretched = [
        interval._replace(
            call=3 * interval.call, ret=None if interval.ret is None else 3 * interval.ret
        )
        for interval in history
    ]

    repeated = sorted(
        [
            *stretched,
            *(
                read._replace(call=read.call - 1, ret=read.ret + 1)
                for read in stretched
                if isinstance(read.operation, Read) and read.ret is not None
            ),
        ],
        key=lambda interval: interval.call,
    )

    assert answer_of(repeated) is answer_of(history)


@pytest.mark.parametrize("seed", range(40))
def test_values_can_be_renamed(seed: int) -> None:
    random = Random(seed)
    history = [
        interval
        for interval in tamper(random, FewValues(), record(random, FewValues(), small(random)))
        if isinstance(interval.operation, Read | Write)
    ]

    renamed = [
        interval._replace(operation=type(interval.operation)(f"value {interval.operation.value}"))
        for interval in history
        if isinstance(interval.operation, Read | Write)
    ]
    renamed_from = CasRegister("value None")

    assert decide(renamed, renamed_from, steps_max=STEPS_MAX).answer is answer_of(history)


class Bare:
    """The model of sets, with nothing but what every model must have."""

    name = "bare"
    initial: Elements = frozenset()

    def parse(self, operation: Operation) -> SetOperation | None:
        """Return the operation."""
        return ElementSet().parse(operation)

    def step(self, state: Elements, operation: SetOperation) -> Elements | None:
        """Apply one operation."""
        return ElementSet().step(state, operation)
