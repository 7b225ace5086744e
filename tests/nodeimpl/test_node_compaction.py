"""How a node goes about a compaction: batch by batch, with other work between, and its answers.

A lone leader, so that every proposal commits in the call that makes it.
"""

from random import Random

import pytest

from nodeimpl.api.errors import COMPACTED
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import CompactionRequest, CompactionResponse, PutRequest, RangeRequest
from nodeimpl.boundary import ClientRequest, CommitBackend, Effect, Input, Reply, Requests, Wake
from nodeimpl.config import NodeConfig, StoreConfig
from nodeimpl.ids import MILLISECOND, Instant, NodeId, Term
from nodeimpl.node import Node
from nodeimpl.raft.effects import Commit
from nodeimpl.raft.messages import Entry, HardState
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

INTERVAL = 5 * MILLISECOND
TIMEOUT = 2_000 * MILLISECOND


class Driven:
    """A lone node that has elected itself, with puts at the revisions 2 to 4; its clock."""

    def __init__(self, *, request_timeout_ns: int = TIMEOUT) -> None:
        self.config = NodeConfig(
            node_id=NodeId(1),
            cluster_id=7,
            voters=(NodeId(1),),
            incarnation=1,
            store=StoreConfig(compaction_batch_rows=1, compaction_interval_ns=INTERVAL),
            request_timeout_ns=request_timeout_ns,
        )
        self.backend = MemoryBackend()
        self.now = Instant(0)
        self.log: list[Entry] = []
        self.node = Node(self.config, Recovered(), self.backend, Random(1), self.now)
        self.wake_at(self.node.deadline)
        self.ask(*(PutRequest(key=b"k") for _ in range(3)))

    def ask(self, *bodies: ApiRequest) -> list[Effect]:
        requests = tuple(ClientRequest(tag, body) for tag, body in enumerate(bodies, start=1))
        return self.handle(Requests(requests))

    def wake_at(self, now: int) -> list[Effect]:
        self.now = Instant(now)
        return self.handle(Wake())

    def handle(self, given: Input) -> list[Effect]:
        effects = self.node.handle(self.now, given)
        for effect in effects:
            if isinstance(effect, Commit):
                self.log += effect.entries
        return effects

    def remove_batch(self) -> list[Effect]:
        """Wake at the deadline, which must be that of the next batch."""
        assert self.node.deadline == self.now + INTERVAL
        return self.wake_at(self.node.deadline)


@pytest.fixture
def driven() -> Driven:
    return Driven()


def replies(effects: list[Effect]) -> list[object]:
    return [effect.body for effect in effects if isinstance(effect, Reply)]


def commits(effects: list[Effect]) -> list[CommitBackend]:
    return [effect for effect in effects if isinstance(effect, CommitBackend)]


def test_a_compaction_is_answered_when_it_is_scheduled(driven: Driven) -> None:
    [reply] = replies(driven.ask(CompactionRequest(revision=4)))
    assert isinstance(reply, CompactionResponse)
    assert driven.node.store.is_compacting


def test_a_physical_one_is_answered_when_the_rows_are_gone(driven: Driven) -> None:
    assert replies(driven.ask(CompactionRequest(revision=4, physical=True))) == []
    assert [replies(driven.remove_batch()) for _ in range(3)] == [[], [], []]
    [reply] = replies(driven.remove_batch())
    assert isinstance(reply, CompactionResponse)
    assert (reply.header.revision, driven.node.store.is_compacting) == (4, False)


def test_a_physical_one_that_is_refused_is_answered_at_once(driven: Driven) -> None:
    driven.ask(CompactionRequest(revision=4))
    assert replies(driven.ask(CompactionRequest(revision=4, physical=True))) == [COMPACTED]


def test_physical_ones_are_answered_each_when_its_own_rows_are_gone(driven: Driven) -> None:
    assert (
        replies(driven.ask(*(CompactionRequest(revision=at, physical=True) for at in (3, 4)))) == []
    )
    assert [len(replies(driven.remove_batch())) for _ in range(6)] == [0, 0, 1, 0, 0, 1]


def test_a_physical_one_waits_for_as_long_as_that_takes() -> None:
    driven = Driven(request_timeout_ns=2 * INTERVAL)
    driven.ask(CompactionRequest(revision=4, physical=True))
    assert [replies(driven.remove_batch()) for _ in range(3)] == [[], [], []]
    [reply] = replies(driven.remove_batch())
    assert isinstance(reply, CompactionResponse)


def test_no_batch_is_removed_before_its_time(driven: Driven) -> None:
    driven.ask(CompactionRequest(revision=4))
    assert commits(driven.wake_at(driven.now + INTERVAL - 1)) == []
    assert len(commits(driven.wake_at(driven.now + 1))) == 1


def test_any_input_after_its_time_removes_a_batch_and_requests_go_on(driven: Driven) -> None:
    driven.ask(CompactionRequest(revision=4))
    driven.now = Instant(driven.now + INTERVAL)
    effects = driven.ask(RangeRequest(key=b"k", revision=4), RangeRequest(key=b"k", revision=3))
    assert replies(effects)[1:] == [COMPACTED]
    assert len(commits(effects)) == 1


def test_each_batch_is_committed_so_that_a_crash_between_two_keeps_the_first(
    driven: Driven,
) -> None:
    driven.ask(CompactionRequest(revision=4))
    [commit] = commits(driven.remove_batch())
    driven.backend.commit(commit.point)
    left = len(list(driven.backend.scan(b"r", b"s")))
    driven.remove_batch()
    driven.backend.crash()
    assert (left, len(list(driven.backend.scan(b"r", b"s")))) == (2, 2)


def test_a_restarted_node_goes_on_with_the_removal(driven: Driven) -> None:
    driven.ask(CompactionRequest(revision=4))
    [commit] = commits(driven.remove_batch())
    driven.backend.commit(commit.point)
    driven.backend.crash()
    recovered = Recovered(
        hard_state=HardState(Term(1), NodeId(1)),
        entries=tuple(driven.log),
        commit_index=driven.backend.applied.index,
    )
    again = Node(driven.config, recovered, driven.backend, Random(1), driven.now)
    assert again.deadline == driven.now
    again.handle(driven.now, Wake())
    assert len(list(driven.backend.scan(b"r", b"s"))) == 1


def test_a_node_with_nothing_to_remove_is_not_woken_for_it(driven: Driven) -> None:
    driven.ask(CompactionRequest(revision=4))
    for _ in range(4):
        driven.remove_batch()
    assert not driven.node.store.is_compacting
    assert driven.node.deadline > driven.now + INTERVAL
