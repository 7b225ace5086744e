"""An election as etcd calls: etcd's recipe, in which the oldest candidate leads.

A leader proclaims by putting its key again, which leaves its create_revision as it is; so it leads
as before, and says something new (client/v3/concurrency, election.go). docs/HISTORY_FORMAT.md,
Elections, has the shape of each operation.

Deviation: who observes asks a few times, where etcd's clients watch. What is promised is the same:
leaders are told in the order of revisions, some perhaps not at all.
"""

from typing import Final

import msgspec

from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue, Response
from harness.errors import CallError
from harness.lease_client import READS, SESSIONS, LeaseClient
from harness.padding import shown, stored
from harness.tenure_client import (
    SESSION_EXPIRED,
    Place,
    give_up,
    if_still,
    lease_of,
    line_up,
    oldest_of,
    text,
)
from nodeimpl.api import rpc_pb2
from nodeimpl.ids import MILLISECOND

NO_LEADER: Final = "no leader elected"
"""The error of who asked for a leader when there was none."""
_LOOKS: Final = 5
"""How often an observer looks."""
_LOOK_NS: Final = 40 * MILLISECOND
"""Between two looks."""


class Arguments(msgspec.Struct, frozen=True):
    """What an operation on an election is given."""

    election: str
    lease: int = 0
    key: str = ""
    token: int = 0
    value: str = ""


class ElectionClient(msgspec.Struct, frozen=True):
    """`campaign`, `proclaim` and `resign` for candidates; `leader` and `observe` for all."""

    timeout_ns: int
    """For every call."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        if op.f in SESSIONS:
            return LeaseClient(self.timeout_ns).begin(op)
        given = msgspec.convert(op.value, Arguments)
        match op.f:
            case "campaign":
                place = Place(given.election, given.lease)
                return line_up(place, given.value, self.timeout_ns)
            case "proclaim":
                return self._proclaim(given)
            case "resign":
                return give_up(given.key, given.token, self.timeout_ns)
            case "leader":
                return self._leader(given.election)
            case "observe":
                return self._observe(given.election)
            case _:
                raise AssertionError(f"no operation of an election: {op.f!r}")

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f not in READS and op.f not in {"leader", "observe"}

    def _proclaim(self, given: Arguments) -> Dialogue:
        put = rpc_pb2.PutRequest(
            key=given.key.encode(), value=stored(given.value), lease=lease_of(given.key)
        )
        proclaiming = if_still(given.key, given.token, rpc_pb2.RequestOp(request_put=put))
        done = yield Call(proclaiming, self.timeout_ns)
        assert isinstance(done, rpc_pb2.TxnResponse), "a txn is answered with a txn"
        if not done.succeeded:
            return Completion(OpType.FAIL, error=SESSION_EXPIRED)
        return Completion(OpType.OK, {"revision": done.header.revision})

    def _leader(self, election: str) -> Dialogue:
        response = yield Call(oldest_of(election), self.timeout_ns)
        leader = _leader_in(response)
        if leader is None:
            return Completion(OpType.FAIL, error=NO_LEADER)
        return Completion(OpType.OK, leader)

    def _observe(self, election: str) -> Dialogue:
        leaders: list[dict[str, object]] = []
        for look in range(_LOOKS):
            delay_ns = _LOOK_NS if look else 0
            try:
                response = yield Call(oldest_of(election), self.timeout_ns, delay_ns=delay_ns)
            except CallError:
                if not leaders:
                    raise
                break
            leader = _leader_in(response)
            if leader is not None and (not leaders or _has_news(leaders[-1], leader)):
                leaders.append(leader)
        return Completion(OpType.OK, {"leaders": leaders})


def _leader_in(response: Response) -> dict[str, object] | None:
    assert isinstance(response, rpc_pb2.RangeResponse), "a range is answered with a range"
    if not response.kvs:
        return None
    kv = response.kvs[0]
    return {
        "revision": response.header.revision,
        "key": text(kv.key),
        "token": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "value": shown(kv.value),
    }


def _has_news(last: dict[str, object], leader: dict[str, object]) -> bool:
    return last["mod_revision"] != leader["mod_revision"] or last["token"] != leader["token"]
