"""Automatic compaction (etcd, etcdserver/api/v3compactor), as plain values without a clock.

- revision: every five minutes, all but the last so many revisions go;
- periodic: all that was already there so long ago goes, looked at a tenth as often as that (at
  most once an hour).

Only the leader compacts; whoever leads next begins its own record of the past.
"""

from collections import deque
from typing import Final, TypeAlias

from nodeimpl.ids import SECOND, Instant, Revision
from nodeimpl.server.flags import AutoCompaction

REVISION_INTERVAL_NS: Final = 300 * SECOND
PERIODIC_INTERVAL_NS_MAX: Final = 3600 * SECOND
_INTERVALS: Final = 10
"""In one period, of which the past is recorded."""


class RevisionCompactor:
    """Keeps the last `retention` revisions."""

    def __init__(self, retention: int) -> None:
        self._retention = retention
        self.interval_ns = REVISION_INTERVAL_NS
        self._last = Revision(0)

    def reset(self) -> None:
        """Forget the past: this node has begun to lead."""
        self._last = Revision(0)

    def look(self, now: Instant, revision: Revision) -> Revision | None:
        """Return what to compact at, given the store's revision now; None: nothing."""
        del now
        target = Revision(revision - self._retention)
        return target if target > max(self._last, 0) else None

    def compacted(self, target: Revision) -> None:
        """Take note that a compaction at `target` is done, by whomever."""
        self._last = target


class PeriodicCompactor:
    """Keeps what is younger than a period."""

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self.interval_ns = min(period_ns, PERIODIC_INTERVAL_NS_MAX) // _INTERVALS
        self._past: deque[tuple[Instant, Revision]] = deque()
        self._last = Revision(0)

    def reset(self) -> None:
        """Forget the past: this node has begun to lead."""
        self._past.clear()

    def look(self, now: Instant, revision: Revision) -> Revision | None:
        """Return what to compact at, given the store's revision now; None: nothing."""
        self._past.append((now, revision))
        target: Revision | None = None
        while self._past and now - self._past[0][0] >= self._period_ns:
            _, target = self._past.popleft()
        return target if target is not None and target > self._last else None

    def compacted(self, target: Revision) -> None:
        """Take note that a compaction at `target` is done, by whomever."""
        self._last = target


Compactor: TypeAlias = RevisionCompactor | PeriodicCompactor


def make_compactor(flags: AutoCompaction) -> Compactor | None:
    """Return the compactor that the flags ask for; None if everything is kept."""
    if flags.mode == "revision" and flags.retention_revisions > 0:
        return RevisionCompactor(flags.retention_revisions)
    if flags.mode == "periodic" and flags.retention_ns > 0:
        return PeriodicCompactor(flags.retention_ns)
    return None
