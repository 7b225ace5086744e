"""The two who are asked the same: a real etcd over gRPC, and our node in this process.

An answer is a response, or the gRPC code and the message of the error.
"""

from random import Random
from typing import Protocol, TypeAlias

import grpc

from harness.systems.versions import Version
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.boundary import ClientRequest, CommitBackend, Effect, Input, Reply, Requests, Wake
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

TIMEOUT_S = 10.0
METHODS: dict[type[ApiRequest], tuple[str, type[ApiResponse]]] = {
    RangeRequest: ("Range", RangeResponse),
    PutRequest: ("Put", PutResponse),
    DeleteRangeRequest: ("DeleteRange", DeleteRangeResponse),
    TxnRequest: ("Txn", TxnResponse),
    CompactionRequest: ("Compact", CompactionResponse),
}

Answer: TypeAlias = ApiResponse | tuple[int, str]


class Side(Protocol):
    """A store with one node."""

    name: str

    def ask(self, request: ApiRequest) -> Answer:
        """Return the answer to one request."""


class EtcdDaemon:
    """A real etcd behind a client address."""

    def __init__(self, address: str, version: Version) -> None:
        self.name = f"etcd {version}"
        self.version = version
        self._channel = grpc.insecure_channel(
            address, options=[("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
        )

    def ask(self, request: ApiRequest) -> Answer:
        method, response = METHODS[type(request)]
        call: grpc.UnaryUnaryMultiCallable[ApiRequest, ApiResponse] = self._channel.unary_unary(
            f"/etcdserverpb.KV/{method}",
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=response.FromString,
        )
        future = call.future(request, timeout=TIMEOUT_S)
        if future.exception() is None:
            return future.result()
        code: int = future.code().value[0]
        return code, future.details()

    def close(self) -> None:
        self._channel.close()


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
