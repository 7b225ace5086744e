"""The event queue: order, limits, and where the clock stands."""

import pytest

from harness.environments.simulation.kernel import Kernel, Storm


def kernel(*, start: int = 0, events_max: int = 1_000, instant_events_max: int = 100) -> Kernel:
    return Kernel(start=start, events_max=events_max, instant_events_max=instant_events_max)


def test_earlier_events_come_first_whatever_the_order_of_asking() -> None:
    queue, seen = kernel(), list[str]()
    queue.at(20, seen.append, "later")
    queue.at(10, seen.append, "sooner")
    queue.run(until=100)
    assert seen == ["sooner", "later"]


def test_events_of_one_instant_come_first_in_first_out() -> None:
    queue, seen = kernel(), list[str]()
    queue.at(10, seen.append, "first")
    queue.at(10, seen.append, "second")
    queue.after(10, seen.append, "third")
    queue.run(until=100)
    assert seen == ["first", "second", "third"]


def test_the_clock_stands_at_an_event_while_it_is_carried_out() -> None:
    queue, seen = kernel(start=-50), list[int]()
    queue.at(-20, lambda: seen.append(queue.now))
    queue.run(until=100)
    assert seen == [-20]


def test_an_event_at_the_very_end_is_carried_out_and_a_later_one_waits() -> None:
    queue, seen = kernel(), list[int]()
    queue.at(100, seen.append, 100)
    queue.at(101, seen.append, 101)
    queue.run(until=100)
    assert seen == [100]
    assert queue.now == 100


def test_an_event_may_ask_for_another_at_the_same_instant() -> None:
    queue, seen = kernel(), list[int]()
    queue.at(10, lambda: queue.after(0, lambda: seen.append(queue.now)))
    queue.run(until=10)
    assert seen == [10]


def test_the_clock_moves_on_when_nothing_happens() -> None:
    queue = kernel(start=-5)
    queue.run(until=7)
    assert queue.now == 7


def test_running_to_a_time_already_past_changes_nothing() -> None:
    queue, seen = kernel(), list[int]()
    queue.run(until=50)
    queue.at(50, seen.append, 1)
    queue.run(until=20)
    assert (queue.now, seen) == (50, [])


def test_an_event_in_the_past_is_refused() -> None:
    queue = kernel(start=10)
    with pytest.raises(AssertionError, match="would precede now"):
        queue.at(9, lambda: None)


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(AssertionError, match="would precede now"):
        kernel().after(-1, lambda: None)


def test_too_many_events_in_all_are_a_storm() -> None:
    queue = kernel(events_max=3)

    def again() -> None:
        queue.after(1, again)

    queue.at(0, again)
    with pytest.raises(Storm, match="more than 3 events"):
        queue.run(until=1_000)
    assert queue.now < 10


def test_as_many_events_as_allowed_are_no_storm() -> None:
    queue, seen = kernel(events_max=3, instant_events_max=3), list[int]()
    queue.at(0, seen.append, 1)
    queue.at(0, seen.append, 2)
    queue.at(0, seen.append, 3)
    queue.run(until=1)
    assert seen == [1, 2, 3]


def test_time_that_stands_still_is_a_storm() -> None:
    queue = kernel(instant_events_max=5)

    def again() -> None:
        queue.after(0, again)

    queue.at(7, again)
    with pytest.raises(Storm, match=r"more than 5 events in the instant 0\.000000007 s"):
        queue.run(until=1_000)


def test_more_and_more_events_to_come_are_a_storm() -> None:
    queue = Kernel(start=0, events_max=10_000, instant_events_max=10_000, pending_events_max=100)

    def breed() -> None:
        queue.after(1, breed)
        queue.after(1, breed)

    queue.at(0, breed)
    with pytest.raises(Storm, match="more than 100 events pending"):
        queue.run(until=1_000)
    assert queue.now < 10


def test_the_limit_of_an_instant_begins_anew_at_the_next() -> None:
    queue, seen = kernel(instant_events_max=2), list[int]()
    queue.at(1, seen.append, 1)
    queue.at(1, seen.append, 1)
    queue.at(2, seen.append, 2)
    queue.at(2, seen.append, 2)
    queue.run(until=3)
    assert seen == [1, 1, 2, 2]


def test_what_a_callback_raises_passes_through_with_the_clock_at_its_instant() -> None:
    queue = kernel()

    def fail() -> None:
        raise LookupError("broken")

    queue.at(5, fail)
    with pytest.raises(LookupError, match="broken"):
        queue.run(until=100)
    assert queue.now == 5
