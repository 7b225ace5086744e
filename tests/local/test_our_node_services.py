"""The Lock, Election, Watch and Health services, as a gRPC client calls them."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message

from nodeimpl.api.election_pb2 import (
    CampaignRequest,
    CampaignResponse,
    LeaderKey,
    LeaderRequest,
    LeaderResponse,
    ProclaimRequest,
    ProclaimResponse,
    ResignRequest,
    ResignResponse,
)
from nodeimpl.api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from nodeimpl.api.lock_pb2 import LockRequest, LockResponse, UnlockRequest, UnlockResponse
from nodeimpl.api.rpc_pb2 import (
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from tests.local.our_cluster import Cluster, running, wait_until

pytestmark = pytest.mark.local

Answer = TypeVar("Answer", bound=Message)
SECONDS = 30


class Client:
    """Calls one node."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address.removeprefix("http://"))

    def call(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        return self._unary(method, answer)(request, timeout=SECONDS)

    def begin(self, method: str, request: Message, answer: type[Answer]) -> "grpc.Future[Answer]":
        return self._unary(method, answer).future(request, timeout=SECONDS)

    def _unary(
        self, method: str, answer: type[Answer]
    ) -> "grpc.UnaryUnaryMultiCallable[Message, Answer]":
        return self.channel.unary_unary(
            method,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    def lease(self, ttl: int = 60) -> int:
        granted = self.call(
            "/etcdserverpb.Lease/LeaseGrant", LeaseGrantRequest(TTL=ttl), LeaseGrantResponse
        )
        return granted.ID

    def revoke(self, lease: int) -> None:
        request = LeaseRevokeRequest(ID=lease)
        self.call("/etcdserverpb.Lease/LeaseRevoke", request, LeaseRevokeResponse)

    def keys(self, prefix: bytes) -> list[bytes]:
        request = RangeRequest(key=prefix, range_end=prefix[:-1] + bytes([prefix[-1] + 1]))
        answer = self.call("/etcdserverpb.KV/Range", request, RangeResponse)
        return [kv.key for kv in answer.kvs]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(Cluster(tmp_path_factory.mktemp("one"), 1)) as cluster:
        client = Client(cluster.members[0].client)
        yield client
        client.channel.close()


def test_a_lock_passes_on_in_the_order_of_asking(client: Client) -> None:
    leases = [client.lease() for _ in range(3)]
    first = client.call(
        "/v3lockpb.Lock/Lock", LockRequest(name=b"l", lease=leases[0]), LockResponse
    )
    assert first.key == b"l/%x" % leases[0]
    waiting = []
    for lease in leases[1:]:
        waiting.append(
            client.begin("/v3lockpb.Lock/Lock", LockRequest(name=b"l", lease=lease), LockResponse)
        )
        wait_until(lambda lease=lease: b"l/%x" % lease in client.keys(b"l/"))
    assert not waiting[0].done()
    client.call("/v3lockpb.Lock/Unlock", UnlockRequest(key=first.key), UnlockResponse)
    assert waiting[0].result().key == b"l/%x" % leases[1]
    assert not waiting[1].done()
    client.revoke(leases[1])
    assert waiting[1].result().key == b"l/%x" % leases[2]


def test_who_holds_a_lock_may_ask_for_it_again(client: Client) -> None:
    lease = client.lease()
    request = LockRequest(name=b"again", lease=lease)
    first = client.call("/v3lockpb.Lock/Lock", request, LockResponse)
    assert client.call("/v3lockpb.Lock/Lock", request, LockResponse).key == first.key


def test_who_gives_up_leaves_the_queue(client: Client) -> None:
    holder, waiter = client.lease(), client.lease()
    client.call("/v3lockpb.Lock/Lock", LockRequest(name=b"g", lease=holder), LockResponse)
    waiting = client.begin(
        "/v3lockpb.Lock/Lock", LockRequest(name=b"g", lease=waiter), LockResponse
    )
    wait_until(lambda: len(client.keys(b"g/")) == 2)
    waiting.cancel()
    wait_until(lambda: client.keys(b"g/") == [b"g/%x" % holder])


def test_who_lost_the_lease_while_waiting_does_not_get_the_lock(client: Client) -> None:
    holder, waiter = client.lease(), client.lease()
    first = client.call("/v3lockpb.Lock/Lock", LockRequest(name=b"x", lease=holder), LockResponse)
    waiting = client.begin(
        "/v3lockpb.Lock/Lock", LockRequest(name=b"x", lease=waiter), LockResponse
    )
    wait_until(lambda: len(client.keys(b"x/")) == 2)
    client.revoke(waiter)
    client.call("/v3lockpb.Lock/Unlock", UnlockRequest(key=first.key), UnlockResponse)
    assert "session is expired" in (failed(waiting).details() or "")


def test_a_lock_without_a_lease_that_exists_is_refused(client: Client) -> None:
    waiting = client.begin("/v3lockpb.Lock/Lock", LockRequest(name=b"n", lease=77), LockResponse)
    assert failed(waiting).code() is grpc.StatusCode.NOT_FOUND


def test_an_election_has_one_leader_at_a_time(client: Client) -> None:
    election = "/v3electionpb.Election"
    one, two = client.lease(), client.lease()
    observed: queue.Queue[LeaderResponse] = queue.Queue()
    observe = client.channel.unary_stream(
        f"{election}/Observe",
        request_serializer=LeaderRequest.SerializeToString,
        response_deserializer=LeaderResponse.FromString,
    )(LeaderRequest(name=b"e"))

    def read() -> None:
        try:
            for response in observe:
                observed.put(response)
        except grpc.RpcError:
            return  # It was cancelled.

    reader = threading.Thread(target=read)
    reader.start()
    request = CampaignRequest(name=b"e", lease=one, value=b"one")
    elected = client.call(f"{election}/Campaign", request, CampaignResponse)
    assert elected.leader.key == b"e/%x" % one
    assert observed.get(timeout=SECONDS).kv.value == b"one"
    request = CampaignRequest(name=b"e", lease=two, value=b"two")
    waiting = client.begin(f"{election}/Campaign", request, CampaignResponse)
    wait_until(lambda: len(client.keys(b"e/")) == 2)
    proclaimed = ProclaimRequest(leader=elected.leader, value=b"one more")
    client.call(f"{election}/Proclaim", proclaimed, ProclaimResponse)
    assert observed.get(timeout=SECONDS).kv.value == b"one more"
    leader = client.call(f"{election}/Leader", LeaderRequest(name=b"e"), LeaderResponse)
    assert leader.kv.value == b"one more"
    assert not waiting.done()
    client.call(f"{election}/Resign", ResignRequest(leader=elected.leader), ResignResponse)
    assert waiting.result().leader.key == b"e/%x" % two
    assert observed.get(timeout=SECONDS).kv.value == b"two"
    stale = client.begin(f"{election}/Proclaim", proclaimed, ProclaimResponse)
    assert failed(stale).details() == "election: not leader"
    observe.cancel()
    reader.join(SECONDS)


def test_an_election_nobody_stands_in_has_no_leader(client: Client) -> None:
    asked = client.begin("/v3electionpb.Election/Leader", LeaderRequest(name=b"no"), LeaderResponse)
    assert failed(asked).details() == "election: no leader"
    resigned = ResignRequest()
    asked_to_resign = client.begin("/v3electionpb.Election/Resign", resigned, ResignResponse)
    assert failed(asked_to_resign).details() == '"leader" field must be provided'
    nobody = ProclaimRequest(leader=LeaderKey(name=b"no", key=b"no/1", rev=1))
    proclaimed = client.begin("/v3electionpb.Election/Proclaim", nobody, ProclaimResponse)
    assert failed(proclaimed).details() == "election: not leader"


def test_one_stream_has_many_watchers(client: Client) -> None:
    requests: queue.Queue[WatchRequest | None] = queue.Queue()
    responses = client.channel.stream_stream(
        "/etcdserverpb.Watch/Watch",
        request_serializer=WatchRequest.SerializeToString,
        response_deserializer=WatchResponse.FromString,
    )(iter(requests.get, None), timeout=SECONDS)
    for number in range(5):
        create = WatchCreateRequest(key=b"w%d" % number, watch_id=number + 1)
        requests.put(WatchRequest(create_request=create))
    created = [next(responses) for _ in range(5)]
    assert [(each.created, each.watch_id) for each in created] == [(True, n + 1) for n in range(5)]
    for number in reversed(range(5)):
        put = PutRequest(key=b"w%d" % number, value=b"v")
        client.call("/etcdserverpb.KV/Put", put, PutResponse)
    told = [next(responses) for _ in range(5)]
    assert [each.watch_id for each in told] == [5, 4, 3, 2, 1]
    requests.put(None)
    assert list(responses) == []


def test_a_node_with_a_leader_is_healthy(client: Client) -> None:
    health = client.call("/grpc.health.v1.Health/Check", HealthCheckRequest(), HealthCheckResponse)
    assert health.status == HealthCheckResponse.SERVING
    unknown = client.begin(
        "/grpc.health.v1.Health/Check", HealthCheckRequest(service="x"), HealthCheckResponse
    )
    assert failed(unknown).code() is grpc.StatusCode.NOT_FOUND


def test_a_request_that_is_too_large_is_refused(client: Client) -> None:
    put = PutRequest(key=b"k", value=bytes(1_572_864))
    refused = failed(client.begin("/etcdserverpb.KV/Put", put, PutResponse))
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.details() == "etcdserver: request is too large"


def failed(call: "grpc.Future[Answer]") -> grpc.Call:
    """Return how a call failed."""
    error: object = call.exception()
    assert isinstance(error, grpc.Call), f"it did not fail: {error}"
    return error
