"""Links between members on loopback."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence

import pytest

from nodeimpl.api.errors import NOT_LEADER, UNHEALTHY
from nodeimpl.ids import NodeId, RequestId, Term
from nodeimpl.raft.messages import Message, Proposal, TimeoutNow
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.frames import PROTOCOL_VERSION, Hello
from nodeimpl.server.network import Network, PeerRefusedError, connect
from nodeimpl.server.urls import Url
from tests.nodeimpl.server.waiting import until

ONE, TWO = NodeId(1), NodeId(2)


def free_url() -> Url:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Url("http", "127.0.0.1", probe.getsockname()[1])


class Desk:
    def __init__(self) -> None:
        self.received: list[tuple[NodeId, Message]] = []
        self.reason: str | None = None

    def refusal(self, hello: Hello) -> str | None:
        del hello
        return self.reason

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        self.received += [(sender, message) for message in messages]

    async def call(self, sender: NodeId, method: str, payload: bytes) -> bytes:
        if method == "fail":
            raise ApiFailure(NOT_LEADER)
        return f"{sender} {method} ".encode() + payload


class Pair:
    """Member 1, which has a link to member 2."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.one = Network(5, ONE, None)
        self.two = Network(5, TWO, None)
        self.url = free_url()

    async def begin(self) -> None:
        await self.two.listen([self.url], self.desk, None)
        self.one.set_peers({TWO: (self.url,)})

    async def connected(self) -> None:
        await until(lambda: self.one.is_connected(TWO))


def run(story: Callable[[Pair], Coroutine[None, None, None]]) -> None:
    async def tell() -> None:
        pair = Pair()
        await pair.begin()
        try:
            await story(pair)
        finally:
            pair.one.close()
            pair.two.close()
            await asyncio.sleep(0)

    asyncio.run(tell())


def message(number: int) -> Message:
    return Proposal(Term(1), RequestId(number), b"x" * number)


def test_messages_arrive_in_order() -> None:
    async def story(pair: Pair) -> None:
        await pair.connected()
        for number in range(2000):
            pair.one.send(TWO, message(number))
            if number % 7 == 0:
                pair.one.flush()
        pair.one.flush()
        await until(lambda: len(pair.desk.received) == 2000)
        assert pair.desk.received == [(ONE, message(number)) for number in range(2000)]

    run(story)


def test_who_connects_is_answered_where_it_says_it_is_known_or_not() -> None:
    async def story(pair: Pair) -> None:
        desk, own_url = Desk(), free_url()
        await pair.one.listen([own_url], desk, None)
        pair.one.set_peers({TWO: (pair.url,)}, [own_url])
        await pair.connected()
        assert not pair.two.is_connected(ONE)  # The first hello told of no address.
        pair.one.set_peers({})
        pair.one.set_peers({TWO: (pair.url,)}, [own_url])
        await until(lambda: pair.two.is_connected(ONE))
        pair.two.set_peers({})
        pair.two.send(ONE, message(1))
        pair.two.flush()
        await until(lambda: desk.received == [(TWO, message(1))])

        pair.one.set_peers({})
        await until(lambda: not pair.two.is_connected(ONE))

    run(story)


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1:1"])
def test_who_says_that_it_is_nowhere_is_sent_away(url: str) -> None:
    async def story(pair: Pair) -> None:
        hello = Hello(PROTOCOL_VERSION, 5, ONE, TWO, (url,))
        with pytest.raises(ConnectionResetError):
            await connect(pair.url, hello, None)

    run(story)


def test_what_cannot_be_sent_is_dropped() -> None:
    async def story(pair: Pair) -> None:
        pair.one.send(TWO, message(1))
        pair.one.send(NodeId(9), message(1))
        pair.one.flush()
        await pair.connected()
        pair.one.send(TWO, TimeoutNow(Term(2)))
        pair.one.flush()
        await until(lambda: pair.desk.received)
        assert pair.desk.received == [(ONE, TimeoutNow(Term(2)))]

    run(story)


def test_a_link_that_was_lost_comes_back() -> None:
    async def story(pair: Pair) -> None:
        await pair.connected()
        pair.two.hang_up([ONE])
        await until(lambda: not pair.one.is_connected(TWO))
        await pair.connected()
        pair.one.send(TWO, message(3))
        pair.one.flush()
        await until(lambda: pair.desk.received)

    run(story)


def test_calls_are_answered() -> None:
    async def story(pair: Pair) -> None:
        await pair.connected()
        answers = await asyncio.gather(*(pair.one.call(TWO, "say", b"%d" % n) for n in range(9)))
        assert answers == [b"1 say %d" % n for n in range(9)]

    run(story)


def test_a_call_that_fails_says_how() -> None:
    async def story(pair: Pair) -> None:
        await pair.connected()
        with pytest.raises(ApiFailure) as failure:
            await pair.one.call(TWO, "fail", b"")
        assert failure.value.error == NOT_LEADER

    run(story)


def test_a_call_to_who_is_not_there_fails_at_once() -> None:
    async def story(pair: Pair) -> None:
        with pytest.raises(ApiFailure) as failure:
            await pair.one.call(NodeId(9), "say", b"")
        assert failure.value.error == UNHEALTHY

    run(story)


def test_who_is_refused_is_told_why() -> None:
    async def story(pair: Pair) -> None:
        pair.desk.reason = "strangers are not welcome"
        with pytest.raises(PeerRefusedError, match="strangers are not welcome"):
            await connect(pair.url, Hello(PROTOCOL_VERSION, 5, 3, 2), None)

    run(story)


def test_a_member_that_was_removed_learns_of_it() -> None:
    async def story(pair: Pair) -> None:
        await pair.connected()
        pair.desk.reason = "the member has been permanently removed from the cluster"
        pair.two.hang_up([ONE])
        async with asyncio.timeout(5):
            assert await pair.one.refused == pair.desk.reason

    run(story)


def test_nonsense_ends_the_connection() -> None:
    async def story(pair: Pair) -> None:
        reader, writer = await asyncio.open_connection(pair.url.host, pair.url.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()

    run(story)


def test_raft_messages_before_a_hello_are_not_taken() -> None:
    async def story(pair: Pair) -> None:
        connection = await connect(pair.url, Hello(PROTOCOL_VERSION, 0, 0, 0), None)
        assert await connection.call("say", b"hi", 5) == b"0 say hi"
        assert connection.transport is not None
        connection.transport.close()

    run(story)


def test_what_passes_is_counted_on_both_sides() -> None:
    async def story(pair: Pair) -> None:
        pair.one.send(TWO, message(1))
        pair.one.flush()  # There is no connection yet.
        await pair.connected()
        pair.one.send(TWO, message(100))
        pair.one.flush()
        await until(lambda: pair.desk.received)
        sent = pair.one.traffic[TWO]
        assert sent.lost_batches == 1
        assert sent.sent_bytes > 100
        assert pair.two.traffic[ONE].received_bytes == sent.sent_bytes

    run(story)


def test_a_link_is_as_old_as_its_connection() -> None:
    async def story(pair: Pair) -> None:
        assert pair.one.connected_seconds(TWO) is None
        assert pair.one.connected_seconds(NodeId(9)) is None
        await pair.connected()
        await asyncio.sleep(0.05)
        seconds = pair.one.connected_seconds(TWO)
        assert seconds is not None
        assert 0.05 <= seconds < 20

    run(story)
