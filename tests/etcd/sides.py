"""Who is asked the same: a real etcd or our node behind a client address, our node in this process.

An answer is a response, or the gRPC code and the message of the error.
"""

from collections.abc import Iterator
from queue import SimpleQueue
from random import Random
from threading import Thread
from typing import Protocol, TypeAlias

import grpc

from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
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
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.boundary import ClientRequest, CommitBackend, Effect, Input, Reply, Requests, Wake
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

TIMEOUT_S = 10.0
METHODS: dict[type[ApiRequest], tuple[str, type[ApiResponse]]] = {
    RangeRequest: ("KV/Range", RangeResponse),
    PutRequest: ("KV/Put", PutResponse),
    DeleteRangeRequest: ("KV/DeleteRange", DeleteRangeResponse),
    TxnRequest: ("KV/Txn", TxnResponse),
    CompactionRequest: ("KV/Compact", CompactionResponse),
    LeaseGrantRequest: ("Lease/LeaseGrant", LeaseGrantResponse),
    LeaseRevokeRequest: ("Lease/LeaseRevoke", LeaseRevokeResponse),
    LeaseTimeToLiveRequest: ("Lease/LeaseTimeToLive", LeaseTimeToLiveResponse),
    LeaseLeasesRequest: ("Lease/LeaseLeases", LeaseLeasesResponse),
}

Answer: TypeAlias = ApiResponse | tuple[int, str]


class Side(Protocol):
    """A store with one node."""

    name: str

    def ask(self, request: ApiRequest) -> Answer:
        """Return the answer to one request."""


class Watcher:
    """One watch on a stream of its own, and every response to it so far."""

    def __init__(self, channel: grpc.Channel, request: WatchCreateRequest) -> None:
        self.responses: list[WatchResponse] = []
        self._requests: SimpleQueue[WatchRequest | None] = SimpleQueue()
        self._requests.put(WatchRequest(create_request=request))
        watch: grpc.StreamStreamMultiCallable[WatchRequest, WatchResponse] = channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=WatchRequest.SerializeToString,
            response_deserializer=WatchResponse.FromString,
        )
        self._call = watch(self._asked())
        self._thread = Thread(target=self._read)
        self._thread.start()

    @property
    def event_count(self) -> int:
        """How many events have come."""
        return sum(len(response.events) for response in self.responses)

    def close(self) -> None:
        """End the stream."""
        self._requests.put(None)
        self._call.cancel()
        self._thread.join()

    def _asked(self) -> Iterator[WatchRequest]:
        while (request := self._requests.get()) is not None:
            yield request

    def _read(self) -> None:
        try:
            for response in self._call:
                self.responses.append(response)
        except grpc.RpcError:
            return  # It was cancelled, or its node is gone, as the comparison will show.


class StoreDaemon:
    """A store behind a client address."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._channel = grpc.insecure_channel(
            address, options=[("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
        )

    def ask(self, request: ApiRequest) -> Answer:
        if isinstance(request, LeaseKeepAliveRequest):
            return self._keep_alive(request)
        method, response = METHODS[type(request)]
        call: grpc.UnaryUnaryMultiCallable[ApiRequest, ApiResponse] = self._channel.unary_unary(
            f"/etcdserverpb.{method}",
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=response.FromString,
        )
        future = call.future(request, timeout=TIMEOUT_S)
        if future.exception() is None:
            return future.result()
        code: int = future.code().value[0]
        return code, future.details()

    def watch(self, request: WatchCreateRequest) -> Watcher:
        return Watcher(self._channel, request)

    def close(self) -> None:
        self._channel.close()

    def _keep_alive(self, request: LeaseKeepAliveRequest) -> Answer:
        keep_alive: grpc.StreamStreamMultiCallable[
            LeaseKeepAliveRequest, LeaseKeepAliveResponse
        ] = self._channel.stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=LeaseKeepAliveResponse.FromString,
        )
        return next(iter(keep_alive(iter([request]), timeout=TIMEOUT_S)))


class NodeAlone:
    """Our node as the only member of its cluster, on a backend in memory, driven by hand."""

    def __init__(self) -> None:
        self.name = "nodeimpl"
        self._now = Instant(0)
        self._backend = MemoryBackend()
        config = NodeConfig(node_id=NodeId(1), cluster_id=1, voters=(NodeId(1),), incarnation=1)
        self._node = Node(config, Recovered(), self._backend, Random(1), self._now)
        while self._node.raft.leader is None:
            self._wake()

    def ask(self, request: ApiRequest) -> Answer:
        self._now = Instant(self._now + 1)
        effects = self._handle(Requests((ClientRequest(1, request),)))
        while not (replies := [effect for effect in effects if isinstance(effect, Reply)]):
            effects = self._wake()
        body = replies[0].body
        if isinstance(body, ApiError):
            return body.code.value, body.message
        return type(body).FromString(body.SerializeToString())

    def _wake(self) -> list[Effect]:
        self._now = max(self._now, self._node.deadline)
        return self._handle(Wake())

    def _handle(self, given: Input) -> list[Effect]:
        effects = self._node.handle(self._now, given)
        for effect in effects:
            if isinstance(effect, CommitBackend):
                self._backend.commit(effect.point)
        return effects
