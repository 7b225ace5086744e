"""The node around Raft §7: its store is the snapshot, and can take the place of another's.

Three nodes and all that they tell each other, delivered in order; n3 may be cut off. n1 leads.
"""

from collections import deque
from random import Random

import msgspec

from nodeimpl.api.errors import REQUEST_TIMED_OUT
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import PutRequest, RangeRequest, RangeResponse
from nodeimpl.boundary import (
    ClientRequest,
    CommitBackend,
    Effect,
    Receive,
    Reply,
    Requests,
    Wake,
)
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import SECOND, Instant, LogIndex, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.effects import Commit, Restored, Send, Trim
from nodeimpl.raft.messages import (
    InstallSnapshot,
    InstallSnapshotReply,
    Message,
    ReadIndex,
    ReadIndexReply,
)
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

N1, N2, N3 = NodeId(1), NodeId(2), NodeId(3)
RAFT = RaftConfig(
    pre_vote=False,
    check_quorum=False,
    snapshot_entries=2,
    catch_up_entries=0,
    snapshot_chunk_bytes=64,
)


class Trio:
    """Carries effects out at once, and messages in the order in which they were sent."""

    def __init__(self) -> None:
        self.now = Instant(0)
        self.backends = {node_id: MemoryBackend() for node_id in (N1, N2, N3)}
        self.nodes = {
            node_id: Node(config(node_id), Recovered(), backend, Random(node_id), self.now)
            for node_id, backend in self.backends.items()
        }
        self.away = {N3}
        self.network: deque[tuple[NodeId, NodeId, Message]] = deque()
        self.done: dict[NodeId, list[Effect]] = {node_id: [] for node_id in self.nodes}
        self.wake(N1)

    def wake(self, node_id: NodeId) -> None:
        self.now = max(self.now, self.nodes[node_id].deadline)
        self.carry_out(node_id, self.nodes[node_id].handle(self.now, Wake()))
        self.settle()

    def ask(self, node_id: NodeId, tag: int, body: ApiRequest) -> None:
        requests = Requests((ClientRequest(tag, body),))
        self.carry_out(node_id, self.nodes[node_id].handle(self.now, requests))
        self.settle()

    def hear(self, node_id: NodeId, sender: NodeId, message: Message) -> list[Effect]:
        effects = self.nodes[node_id].handle(self.now, Receive(sender, message))
        self.carry_out(node_id, effects)
        return effects

    def settle(self) -> None:
        while self.network:
            sender, to, message = self.network.popleft()
            if not {sender, to} & self.away:
                self.hear(to, sender, message)

    def carry_out(self, node_id: NodeId, effects: list[Effect]) -> None:
        self.done[node_id] += effects
        for effect in effects:
            if isinstance(effect, CommitBackend):
                self.backends[node_id].commit(effect.point)
            if isinstance(effect, Send):
                self.network.append((node_id, effect.to, effect.message))

    def comes_back(self) -> None:
        """Let n3 hear the leader again, until it has what it lacks."""
        self.away.clear()
        self.wake(N1)

    def first_chunk(self) -> InstallSnapshot:
        """Let n3 come back, and return the chunk that is sent to it first, undelivered."""
        self.away.clear()
        self.wake_without_delivery()
        while self.network:
            sender, to, message = self.network.popleft()
            if isinstance(message, InstallSnapshot):
                return message
            self.hear(to, sender, message)
        raise AssertionError("no snapshot is sent")

    def wake_without_delivery(self) -> None:
        self.now = max(self.now, self.nodes[N1].deadline)
        self.carry_out(N1, self.nodes[N1].handle(self.now, Wake()))

    def replies(self, node_id: NodeId) -> list[Reply]:
        return [effect for effect in self.done[node_id] if isinstance(effect, Reply)]


def config(node_id: NodeId) -> NodeConfig:
    return NodeConfig(node_id=node_id, cluster_id=1, voters=(N1, N2, N3), incarnation=1, raft=RAFT)


def put(key: bytes, value: bytes = b"v") -> PutRequest:
    return PutRequest(key=key, value=value)


def far_ahead() -> Trio:
    """Return two nodes that have committed six puts, and trimmed most of their logs."""
    trio = Trio()
    for number in range(6):
        trio.ask(N1, number, put(b"k%d" % number))
    return trio


def test_the_store_is_made_durable_before_the_log_is_trimmed() -> None:
    done = far_ahead().done[N1]
    trims = [place for place, effect in enumerate(done) if isinstance(effect, Trim)]
    assert len(trims) >= 2
    for place in trims:
        commit, trim = done[place - 1], done[place]
        assert isinstance(commit, CommitBackend)
        assert isinstance(trim, Trim)
        assert commit.applied.index == trim.prefix_index
        assert commit.applied.term == trim.prefix_term


def test_a_node_that_was_away_too_long_gets_the_store() -> None:
    trio = far_ahead()
    trio.comes_back()
    leader, late = trio.nodes[N1], trio.nodes[N3]
    assert late.applied_index == leader.applied_index == 7
    assert late.store.hash() == leader.store.hash()
    assert any(isinstance(effect, Restored) for effect in trio.done[N3])


def test_the_store_that_took_the_place_is_durable_with_its_index_before_anything_is_said() -> None:
    trio = far_ahead()
    trio.comes_back()
    done = trio.done[N3]
    place = next(number for number, effect in enumerate(done) if isinstance(effect, Restored))
    names = [type(effect).__name__ for effect in done[place - 1 : place + 3]]
    assert names == ["CommitBackend", "Restored", "Trim", "Send"]
    assert trio.backends[N3].durable.index >= 6


def test_a_store_that_took_the_place_goes_on_like_any_other() -> None:
    trio = far_ahead()
    trio.comes_back()
    trio.ask(N1, 10, put(b"k0", b"new"))
    trio.wake(N1)
    read = RangeRequest(key=b"k0", serializable=True)
    trio.ask(N3, 11, read)
    (reply,) = trio.replies(N3)
    assert isinstance(reply.body, RangeResponse)
    assert (reply.body.kvs[0].value, reply.body.kvs[0].version) == (b"new", 2)


def test_a_read_that_waited_for_what_the_store_holds_is_answered_from_it() -> None:
    trio = Trio()
    trio.away.clear()
    trio.wake(N1)
    trio.away.add(N3)
    for number in range(6):
        trio.ask(N1, number, put(b"k%d" % number))
    effects = trio.nodes[N3].handle(
        trio.now, Requests((ClientRequest(20, RangeRequest(key=b"k5")),))
    )
    (asked,) = [effect.message for effect in effects if isinstance(effect, Send)]
    assert isinstance(asked, ReadIndex)
    trio.hear(N3, N1, ReadIndexReply(asked.term, asked.request_id, LogIndex(6)))
    assert trio.replies(N3) == []
    trio.comes_back()
    (reply,) = trio.replies(N3)
    assert isinstance(reply.body, RangeResponse)
    assert reply.tag == 20


def test_a_write_that_the_store_may_hold_is_answered_as_unknown() -> None:
    trio = Trio()
    trio.away.clear()
    trio.wake(N1)
    requests = Requests((ClientRequest(30, put(b"mine")),))
    (forwarded,) = trio.nodes[N3].handle(trio.now, requests)
    trio.away.add(N3)
    assert isinstance(forwarded, Send)
    trio.hear(N1, N3, forwarded.message)
    trio.settle()
    for number in range(6):
        trio.ask(N1, number, put(b"k%d" % number))
    trio.comes_back()
    assert trio.replies(N3) == []
    trio.now = Instant(trio.now + 3 * SECOND)
    trio.carry_out(N3, trio.nodes[N3].handle(trio.now, Wake()))
    assert trio.replies(N3) == [Reply(30, REQUEST_TIMED_OUT)]


def test_damaged_bytes_change_nothing_and_are_asked_for_anew() -> None:
    trio = far_ahead()
    chunk = trio.first_chunk()
    damaged = msgspec.structs.replace(chunk, data=b"nonsense", done=True)
    effects = trio.hear(N3, N1, damaged)
    (reply,) = [effect.message for effect in effects if isinstance(effect, Send)]
    assert reply == InstallSnapshotReply(chunk.term, 0, chunk.round)
    assert (trio.nodes[N3].applied_index, trio.nodes[N3].store.revision) == (0, 1)
    trio.settle()
    assert trio.nodes[N3].applied_index == 7


def test_a_state_that_is_not_what_it_is_said_to_be_changes_nothing() -> None:
    trio = far_ahead()
    whole = trio.first_chunk()
    state = b"".join(chunks_behind(trio, whole))
    stale = msgspec.structs.replace(
        whole, last_included_index=LogIndex(5), data=state, done=True, first_round=99
    )
    trio.hear(N3, N1, stale)
    assert trio.nodes[N3].applied_index == 0


def chunks_behind(trio: Trio, first: InstallSnapshot) -> list[bytes]:
    """Return the data of all chunks, fetched from the leader without being installed."""
    data = [first.data]
    last = first
    while not last.done:
        reply = InstallSnapshotReply(last.term, last.offset + len(last.data), last.round)
        effects = trio.nodes[N1].handle(trio.now, Receive(N3, reply))
        (sent,) = [effect.message for effect in effects if isinstance(effect, Send)]
        assert isinstance(sent, InstallSnapshot)
        last = sent
        data.append(last.data)
    return data


def test_entries_are_applied_once_where_a_snapshot_stood_before_them() -> None:
    trio = far_ahead()
    trio.comes_back()
    trio.ask(N1, 10, put(b"k0", b"new"))
    trio.wake(N1)
    commits = [effect for effect in trio.done[N3] if isinstance(effect, Commit)]
    indices = [entry.index for commit in commits for entry in commit.entries]
    restored = next(effect for effect in trio.done[N3] if isinstance(effect, Restored))
    assert indices == list(range(restored.index + 1, 9))
