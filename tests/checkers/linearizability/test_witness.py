"""The second opinion: all orders of a few operations."""

from checkers.linearizability.interval import Interval
from checkers.linearizability.witness import Attempt, try_all
from checkers.models.cas_register import CasRegister, RegisterOperation
from checkers.models.register import Read, Write
from tests.checkers.linearizability.rows import during

History = list[Interval[RegisterOperation]]

REGISTER = CasRegister()


def test_an_order_is_returned_if_there_is_one() -> None:
    history: History = [during(Read(1), 0, 3), during(Write(1), 1, 2)]

    search = try_all(history, REGISTER, steps_max=100)

    assert search is not None
    assert search.order == (1, 0)


def test_without_an_order_every_state_before_the_last_return_is_told() -> None:
    history: History = [during(Write(1), 0, 2), during(Write(2), 1, 3), during(Read(3), 4, 5)]

    search = try_all(history, REGISTER, steps_max=100)

    assert search is not None
    assert search.order is None
    assert search.attempts == (Attempt((0, 1), (2,)), Attempt((1, 0), (1,)))


def test_unknown_operations_may_be_left_out() -> None:
    history: History = [during(Write(1), 0), during(Read(None), 1, 2)]

    search = try_all(history, REGISTER, steps_max=100)

    assert search is not None
    assert search.order == (1,)


def test_it_gives_up_when_told_to() -> None:
    history: History = [during(Write(n), n, 100 + n) for n in range(10)]
    history.append(during(Read(99), 200, 201))

    assert try_all(history, REGISTER, steps_max=20) is None
