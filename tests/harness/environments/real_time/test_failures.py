"""What failed calls prove: sent to servers that refuse, break off, are silent, or are not there."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import grpc
import pytest

from harness.client import connection_lost, refused
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.failures import exact
from harness.errors import CallError, DefiniteError, IndefiniteError
from nodeimpl.api.errors import COMPACTED, NO_SPACE, ApiError
from nodeimpl.api.rpc_pb2 import PutRequest, RangeRequest
from nodeimpl.ids import MILLISECOND, SECOND
from tests.harness.environments.real_time.fake_cluster import FakeCluster

PUT = PutRequest(key=b"k", value=b"v")


def failure(address: str, timeout_ns: int = 5 * SECOND) -> CallError:
    """Return how a put to `address` fails."""

    async def put() -> CallError:
        async with Endpoint(address) as endpoint:
            with pytest.raises(CallError) as caught:
                await endpoint.call(PUT, timeout_ns)
            return caught.value

    return asyncio.run(put())


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster("n1") as running:
        yield running


class Peer:
    """A socket that takes one connection and does as it is told with it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close_after_request(self) -> Thread:
        """Speak enough HTTP/2 to be sent a request, and hang up then."""
        thread = Thread(target=self._hang_up)
        thread.start()
        return thread

    def close(self) -> None:
        self._socket.close()

    def _hang_up(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.sendall(bytes(3) + b"\x04" + bytes(5))  # SETTINGS (RFC 9113 §6.5)
            seen = b""
            while b"etcdserverpb" not in seen and len(seen) < 10_000:
                seen += connection.recv(4_096)


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_nobody_listening_is_definite() -> None:
    error = failure(free_address())

    assert isinstance(error, DefiniteError)
    assert str(error) == "connection refused"


def test_a_refusal_that_etcd_documents_is_definite(cluster: FakeCluster) -> None:
    async def read_future() -> CallError:
        async with Endpoint(cluster.members[0].client_address) as endpoint:
            with pytest.raises(CallError) as caught:
                await endpoint.call(RangeRequest(key=b"k", revision=99), SECOND)
            return caught.value

    error = asyncio.run(read_future())

    assert isinstance(error, DefiniteError)
    assert "required revision is a future revision" in str(error)


def test_a_connection_that_breaks_under_a_request_is_indefinite(peer: Peer) -> None:
    thread = peer.close_after_request()
    error = failure(peer.address)
    thread.join()

    assert isinstance(error, IndefiniteError)
    assert str(error) == "connection lost"


def test_silence_is_indefinite(peer: Peer) -> None:
    error = failure(peer.address, timeout_ns=200 * MILLISECOND)

    assert isinstance(error, IndefiniteError)
    assert str(error) == "timed out"


class Refusing:
    """A server that answers every put with one error."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        self._code, self._message = code, message

    def answer(self, request: PutRequest, context: grpc.ServicerContext) -> PutRequest:
        context.set_code(self._code)
        context.set_details(self._message)
        return request


def refused_with(code: grpc.StatusCode, message: str) -> CallError:
    """Return how a put fails that a server answers so."""
    refusing = Refusing(code, message)
    server = grpc.server(ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(
        refusing.answer,
        request_deserializer=PutRequest.FromString,
        response_serializer=PutRequest.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("etcdserverpb.KV", {"Put": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        return failure(f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: request timed out"),
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: leader changed"),
        (
            grpc.StatusCode.UNAVAILABLE,
            "etcdserver: request timed out, possibly due to previous leader failure",
        ),
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: server stopped"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"),
        (grpc.StatusCode.UNKNOWN, "raft proposal dropped"),
        (grpc.StatusCode.INTERNAL, "stream terminated by RST_STREAM"),
        (grpc.StatusCode.CANCELLED, "context canceled"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "context deadline exceeded"),
    ],
)
def test_what_may_have_happened_is_indefinite(code: grpc.StatusCode, message: str) -> None:
    assert isinstance(refused_with(code, message), IndefiniteError)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests"),
        (grpc.StatusCode.INVALID_ARGUMENT, "etcdserver: request is too large"),
        (grpc.StatusCode.NOT_FOUND, "etcdserver: requested lease not found"),
    ],
)
def test_what_was_turned_away_is_definite(code: grpc.StatusCode, message: str) -> None:
    assert isinstance(refused_with(code, message), DefiniteError)


def test_want_of_space_is_definite_only_under_one_alarm_all_the_while() -> None:
    perhaps = refused(ApiError(NO_SPACE.code, NO_SPACE.message, definite=False))

    assert exact(perhaps, None, None) is perhaps
    assert exact(perhaps, None, 1) is perhaps
    assert exact(perhaps, 1, None) is perhaps
    assert exact(perhaps, 1, 2) is perhaps
    assert isinstance(exact(perhaps, 1, 1), DefiniteError)


def test_an_alarm_makes_nothing_else_definite() -> None:
    lost = connection_lost()

    assert exact(lost, 1, 1) is lost
    assert isinstance(exact(refused(COMPACTED), 1, 1), DefiniteError)
