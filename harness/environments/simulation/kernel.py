"""One event queue in virtual time: everything that happens in a simulation happens here.

Events are callbacks ordered by `(time, sequence)`: first in, first out among equal times. The
kernel draws nothing; all chance comes from streams of the seed (`streams.py`). Measured against
coroutines, an asyncio façade and trio's mock clock, plain callbacks on a heap were the fastest by
two to sixty times, and the simplest to make deterministic.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import TypeAlias, TypeVarTuple

from nodeimpl.ids import SECOND

Arguments = TypeVarTuple("Arguments")


_Event: TypeAlias = tuple[int, int, Callable[[], None]]


class Storm(Exception):  # noqa: N818 - a storm is what the cluster did, not an error of ours
    """The cluster does more and more without getting anywhere: a verdict, not a hang."""


class Kernel:
    """A clock that jumps from event to event."""

    __slots__ = (
        "_heap",
        "_sequence",
        "events_count",
        "events_max",
        "instant_events_max",
        "now",
        "pending_events_max",
    )

    def __init__(
        self,
        *,
        start: int,
        events_max: int,
        instant_events_max: int,
        pending_events_max: int = 50_000,
    ) -> None:
        """`events_max` bounds the whole run, `instant_events_max` one instant of virtual time.

        `pending_events_max` bounds what is still to come: messages that breed show there first.
        """
        self.now = start
        """Nanoseconds of virtual time; may be negative, before the trial's own zero."""
        self.events_count = 0
        """Carried out so far; told when `run` ends."""
        self.events_max = events_max
        self.instant_events_max = instant_events_max
        self.pending_events_max = pending_events_max
        self._sequence = 0
        self._heap: list[_Event] = []

    def at(
        self,
        time: int,
        callback: Callable[[*Arguments], None],
        *arguments: *Arguments,
    ) -> None:
        """Call `callback(*arguments)` at `time`, which must not be in the past."""
        assert time >= self.now, f"an event at {time} would precede now, {self.now}"
        self._sequence = sequence = self._sequence + 1
        event: _Event = (time, sequence, partial(callback, *arguments))
        heappush(self._heap, event)

    def after(
        self,
        delay: int,
        callback: Callable[[*Arguments], None],
        *arguments: *Arguments,
    ) -> None:
        """Call `callback(*arguments)` after `delay` nanoseconds, at least 0."""
        assert delay >= 0, f"a delay of {delay} ns would precede now"
        self._sequence = sequence = self._sequence + 1
        event: _Event = (self.now + delay, sequence, partial(callback, *arguments))
        heappush(self._heap, event)

    def run(self, until: int) -> None:
        """Carry out every event up to and including `until`; the clock then stands at `until`.

        Raises `Storm` when a limit on events is exceeded. Whatever a callback raises passes
        through, with the clock at that callback's instant.
        """
        heap = self._heap
        events_max, instant_events_max = self.events_max, self.instant_events_max
        pending_events_max = self.pending_events_max
        count = self.events_count
        instant: int | None = None
        instant_end = count
        try:
            while heap:
                event = heappop(heap)
                time = event[0]
                if time > until:
                    heappush(heap, event)
                    break
                if time != instant:
                    instant = self.now = time
                    instant_end = count + instant_events_max
                    if count > events_max or len(heap) > pending_events_max:
                        raise self._storm(len(heap))
                count += 1
                if count > instant_end:
                    raise Storm(
                        f"more than {instant_events_max} events in the instant "
                        f"{time / SECOND:.9f} s"
                    )
                event[2]()
        finally:
            self.events_count = count
        self.now = max(self.now, until)

    def _storm(self, pending_count: int) -> Storm:
        seconds = f"{self.now / SECOND:.6f} s"
        if pending_count > self.pending_events_max:
            return Storm(f"more than {self.pending_events_max} events pending at {seconds}")
        return Storm(f"more than {self.events_max} events by {seconds}")
