"""When leases are due."""

from nodeimpl.ids import Instant, LeaseId
from nodeimpl.lease_clock import LeaseClock

ONE, TWO = LeaseId(1), LeaseId(2)


def test_a_lease_is_due_once_its_instant_has_come() -> None:
    clock = LeaseClock()
    clock.set(ONE, Instant(10))
    assert (clock.next_look, clock.due(Instant(9))) == (10, [])
    assert clock.due(Instant(10)) == [ONE]
    assert clock.due(Instant(10)) == []
    assert (clock.next_look, clock.instants) == (None, {ONE: 10})


def test_what_is_put_off_is_not_due_before() -> None:
    clock = LeaseClock()
    clock.set(ONE, Instant(10))
    clock.set(ONE, Instant(20))
    assert clock.due(Instant(19)) == []
    assert clock.next_look == 20
    assert clock.due(Instant(20)) == [ONE]


def test_what_is_dropped_is_never_due() -> None:
    clock = LeaseClock()
    clock.set(ONE, Instant(10))
    clock.drop(ONE)
    clock.drop(TWO)
    assert clock.due(Instant(99)) == []


def test_a_lease_that_comes_back_is_due_before_its_old_instant() -> None:
    clock = LeaseClock()
    clock.set(ONE, Instant(90))
    clock.drop(ONE)
    clock.set(ONE, Instant(10))
    assert clock.due(Instant(10)) == [ONE]
    assert clock.due(Instant(90)) == []


def test_leases_are_due_in_the_order_of_their_instants() -> None:
    clock = LeaseClock()
    clock.set(ONE, Instant(20))
    clock.set(TWO, Instant(10))
    assert clock.due(Instant(30)) == [TWO, ONE]
