"""One node as clients reach it: a channel of gRPC, and the calls we make on it.

No client library: a harness needs calls that go to exactly one node, that are sent once, and whose
failures are told as they are. So there is no balancing, no retry and no proxy; requests and
answers are etcd's own messages.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self, TypeAlias

import grpc

from harness.client import Request, Response, connection_lost
from harness.environments.real_time.failures import failure_of
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AlarmResponse,
    AuthRoleAddRequest,
    AuthRoleAddResponse,
    AuthRoleDeleteRequest,
    AuthRoleDeleteResponse,
    AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse,
    AuthRoleListRequest,
    AuthRoleListResponse,
    CompactionRequest,
    CompactionResponse,
    DefragmentRequest,
    DefragmentResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    HashKVRequest,
    HashKVResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    MemberAddRequest,
    MemberAddResponse,
    MemberListRequest,
    MemberListResponse,
    MemberPromoteRequest,
    MemberPromoteResponse,
    MemberRemoveRequest,
    MemberRemoveResponse,
    MemberUpdateRequest,
    MemberUpdateResponse,
    MoveLeaderRequest,
    MoveLeaderResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    SnapshotRequest,
    SnapshotResponse,
    StatusRequest,
    StatusResponse,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.ids import SECOND

_OPTIONS: Final[Sequence[tuple[str, int]]] = (
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A daemon that is back should be found at once; one that is paused should not hold an
    # attempt to connect for gRPC's default of 20 s.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 250),
)

_METHODS: Final[Mapping[type[Request], tuple[str, type[Response]]]] = MappingProxyType(
    {
        RangeRequest: ("KV/Range", RangeResponse),
        PutRequest: ("KV/Put", PutResponse),
        DeleteRangeRequest: ("KV/DeleteRange", DeleteRangeResponse),
        TxnRequest: ("KV/Txn", TxnResponse),
        CompactionRequest: ("KV/Compact", CompactionResponse),
        LeaseGrantRequest: ("Lease/LeaseGrant", LeaseGrantResponse),
        LeaseRevokeRequest: ("Lease/LeaseRevoke", LeaseRevokeResponse),
        LeaseTimeToLiveRequest: ("Lease/LeaseTimeToLive", LeaseTimeToLiveResponse),
        LeaseLeasesRequest: ("Lease/LeaseLeases", LeaseLeasesResponse),
        MemberListRequest: ("Cluster/MemberList", MemberListResponse),
        MemberAddRequest: ("Cluster/MemberAdd", MemberAddResponse),
        MemberPromoteRequest: ("Cluster/MemberPromote", MemberPromoteResponse),
        MemberRemoveRequest: ("Cluster/MemberRemove", MemberRemoveResponse),
        MemberUpdateRequest: ("Cluster/MemberUpdate", MemberUpdateResponse),
        AuthRoleAddRequest: ("Auth/RoleAdd", AuthRoleAddResponse),
        AuthRoleGrantPermissionRequest: (
            "Auth/RoleGrantPermission",
            AuthRoleGrantPermissionResponse,
        ),
        AuthRoleDeleteRequest: ("Auth/RoleDelete", AuthRoleDeleteResponse),
        AuthRoleListRequest: ("Auth/RoleList", AuthRoleListResponse),
        AlarmRequest: ("Maintenance/Alarm", AlarmResponse),
        DefragmentRequest: ("Maintenance/Defragment", DefragmentResponse),
        MoveLeaderRequest: ("Maintenance/MoveLeader", MoveLeaderResponse),
    }
)
"""Requests that are one call with one answer. A keep-alive is a stream to etcd."""

_Method: TypeAlias = grpc.aio.UnaryUnaryMultiCallable[Request, Response]


class Endpoint:
    """A node's client address. Belongs to the event loop in which it was made; close it there."""

    def __init__(self, address: str) -> None:
        self.address: Final = address
        channel = grpc.aio.insecure_channel(address, options=list(_OPTIONS))
        self._channel = channel
        self._methods: dict[type[Request], _Method] = {
            request: _method(channel, path, response)
            for request, (path, response) in _METHODS.items()
        }
        self._keep_alives: grpc.aio.StreamStreamMultiCallable[
            LeaseKeepAliveRequest, LeaseKeepAliveResponse
        ] = channel.stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=LeaseKeepAliveResponse.FromString,
        )
        self._status: grpc.aio.UnaryUnaryMultiCallable[StatusRequest, StatusResponse] = (
            channel.unary_unary(
                "/etcdserverpb.Maintenance/Status",
                request_serializer=StatusRequest.SerializeToString,
                response_deserializer=StatusResponse.FromString,
            )
        )
        self._snapshot: grpc.aio.UnaryStreamMultiCallable[SnapshotRequest, SnapshotResponse] = (
            channel.unary_stream(
                "/etcdserverpb.Maintenance/Snapshot",
                request_serializer=SnapshotRequest.SerializeToString,
                response_deserializer=SnapshotResponse.FromString,
            )
        )
        self._hash_kv: grpc.aio.UnaryUnaryMultiCallable[HashKVRequest, HashKVResponse] = (
            channel.unary_unary(
                "/etcdserverpb.Maintenance/HashKV",
                request_serializer=HashKVRequest.SerializeToString,
                response_deserializer=HashKVResponse.FromString,
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(self, request: Request, timeout_ns: int) -> Response:
        """Send the request once and return the answer; raises `CallError` if none comes."""
        try:
            if isinstance(request, LeaseKeepAliveRequest):
                return await self._keep_alive(request, timeout_ns)
            return await self._methods[type(request)](request, timeout=timeout_ns / SECOND)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from error

    async def _keep_alive(
        self, request: LeaseKeepAliveRequest, timeout_ns: int
    ) -> LeaseKeepAliveResponse:
        """Keep one lease alive once, on a stream of its own."""
        call = self._keep_alives(iter([request]), timeout=timeout_ns / SECOND)
        try:
            response = await call.read()
        finally:
            call.cancel()
        if not isinstance(response, LeaseKeepAliveResponse):
            raise connection_lost()
        return response

    async def status(self, timeout_ns: int) -> StatusResponse:
        """Return what the node says of itself; raises `CallError`."""
        try:
            return await self._status(StatusRequest(), timeout=timeout_ns / SECOND)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from error

    async def hash_kv(self, timeout_ns: int) -> HashKVResponse:
        """Return the hash of all that the node's store holds now; raises `CallError`."""
        try:
            return await self._hash_kv(HashKVRequest(), timeout=timeout_ns / SECOND)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from error

    async def save(self, path: Path, timeout_ns: int) -> None:
        """Write a backup of the node's store to a file, checksum and all; raises `CallError`."""
        try:
            with path.open("wb") as file:
                async for piece in self._snapshot(SnapshotRequest(), timeout=timeout_ns / SECOND):
                    file.write(piece.blob)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from error

    async def close(self) -> None:
        """Give up calls in flight and close the connection."""
        await self._channel.close()


def _method(channel: grpc.aio.Channel, path: str, answer: type[Response]) -> _Method:
    return channel.unary_unary(
        f"/etcdserverpb.{path}",
        request_serializer=_serialized,
        response_deserializer=answer.FromString,
    )


def _serialized(request: Request) -> bytes:
    return request.SerializeToString()
