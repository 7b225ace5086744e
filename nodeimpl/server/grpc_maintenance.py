"""etcd's Maintenance service."""

import hashlib
from collections.abc import AsyncIterator
from typing import Protocol

from google.protobuf.message import Message

from nodeimpl.api.errors import (
    DOWNGRADE_VERSION_FORMAT,
    INVALID_DOWNGRADE_VERSION,
    NO_DOWNGRADE_IN_PROGRESS,
    NO_LEADER,
)
from nodeimpl.api.rpc_pb2 import (
    NONE,
    AlarmRequest,
    AlarmType,
    DefragmentRequest,
    DefragmentResponse,
    DowngradeRequest,
    HashKVRequest,
    HashKVResponse,
    HashRequest,
    HashResponse,
    MoveLeaderRequest,
    MoveLeaderResponse,
    SnapshotRequest,
    SnapshotResponse,
    StatusRequest,
    StatusResponse,
)
from nodeimpl.ids import NodeId, Revision
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.grpc_serving import Context, Service, streaming, unary
from nodeimpl.server.hashing import hash_of
from nodeimpl.server.headers import header
from nodeimpl.server.reception import Reception
from nodeimpl.server.version import SERVER_VERSION


class Storage(Protocol):
    """What operators want of the storage."""

    def file_bytes(self) -> int:
        """Return the size of the backend's file."""

    def in_use_bytes(self) -> int:
        """Return how much of it is in use."""

    async def defragment(self) -> None:
        """Give the rest back to the file system."""

    async def snapshot(self) -> "tuple[int, AsyncIterator[bytes]]":
        """Return the size of a snapshot of the store as it is now, and its pieces."""


def maintenance_service(reception: Reception, storage: Storage) -> Service:
    """Return the service."""
    maintenance = _Maintenance(reception, storage)
    return "etcdserverpb.Maintenance", {
        "Alarm": unary(maintenance.alarm, AlarmRequest),
        "Status": unary(maintenance.status, StatusRequest),
        "Defragment": unary(maintenance.defragment, DefragmentRequest),
        "Hash": unary(maintenance.hash, HashRequest),
        "HashKV": unary(maintenance.hash_kv, HashKVRequest),
        "Snapshot": streaming(maintenance.snapshot, SnapshotRequest),
        "MoveLeader": unary(maintenance.move_leader, MoveLeaderRequest),
        "Downgrade": unary(maintenance.downgrade, DowngradeRequest),
    }


class _Maintenance:
    def __init__(self, reception: Reception, storage: Storage) -> None:
        self._reception = reception
        self._driver = reception.driver
        self._storage = storage

    async def alarm(self, request: AlarmRequest, context: Context) -> Message:
        return await self._reception.ask(request, context)

    async def status(self, request: StatusRequest, context: Context) -> Message:
        del request, context
        node = self._driver.node
        raft = node.raft
        errors = [] if raft.leader is not None else [NO_LEADER.message]
        errors += [
            f"memberID:{alarm.memberID} alarm:{AlarmType.Name(alarm.alarm)} "
            for alarm in node.store.alarms.of_kind(NONE)
        ]
        return StatusResponse(
            header=header(self._driver),
            version=SERVER_VERSION,
            dbSize=self._storage.file_bytes(),
            dbSizeInUse=self._storage.in_use_bytes(),
            leader=raft.leader or 0,
            raftIndex=raft.commit_index,
            raftTerm=raft.current_term,
            raftAppliedIndex=node.applied_index,
            errors=errors,
            isLearner=node.config.node_id in raft.configuration.learners,
        )

    async def defragment(self, request: DefragmentRequest, context: Context) -> Message:
        del request
        self._reception.require_root(context)
        await self._storage.defragment()
        return DefragmentResponse()

    async def hash(self, request: HashRequest, context: Context) -> Message:
        del request
        self._reception.require_root(context)
        found = await hash_of(self._driver.node.store, Revision(0))
        return HashResponse(header=header(self._driver), hash=found.hash)

    async def hash_kv(self, request: HashKVRequest, context: Context) -> Message:
        self._reception.require_root(context)
        found = await hash_of(self._driver.node.store, Revision(request.revision))
        return HashKVResponse(
            header=header(self._driver), hash=found.hash, compact_revision=found.compact_revision
        )

    async def snapshot(
        self, request: SnapshotRequest, context: Context
    ) -> AsyncIterator[SnapshotResponse]:
        """Send the pieces, and at the end their SHA-256 (as etcd)."""
        del request
        self._reception.require_root(context)
        remaining, pieces = await self._storage.snapshot()
        digest = hashlib.sha256()
        async for piece in pieces:
            digest.update(piece)
            remaining -= len(piece)
            yield SnapshotResponse(remaining_bytes=remaining, blob=piece)
        yield SnapshotResponse(remaining_bytes=0, blob=digest.digest())

    async def move_leader(self, request: MoveLeaderRequest, context: Context) -> Message:
        self._reception.require_root(context)
        await self._driver.move_leader(NodeId(request.targetID))
        return MoveLeaderResponse()

    async def downgrade(self, request: DowngradeRequest, context: Context) -> Message:
        """Refuse: there is one version of this node's storage, so there is none to go back to."""
        self._reception.require_root(context)
        if request.action == DowngradeRequest.CANCEL:
            raise ApiFailure(NO_DOWNGRADE_IN_PROGRESS)
        parts = request.version.split(".")
        if not 2 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
            raise ApiFailure(DOWNGRADE_VERSION_FORMAT)
        raise ApiFailure(INVALID_DOWNGRADE_VERSION)
