"""How much a member's backend may hold, and what it does about it (etcd, etcdserver/quota.go).

A member whose backend holds its quota takes nothing from clients that would make stores grow, and
raises the NOSPACE alarm: from then on every member refuses it (`mvcc.alarms`). The alarm stays when
there is room again, until an operator lifts it.

Deviation: what entered the log before the alarm is carried out and answered so. etcd carries it
out, too, but tells its client that there was no room. And what one request adds is not reckoned
with before it is there.
"""

from nodeimpl.api.errors import NO_SPACE, ApiError
from nodeimpl.api.rpc_pb2 import NOSPACE, AlarmRequest
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant
from nodeimpl.mvcc.alarms import Alarms, makes_grow
from nodeimpl.mvcc.backend import Backend


class Quota:
    """The quota of one member."""

    __slots__ = (
        "_ask_again_at",
        "_backend",
        "_bytes_max",
        "_node_id",
        "_patience_ns",
        "is_used_up",
    )

    def __init__(self, config: NodeConfig, backend: Backend) -> None:
        self._node_id = config.node_id
        self._bytes_max = config.store.quota_backend_bytes
        self._patience_ns = config.request_timeout_ns
        self._backend = backend
        self._ask_again_at: Instant | None = None
        self.is_used_up = False
        """Whether the backend held its quota at the last look."""

    def look(self) -> bool:
        """Look at the backend; return whether it holds its quota."""
        self.is_used_up = self._backend.size_bytes() >= self._bytes_max
        return self.is_used_up

    def refusal(self, request: object) -> ApiError | None:
        """Return `NO_SPACE` for what would make the store grow while the quota is used up."""
        return NO_SPACE if makes_grow(request) and self.look() else None

    def alarm(self, now: Instant, alarms: Alarms) -> AlarmRequest | None:
        """Return the alarm to raise; None if there is no need, or it has just been asked for."""
        if not self.is_used_up or alarms.is_on(NOSPACE, self._node_id):
            return None
        if self._ask_again_at is not None and now < self._ask_again_at:
            return None
        self._ask_again_at = Instant(now + self._patience_ns)
        return AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=self._node_id, alarm=NOSPACE)
