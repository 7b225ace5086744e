"""The proxy as a process: what it does to two pretended peers that talk as etcd's do."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.environments.peer_proxy.links import ProxiedLinks
from harness.environments.peer_proxy.proxy import Place
from nemesis.surface import SurfaceError
from tests.harness.environments.peer_proxy.raft_messages import (
    APPEND_REPLY,
    message,
    on_message_stream,
)

PATIENCE_S = 20.0
BOTH = frozenset({("n1", "n2"), ("n2", "n1")})
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAME = on_message_stream(message(APPEND_REPLY))
CHUNK = b"%x\r\n%b\r\n" % (len(FRAME), FRAME)


class Peers:
    """n1 asks n2, through the proxy, for its stream of messages; n2 sends what it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        ports = [free_port(), free_port()]
        self.places = {
            "n1": place("n1", ports[0], 1),
            "n2": place("n2", ports[1], self._listener.getsockname()[1]),
        }
        self.links = ProxiedLinks(self.places, "seed", os.environ)
        self._sockets = ExitStack()

    def connect(
        self, path: str, *, says_who: bool = True, patience_s: float = PATIENCE_S
    ) -> tuple[socket.socket, socket.socket]:
        """Return n1's end and n2's end of a connection on which n1 has asked for `path`."""
        self._listener.settimeout(patience_s)
        host, _, port = self.places["n2"].address.rpartition(":")
        asking = socket.create_connection((host, int(port)), PATIENCE_S)
        self._sockets.enter_context(asking)
        who = f"X-PeerURLs: http://{self.places['n1'].address}\r\n" if says_who else ""
        asking.sendall(f"GET {path} HTTP/1.1\r\n{who}\r\n".encode())
        answering, _ = self._listener.accept()
        self._sockets.enter_context(answering)
        answering.settimeout(PATIENCE_S)
        assert read(answering, 4) == b"GET "
        return asking, answering

    def close(self) -> None:
        self._sockets.close()
        self.links.close()
        self._listener.close()


@pytest.fixture
def peers() -> Iterator[Peers]:
    pretended = Peers()
    yield pretended
    pretended.close()


def test_messages_pass_in_chunks_of_their_own(peers: Peers) -> None:
    asking, answering = peers.connect("/raft/stream/message/1")
    both = FRAME + FRAME
    answering.sendall(HEAD + b"%x\r\n%b\r\n" % (len(both), both))

    assert read(asking, len(HEAD + CHUNK + CHUNK)) == HEAD + CHUNK + CHUNK


def test_a_held_message_comes_when_it_is_let_go(peers: Peers) -> None:
    asking, answering = peers.connect("/raft/stream/message/1")
    link, kinds = frozenset({("n2", "n1")}), frozenset({"AppendEntriesReply"})
    peers.links.hold("h", link, kinds, count_max=1)
    answering.sendall(HEAD + CHUNK + CHUNK)
    assert read(asking, len(HEAD + CHUNK)) == HEAD + CHUNK

    assert peers.links.release("h", is_reversed=False, is_doubled=True) == 1
    assert read(asking, 2 * len(CHUNK)) == CHUNK + CHUNK


def test_cutting_both_ways_breaks_connections_and_lets_none_be_made(peers: Peers) -> None:
    asking, _ = peers.connect("/raft/stream/message/1")
    peers.links.cut(BOTH)

    assert ends(asking)
    with pytest.raises(OSError, match="timed out"):
        peers.connect("/raft/stream/message/1", patience_s=0.3)
    peers.links.cut(frozenset())
    peers.connect("/raft/stream/message/1")


def test_a_connection_that_only_later_says_whose_it_is_is_cut_then(peers: Peers) -> None:
    asking, answering = peers.connect("/raft/probing", says_who=False)
    peers.links.cut(BOTH)
    answering.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    assert read(asking, 15) == b"HTTP/1.1 200 OK"

    who = peers.places["n1"].address
    asking.sendall(f"POST /raft/snapshot HTTP/1.1\r\nX-PeerURLs: http://{who}\r\n\r\n".encode())

    assert ends(asking)


def test_messages_of_unknown_kinds_cannot_be_held(peers: Peers) -> None:
    with pytest.raises(SurfaceError, match="no message of etcd's is called Gossip"):
        peers.links.hold("h", BOTH, frozenset({"Gossip"}), count_max=1)


def test_a_proxy_that_has_ended_says_so(peers: Peers) -> None:
    peers.links.close()

    with pytest.raises((SurfaceError, ValueError)):
        peers.links.cut(BOTH)


def test_a_port_that_is_taken_is_told(peers: Peers) -> None:
    with pytest.raises(SurfaceError, match=r"proxy between the peers ended: .*in use"):
        ProxiedLinks(peers.places, "seed", os.environ)


def place(node: str, port: int, target: int) -> Place:
    return Place(node=node, address=f"127.0.0.1:{port}", target=f"127.0.0.1:{target}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def read(connection: socket.socket, size: int) -> bytes:
    """Return exactly so many bytes."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def ends(connection: socket.socket) -> bool:
    """Wait until the other side has ended the connection."""
    try:
        while connection.recv(4_096):
            pass
    except ConnectionError:
        return True
    return True
