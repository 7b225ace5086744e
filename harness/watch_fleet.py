"""All clients of a trial that watch, and what they know together.

Where a watch begins decides what it meets. So the fleet remembers how far the store has come and
what was compacted, and draws from there: from now on, from the past, from a revision to come, from
exactly the one compacted, from long before it.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

import msgspec

from checkers.history import Op, OpType
from checkers.watch_history import EventKind, WatchRecord
from harness.watch_client import WatchClient, WatchSettings
from harness.watch_messages import Drawn
from nodeimpl.ids import Instant


class Reach(msgspec.Struct, frozen=True):
    """How far from now watches begin, in revisions."""

    past: int = 50
    """So many back, at most."""
    future: int = 30
    """And so many ahead."""


_NEAR: Final = Reach()

FleetMaker: TypeAlias = Callable[[Random, Callable[[WatchRecord], None], Instant], "WatchFleet"]
"""Makes the clients of a trial, given their chance, who is told of every record, and the time."""


class WatchFleet:
    """The clients, and their surroundings (`watch_client.Surroundings`)."""

    def __init__(  # noqa: PLR0913 - who watches, what, where, and who is told
        self,
        *,
        clients_count: int,
        settings: WatchSettings,
        nodes: tuple[str, ...],
        keys: Sequence[str],
        keys_end: str,
        reach: Reach = _NEAR,
        random: Random,
        record: Callable[[WatchRecord], None],
        now: Instant,
    ) -> None:
        """`keys` are in order, and all of them lie before `keys_end`."""
        self.nodes = nodes
        self._keys = tuple(keys)
        self._keys_end = keys_end
        self._reach = reach
        self._revision = 1
        self._compact_revision: int | None = None
        """What someone asked to compact to last; None before."""
        self._last_stream = self._last_watcher = -1
        self.clients = [
            WatchClient(settings, self, Random(random.getrandbits(64)), record, now)
            for _ in range(clients_count)
        ]

    @property
    def revision(self) -> int:
        """The latest revision that anybody has seen."""
        return self._revision

    def note(self, op: Op) -> None:
        """Learn from an op of the history."""
        if op.f == "compact" and op.type is OpType.INVOKE and isinstance(op.value, dict):
            self._compact_revision = _revision_in(op.value)
        elif op.type is OpType.OK and isinstance(op.value, dict):
            self.saw(_revision_in(op.value))

    # ------------------------------------------------------------ watch_client.Surroundings
    def next_stream(self) -> int:
        """Return the number of a new stream."""
        self._last_stream += 1
        return self._last_stream

    def next_watcher(self) -> int:
        """Return the number of a new watcher."""
        self._last_watcher += 1
        return self._last_watcher

    def saw(self, revision: int) -> None:
        """Note that the store has come to `revision`."""
        self._revision = max(self._revision, revision)

    def draw(self, random: Random) -> Drawn:
        """Return what to watch."""
        key, range_end = self._draw_keys(random)
        return Drawn(
            key=key,
            range_end=range_end,
            start_revision=self._draw_start(random),
            prev_kv=random.random() < 0.5,
            fragment=random.random() < 0.3,
            progress_notify=random.random() < 0.5,
            filters=_draw_filters(random),
            chooses_id=random.random() < 0.3,
        )

    def _draw_keys(self, random: Random) -> tuple[str, str | None]:
        """Return one key, or the keys from one to another, to the last, or all."""
        shape = random.random()
        first = self._keys[int(random.random() * len(self._keys))]
        last = self._keys[int(random.random() * len(self._keys))]
        if shape < 0.3:
            return first, None
        if shape < 0.5:
            return (first, last) if first < last else (first, self._keys_end)
        if shape < 0.6:
            return first, "\0"
        return self._keys[0], self._keys_end

    def _draw_start(self, random: Random) -> int:
        point, place = random.random(), random.random()
        if point < 0.3:
            return 0
        if point < 0.55:
            return max(1, self._revision - int(place * self._reach.past))
        if point < 0.7:
            return self._revision + 1 + int(place * self._reach.future)
        if point < 0.75 or self._compact_revision is None:
            return 1
        if point < 0.9:
            return max(1, self._compact_revision)
        return max(1, self._compact_revision - 1 + int(place * 3))


def _draw_filters(random: Random) -> tuple[EventKind, ...]:
    point = random.random()
    if point < 0.7:
        return ()
    return (EventKind.PUT,) if point < 0.85 else (EventKind.DELETE,)


def _revision_in(value: dict[str, object]) -> int:
    revision = value.get("revision", 0)
    return revision if isinstance(revision, int) else 0
