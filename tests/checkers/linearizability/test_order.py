"""Orders that are shown: each must be one, by replaying it."""

from pathlib import Path

import pytest

from checkers.history import History, Op, OpType
from checkers.history_file import load_history
from checkers.linearizability.interval import Interval, intervals
from checkers.linearizability.order import order_of_all
from checkers.linearizability.split import split
from checkers.models.cas_register import CasRegister, RegisterOperation
from checkers.models.register import Read, Register, Write

GOOD = Path(__file__).parents[3] / "histories" / "good"


def is_an_order(found: list[Interval[RegisterOperation]], order: tuple[int, ...]) -> bool:
    """Say whether `order` is legal from the start and keeps to real time."""
    by_invoke = {each.invoke: each for each in found}
    state = CasRegister().initial
    latest_call = -1
    for invoke in order:
        after = CasRegister().step(state, by_invoke[invoke].operation)
        ret = by_invoke[invoke].ret
        if after is None or (ret is not None and ret < latest_call):
            return False
        state, latest_call = after, max(latest_call, by_invoke[invoke].call)
    return True


@pytest.mark.parametrize(
    "name", ["longest-etcd-log", "few-unknown-writes", "unknown-writes-explain-reads"]
)
def test_an_order_is_found_and_is_one(name: str) -> None:
    history = load_history(GOOD / f"{name}.jsonl").history
    for part in split(history.operations(), CasRegister()):
        found: list[Interval[RegisterOperation]] = intervals(part.operations, CasRegister())
        result = order_of_all(found, CasRegister(), steps_max=100_000)

        assert result is not None
        assert is_an_order(found, result.order)
        assert set(result.order) >= {each.invoke for each in found if each.ret is not None}


def test_there_is_no_order_of_what_is_not_linearizable() -> None:
    found: list[Interval[Read | Write]] = [
        Interval(Write(1), 0, 1, 0),
        Interval(Write(2), 2, 3, 2),
        Interval(Read(1), 4, 5, 4),
    ]

    assert order_of_all(found, Register(), steps_max=1000) is None


def test_what_never_returned_takes_its_place_only_if_needed() -> None:
    unneeded: list[Interval[Read | Write]] = [
        Interval(Write(1), 0, None, 0),
        Interval(Read(None), 1, 2, 1),
    ]
    needed: list[Interval[Read | Write]] = [
        Interval(Write(1), 0, None, 0),
        Interval(Read(1), 1, 2, 1),
    ]

    without = order_of_all(unneeded, Register(), steps_max=1000)
    with_it = order_of_all(needed, Register(), steps_max=1000)

    assert without is not None
    assert without.order == (1,)
    assert with_it is not None
    assert with_it.order == (0, 1)


def test_a_search_out_of_steps_says_nothing() -> None:
    ops: list[Interval[Read | Write]] = [
        Interval(Write(place), place, 100 + place, place) for place in range(20)
    ]

    assert order_of_all(ops, Register(), steps_max=3) is None


def test_an_empty_history_has_an_empty_order() -> None:
    history = History([Op(index=0, time=0, process="nemesis", type=OpType.INFO, f="kill")])

    result = order_of_all(intervals(history.operations(), Register()), Register(), steps_max=1)

    assert result is not None
    assert result.order == ()
