"""The sweep itself: what it keeps, what it cuts, and what it may then still say."""

from checkers.linearizability.interval import Interval
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.register_moves import RegisterMoves
from checkers.linearizability.sweep import CrashedKind, Outcome, Sweep, antichain
from checkers.models.cas_register import RegisterOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.rows import during


def sweep(
    history: list[Interval[RegisterOperation]],
    *,
    steps_max: int = 10_000,
    beam: int | None = None,
    reusable: bool = False,
) -> Outcome:
    moves = RegisterMoves(RegisterHistory(history, None), reusable=reusable)
    return Sweep(moves, history, steps_max=steps_max, beam=beam).run()


def test_what_is_convicted_died_at_a_return() -> None:
    outcome = sweep([during(Write(1), 0, 1), during(Read(2), 2, 3), during(Read(1), 4, 5)])

    assert (outcome.answer, outcome.place) == (Answer.INVALID, 1)


def test_a_budget_is_obeyed_within_one_return() -> None:
    history: list[Interval[RegisterOperation]] = [
        *[during(Write(n), n, 1000 + n) for n in range(12)],
        *[during(Read(n), 100 + n, 2000 + n) for n in range(12)],
    ]

    outcome = sweep(history, steps_max=50)

    assert outcome.answer is Answer.UNKNOWN
    assert outcome.steps <= 50 + 12


TWO_ORDERS: list[Interval[RegisterOperation]] = [
    during(Write(1), 0, 3),
    during(Write(2), 1, 4),
    during(Write(3), 2, 5),
    during(Read(1), 6, 7),
]


def test_a_beam_that_cuts_does_not_convict() -> None:
    wrong = [*TWO_ORDERS, during(Read(2), 8, 9)]

    assert sweep(wrong).answer is Answer.INVALID
    assert sweep(wrong, beam=1).answer is not Answer.VALID


def test_a_beam_that_never_cuts_convicts() -> None:
    wrong: list[Interval[RegisterOperation]] = [during(Write(1), 0, 1), during(Read(2), 2, 3)]

    assert sweep(wrong, beam=2).answer is Answer.INVALID


ONE_WRITE_SEEN_TWICE: list[Interval[RegisterOperation]] = [
    during(Write(1), 0),
    during(Read(1), 1, 2),
    during(Write(2), 3, 4),
    during(Read(1), 5, 6),
]


def test_an_unknown_write_is_used_once() -> None:
    assert sweep(ONE_WRITE_SEEN_TWICE).answer is Answer.INVALID


def test_a_relaxation_uses_it_again() -> None:
    assert sweep(ONE_WRITE_SEEN_TWICE, reusable=True).answer is Answer.VALID


def test_packed_counts_compare_field_by_field() -> None:
    kinds = [CrashedKind(number=number, width=4, reusable=False) for number in range(3)]
    guard = sum(kind.guard for kind in kinds)
    more = 3 * kinds[0].unit + 7 * kinds[1].unit + 1 * kinds[2].unit
    less = 2 * kinds[0].unit + 7 * kinds[1].unit
    crossed = 4 * kinds[0].unit + 6 * kinds[1].unit + 1 * kinds[2].unit

    assert ((more | guard) - less) & guard == guard
    assert ((less | guard) - more) & guard != guard
    assert ((more | guard) - crossed) & guard != guard


PENDING, DONE, OPTIONAL = ("s", 0, 0, 0), ("s", 1, 0, 0), ("s", 0, 1, 0)


def test_optional_dominates_pending_and_done() -> None:
    kept = antichain([PENDING, DONE, OPTIONAL], pure=0, movers=1, guard=0)

    assert kept == [OPTIONAL]


def test_a_mover_done_and_one_pending_are_both_kept() -> None:
    kept = antichain([PENDING, DONE], pure=0, movers=1, guard=0)

    assert sorted(kept) == [PENDING, DONE]


def test_a_read_that_is_done_dominates_one_that_is_pending() -> None:
    kept = antichain([PENDING, DONE], pure=1, movers=0, guard=0)

    assert kept == [DONE]


def test_who_used_more_unknown_operations_is_dominated() -> None:
    kind = CrashedKind(number=0, width=4, reusable=False)

    kept = antichain([("s", 0, 0, 2), ("s", 0, 0, 1)], pure=0, movers=0, guard=kind.guard)

    assert kept == [("s", 0, 0, 1)]
