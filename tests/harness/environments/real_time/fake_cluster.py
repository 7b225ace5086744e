"""A cluster that pretends: gRPC servers in this process, all in front of one store."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from types import TracebackType
from typing import NoReturn, Self, TypeVar

import grpc
from google.protobuf.message import Message

from harness.environments.environment import Death, Means
from harness.systems.system import Member
from nemesis.surface import SurfaceError
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse, KvRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DefragmentRequest,
    DefragmentResponse,
    DeleteRangeRequest,
    HashKVRequest,
    HashKVResponse,
    MemberAddRequest,
    MemberAddResponse,
    MemberListRequest,
    MemberListResponse,
    MemberPromoteRequest,
    MemberPromoteResponse,
    MemberRemoveRequest,
    MemberRemoveResponse,
    MoveLeaderRequest,
    MoveLeaderResponse,
    PutRequest,
    RangeRequest,
    StatusRequest,
    StatusResponse,
    TxnRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.api.rpc_pb2 import Member as ListedMember
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

Asked = TypeVar(
    "Asked", MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest
)

KV: dict[str, type[KvRequest]] = {
    "Range": RangeRequest,
    "Put": PutRequest,
    "DeleteRange": DeleteRangeRequest,
    "Txn": TxnRequest,
    "Compact": CompactionRequest,
}


class FakeStore:
    """What all nodes answer from."""

    def __init__(self) -> None:
        self._store = Store(MemoryBackend(), StoreConfig())
        self._lock = Lock()
        self.applied_count = 1

    def ask(self, request: KvRequest) -> ApiResponse | ApiError:
        with self._lock:
            refusal = self._store.check(request)
            if refusal is not None:
                return refusal
            self.applied_count += 1
            return self._store.apply(request)

    @property
    def revision(self) -> int:
        return self._store.revision


class FakeCluster:
    """An `Environment` of such nodes; the first leads for as long as it runs."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.store = FakeStore()
        self.calls: list[tuple[str, str]] = []
        """What was done to whom by the nemesis."""
        self.broken: set[str] = set()
        """Calls of the nemesis that fail."""
        self.hashes: dict[str, int] = {}
        """Of nodes whose store is another than the others'."""
        self.ahead: dict[str, int] = {}
        """By how many revisions a node's store has come apart from the others'."""
        self.term_of_office = 1
        self.progress_id = -1
        """The watcher that an answer to a request for progress names; -1 means all."""
        self.lost: set[str] = set()
        """Nodes whose starts change nothing."""
        self.listing = FakeMembership(names)
        self.machines: FakeMachines | None = None
        """For nodes that join; None if the cluster keeps its members."""
        self.mute: set[str] = set()
        """Nodes that serve and do not answer."""
        self._ports: dict[str, int] = {}
        self._servers: dict[str, grpc.Server] = {}
        self._deaths: list[Death] = []

    # ------------------------------------------------------------ Environment
    @property
    def name(self) -> str:
        return "fake"

    @property
    def members(self) -> Sequence[Member]:
        return [self.member(name) for name in self.names]

    def member(self, name: str) -> Member:
        address = f"127.0.0.1:{self._ports[name]}"
        return Member(name=name, client_address=address, peer_address=f"{name}:2380")

    def means(self) -> Means:
        return Means(daemons=FakeDaemons(self), machines=self.machines)

    def start(self) -> None:
        """All of them serve already."""

    def deaths(self) -> Sequence[Death]:
        return self._deaths

    def discard_data(self) -> None:
        """There is none."""

    def __enter__(self) -> Self:
        for name in self.names:
            self.serve(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in list(self._servers):
            self.end(name)

    # ------------------------------------------------------------ nodes
    def is_serving(self, name: str) -> bool:
        return name in self._servers

    def serve(self, name: str) -> None:
        server = grpc.server(ThreadPoolExecutor(16))  # A stream of watches takes one for itself.
        server.add_generic_rpc_handlers(
            (
                self._kv_handlers(),
                self._maintenance(name),
                self._watch_handlers(),
                self.listing.handlers(),
            )
        )
        self._ports[name] = server.add_insecure_port(f"127.0.0.1:{self._ports.get(name, 0)}")
        server.start()
        self._servers[name] = server

    def end(self, name: str) -> None:
        self._servers.pop(name).stop(None).wait()

    def die(self, name: str) -> None:
        """Let a node end by itself."""
        self.end(name)
        self._deaths.append(Death(node=name, how="exit code 2", last_words="panic: oh no"))

    def _kv_handlers(self) -> grpc.GenericRpcHandler:
        handlers: dict[str, grpc.RpcMethodHandler[KvRequest, ApiResponse]] = {
            name: grpc.unary_unary_rpc_method_handler(
                self._answer,
                request_deserializer=request.FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )
            for name, request in KV.items()
        }
        return grpc.method_handlers_generic_handler("etcdserverpb.KV", handlers)

    def _answer(self, request: KvRequest, context: grpc.ServicerContext) -> ApiResponse:
        body = self.store.ask(request)
        if isinstance(body, ApiError):
            refuse(context, body)
        return body

    def _watch_handlers(self) -> grpc.GenericRpcHandler:
        handler = grpc.stream_stream_rpc_method_handler(
            self._watch,
            request_deserializer=WatchRequest.FromString,
            response_serializer=WatchResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("etcdserverpb.Watch", {"Watch": handler})

    def _watch(
        self, requests: Iterator[WatchRequest], _: grpc.ServicerContext
    ) -> Iterator[WatchResponse]:
        """Confirm watchers, cancel them, and say that all was told: there are no events here."""
        ids = count()
        for request in requests:
            response = WatchResponse()
            response.header.revision = self.store.revision
            match request.WhichOneof("request_union"):
                case "create_request":
                    response.created = True
                    response.watch_id = request.create_request.watch_id or next(ids)
                case "cancel_request":
                    response.canceled = True
                    response.watch_id = request.cancel_request.watch_id
                case _:
                    response.watch_id = self.progress_id
            yield response

    def _maintenance(self, name: str) -> grpc.GenericRpcHandler:
        def status(_: StatusRequest, context: grpc.ServicerContext) -> StatusResponse:
            if name in self.mute:
                context.abort(grpc.StatusCode.UNAVAILABLE, "it is not there yet")
            response = StatusResponse(
                leader=self._member_id(self._leader()), raftTerm=self.term_of_office
            )
            response.header.member_id = self._member_id(name)
            response.header.revision = self.store.revision + self.ahead.get(name, 0)
            response.raftIndex = response.raftAppliedIndex = self.store.applied_count
            return response

        def hash_kv(_: HashKVRequest, __: grpc.ServicerContext) -> HashKVResponse:
            response = HashKVResponse(hash=self.hashes.get(name, 7), compact_revision=-1)
            response.header.revision = self.store.revision + self.ahead.get(name, 0)
            return response

        def defragment(_: DefragmentRequest, __: grpc.ServicerContext) -> DefragmentResponse:
            self.calls.append(("defragment", name))
            return DefragmentResponse()

        def move(request: MoveLeaderRequest, context: grpc.ServicerContext) -> MoveLeaderResponse:
            if name != self._leader():
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "etcdserver: not leader")
            self.calls.append(("move", f"n{request.targetID}"))
            return MoveLeaderResponse()

        return grpc.method_handlers_generic_handler(
            "etcdserverpb.Maintenance",
            {
                "Defragment": grpc.unary_unary_rpc_method_handler(
                    defragment,
                    request_deserializer=DefragmentRequest.FromString,
                    response_serializer=DefragmentResponse.SerializeToString,
                ),
                "MoveLeader": grpc.unary_unary_rpc_method_handler(
                    move,
                    request_deserializer=MoveLeaderRequest.FromString,
                    response_serializer=MoveLeaderResponse.SerializeToString,
                ),
                "Status": grpc.unary_unary_rpc_method_handler(
                    status,
                    request_deserializer=StatusRequest.FromString,
                    response_serializer=StatusResponse.SerializeToString,
                ),
                "HashKV": grpc.unary_unary_rpc_method_handler(
                    hash_kv,
                    request_deserializer=HashKVRequest.FromString,
                    response_serializer=HashKVResponse.SerializeToString,
                ),
            },
        )

    def _leader(self) -> str:
        return next(iter(self._servers), self.names[0])

    def _member_id(self, name: str) -> int:
        return member_id(name)


def member_id(name: str) -> int:
    return int(name.removeprefix("n"))


def refuse(context: grpc.ServicerContext, error: ApiError) -> NoReturn:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    context.abort(codes[error.code.value], error.message)
    raise AssertionError("abort raises")


class FakeMembership:
    """Who belongs to the cluster, as its members tell; etcd's Cluster service in front of it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.learners: dict[str, bool] = dict.fromkeys(names, False)
        """Every member by name, and whether it is a learner."""
        self.refusals: dict[str, list[ApiError]] = {}
        """By call, what comes in place of its next answers; the last of them for ever."""

    def handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "etcdserverpb.Cluster",
            {
                "MemberAdd": self._handler(self._add, MemberAddRequest),
                "MemberList": self._handler(self._list, MemberListRequest),
                "MemberPromote": self._handler(self._promote, MemberPromoteRequest),
                "MemberRemove": self._handler(self._remove, MemberRemoveRequest),
            },
        )

    def _handler(
        self, answer: Callable[[Asked], Message], request: type[Asked]
    ) -> "grpc.RpcMethodHandler[Asked, Message]":
        def answered(asked: Asked, context: grpc.ServicerContext) -> Message:
            coming = self.refusals.get(request.__name__, [])
            if coming:
                refuse(context, coming.pop(0) if len(coming) > 1 else coming[0])
            return answer(asked)

        return grpc.unary_unary_rpc_method_handler(
            answered,
            request_deserializer=request.FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )

    def _add(self, request: MemberAddRequest) -> Message:
        self.learners[_name_at(request.peerURLs[0])] = request.isLearner
        return MemberAddResponse(members=self._members())

    def _list(self, _: MemberListRequest) -> Message:
        return MemberListResponse(members=self._members())

    def _promote(self, request: MemberPromoteRequest) -> Message:
        self.learners[f"n{request.ID}"] = False
        return MemberPromoteResponse(members=self._members())

    def _remove(self, request: MemberRemoveRequest) -> Message:
        del self.learners[f"n{request.ID}"]
        return MemberRemoveResponse(members=self._members())

    def _members(self) -> list[ListedMember]:
        return [
            ListedMember(
                ID=member_id(name), name=name, peerURLs=[f"http://{name}:2380"], isLearner=learns
            )
            for name, learns in self.learners.items()
        ]


def _name_at(url: str) -> str:
    return url.removeprefix("http://").removesuffix(":2380")


class FakeMachines:
    """`Machines` of such a cluster: what is prepared is mute until it is launched."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self.launched: list[tuple[str, list[str]]] = []
        """Who was started, and whom it was told of."""
        self.stays_mute = False
        self.switched_off: list[str] = []

    def prepare(self, node: str) -> Member:
        self._cluster.mute.add(node)
        self._cluster.serve(node)
        return self._cluster.member(node)

    def launch(self, node: str, members: Sequence[Member]) -> None:
        self.launched.append((node, [member.name for member in members]))
        self._cluster.names = (*self._cluster.names, node)
        if not self.stays_mute:
            self._cluster.mute.discard(node)

    def dismiss(self, node: str) -> None:
        self._cluster.names = tuple(name for name in self._cluster.names if name != node)

    def switch_off(self, node: str) -> None:
        self.switched_off.append(node)
        if self._cluster.is_serving(node):
            self._cluster.end(node)


class FakeDaemons:
    """`nemesis.surface.Daemons` of such a cluster; a pause changes nothing but the record."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    def node_names(self) -> Sequence[str]:
        return self._cluster.names

    def is_running(self, node: str) -> bool:
        return self._cluster.is_serving(node)

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        assert not lose_unsynced
        assert not torn_tail
        self._called("kill", node)
        self._cluster.end(node)

    def stop(self, node: str) -> None:
        self._called("stop", node)
        self._cluster.end(node)

    def start(self, node: str) -> None:
        self._called("start", node)
        if node not in self._cluster.lost:
            self._cluster.serve(node)

    def pause(self, node: str) -> None:
        self._called("pause", node)

    def resume(self, node: str) -> None:
        self._called("resume", node)

    def _called(self, what: str, node: str) -> None:
        if what in self._cluster.broken:
            raise SurfaceError(f"{what} is broken here")
        self._cluster.calls.append((what, node))
