"""Everything that etcd can be asked, as etcd calls: keys, leases, members, maintenance.

What `kv` and `lease` do is done by their clients. Here is what is left: the members of the cluster
are listed, one of them is told its own addresses once more, and a node rewrites the file of its
store. None of these changes any key, so whatever fails has no effect that a history needs to know.
"""

from typing import Final

import msgspec

from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue
from harness.etcd_client import KvClient
from harness.lease_client import LeaseClient
from nodeimpl.api import rpc_pb2

DEFRAGMENT: Final = "defragment"
MEMBER_LIST: Final = "member-list"
MEMBER_UPDATE: Final = "member-update"
MAINTENANCE: Final = (DEFRAGMENT, MEMBER_LIST, MEMBER_UPDATE)


class MixedClient(msgspec.Struct, frozen=True):
    """Operations on keys and leases, members and stores, all of one cluster."""

    timeout_ns: int
    """For every call."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        match op.f:
            case "defragment":
                return self._defragment()
            case "member-list":
                return self._list_members()
            case "member-update":
                return self._update_member()
            case _:
                return self._client(op).begin(op)

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f not in MAINTENANCE and self._client(op).has_effect(op)

    def _client(self, op: Op) -> KvClient | LeaseClient:
        is_leased = isinstance(op.value, dict) and "lease" in op.value
        if op.f.startswith("lease") or (op.f == "put" and is_leased):
            return LeaseClient(self.timeout_ns)
        return KvClient(self.timeout_ns)

    def _defragment(self) -> Dialogue:
        yield Call(rpc_pb2.DefragmentRequest(), self.timeout_ns)
        return Completion(OpType.OK)

    def _list_members(self) -> Dialogue:
        response = yield Call(rpc_pb2.MemberListRequest(linearizable=True), self.timeout_ns)
        assert isinstance(response, rpc_pb2.MemberListResponse), "a list is answered with a list"
        return Completion(OpType.OK, {"members": sorted(each.name for each in response.members)})

    def _update_member(self) -> Dialogue:
        """Tell the cluster the addresses that a member has: those it has already."""
        response = yield Call(rpc_pb2.MemberListRequest(), self.timeout_ns)
        assert isinstance(response, rpc_pb2.MemberListResponse), "a list is answered with a list"
        if not response.members:
            return Completion(OpType.FAIL, error="there is no member")
        member = response.members[0]
        update = rpc_pb2.MemberUpdateRequest(ID=member.ID, peerURLs=member.peerURLs)
        yield Call(update, self.timeout_ns)
        return Completion(OpType.OK)
