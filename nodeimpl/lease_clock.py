"""When something is due for each of many leases, by the clock of the leader."""

from collections.abc import Mapping
from heapq import heappop, heappush

from nodeimpl.ids import Instant, LeaseId


class LeaseClock:
    """One instant per lease, which may be put off often and comes seldom.

    Putting it off costs a write into a map: the lease keeps its old place in the queue, and is
    moved back when that comes up.
    """

    __slots__ = ("_at", "_place", "_queue")

    def __init__(self) -> None:
        self._at: dict[LeaseId, Instant] = {}
        self._queue: list[tuple[Instant, LeaseId]] = []
        self._place: dict[LeaseId, Instant] = {}
        """Where in the queue a lease is; what the queue holds of it besides is void."""

    @property
    def instants(self) -> Mapping[LeaseId, Instant]:
        """What is due when, or was and has not been set anew."""
        return self._at

    @property
    def next_look(self) -> Instant | None:
        """When to ask `due` at the latest, nothing being due before; None if there is nothing."""
        return self._queue[0][0] if self._queue else None

    def set(self, lease_id: LeaseId, at: Instant) -> None:
        """Let the lease be due at `at`, and not at any other instant set before."""
        self._at[lease_id] = at
        place = self._place.get(lease_id)
        if place is None or at < place:
            self._queue_up(lease_id, at)

    def drop(self, lease_id: LeaseId) -> None:
        """Let the lease never be due."""
        self._at.pop(lease_id, None)

    def due(self, now: Instant) -> list[LeaseId]:
        """Return the leases whose instant has come, soonest first; each once until it is set anew.

        Its instant can still be asked for.
        """
        found: list[LeaseId] = []
        while self._queue and self._queue[0][0] <= now:
            place, lease_id = heappop(self._queue)
            if self._place.get(lease_id) != place:
                continue
            del self._place[lease_id]
            at = self._at.get(lease_id)
            if at is not None and at > now:
                self._queue_up(lease_id, at)
            elif at is not None:
                found.append(lease_id)
        return found

    def _queue_up(self, lease_id: LeaseId, at: Instant) -> None:
        self._place[lease_id] = at
        heappush(self._queue, (at, lease_id))
