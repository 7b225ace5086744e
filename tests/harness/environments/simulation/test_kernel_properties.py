"""The kernel against a list that is sorted anew before every event."""

from hypothesis import given
from hypothesis import strategies as st

from harness.environments.simulation.kernel import Kernel

Delays = tuple[int, ...]


class SortedList:
    """The slow kernel: all events in a list, the smallest (time, number) taken out each time."""

    def __init__(self) -> None:
        self.events: list[tuple[int, int, Delays]] = []
        self.asked = 0

    def ask(self, time: int, delays: Delays) -> None:
        self.asked += 1
        self.events.append((time, self.asked, delays))

    def order(self) -> list[tuple[int, int]]:
        """Each event asks, one per delay, for further events, which ask for nothing."""
        done = []
        while self.events:
            self.events.sort()
            time, number, delays = self.events.pop(0)
            done.append((time, number))
            for delay in delays:
                self.ask(time + delay, ())
        return done


@given(st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 4), max_size=3)), max_size=12))
def test_events_come_in_the_order_of_time_and_of_asking(asked: list[tuple[int, list[int]]]) -> None:
    model = SortedList()
    queue = Kernel(start=0, events_max=10_000, instant_events_max=10_000)
    done: list[tuple[int, int]] = []
    numbers = iter(range(1, 10_000))

    def happen(number: int, delays: Delays) -> None:
        done.append((queue.now, number))
        for delay in delays:
            queue.after(delay, happen, next(numbers), ())

    for time, delays in asked:
        model.ask(time, tuple(delays))
        queue.at(time, happen, next(numbers), tuple(delays))
    queue.run(until=1_000)
    assert done == model.order()


@given(st.lists(st.integers(0, 50), max_size=20), st.lists(st.integers(1, 20), max_size=10))
def test_it_makes_no_difference_in_how_many_slices_the_kernel_runs(
    times: list[int], slices: list[int]
) -> None:
    whole, sliced = list[int](), list[int]()
    for seen, steps in ((whole, []), (sliced, slices)):
        queue = Kernel(start=0, events_max=10_000, instant_events_max=10_000)
        for number, time in enumerate(times):
            queue.at(time, seen.append, number)
        for step in steps:
            queue.run(queue.now + step)
        queue.run(until=1_000)
    assert sliced == whole
