"""A node that keeps leases, with a clock that only the test moves, and one peer that obeys it."""

from random import Random
from typing import TypeVar

from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest
from nodeimpl.boundary import ClientRequest, Effect, Receive, Reply, Requests, Wake
from nodeimpl.config import LeaseConfig, NodeConfig, RaftConfig, StoreConfig
from nodeimpl.ids import MILLISECOND, SECOND, Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.mvcc.commands import Command, DescribeMember, decode_command, encode_command
from nodeimpl.node import Node
from nodeimpl.raft.effects import Persist, Send
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Entry,
    EntryKind,
    Message,
    RequestVoteReply,
)
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

ME, PEER, OTHER = NodeId(1), NodeId(2), NodeId(3)
THREE = (ME, PEER, OTHER)
ELECTION_NS = 600 * MILLISECOND

_Kind = TypeVar("_Kind")


class Driven:
    """A node, alone unless there are other voters; then nobody but the test speaks for these."""

    def __init__(
        self,
        voters: tuple[NodeId, ...] = (ME,),
        *,
        backend: MemoryBackend | None = None,
        checkpoint_interval_s: int = 300,
        expiring_max: int = 64,
        quota_backend_bytes: int = 2 << 30,
    ) -> None:
        config = NodeConfig(
            node_id=ME,
            cluster_id=7,
            voters=voters,
            incarnation=1,
            raft=RaftConfig(pre_vote=False, check_quorum=False),
            store=StoreConfig(quota_backend_bytes=quota_backend_bytes),
            leases=LeaseConfig(
                checkpoint_interval_ns=checkpoint_interval_s * SECOND, expiring_max=expiring_max
            ),
        )
        self.now = Instant(0)
        self.tag = 0
        self.begun: list[Effect] = []
        """What was done to come into the situation, where a test asks."""
        self.node = Node(config, Recovered(), backend or MemoryBackend(), Random(1), self.now)

    def ask(self, body: ApiRequest | DescribeMember) -> list[Effect]:
        self.tag += 1
        return self.node.handle(self.now, Requests((ClientRequest(self.tag, body),)))

    def hear(self, message: Message, sender: NodeId = PEER) -> list[Effect]:
        return self.node.handle(self.now, Receive(sender, message))

    def wake(self) -> list[Effect]:
        """Wake at the deadline."""
        self.now = max(self.now, self.node.deadline)
        return self.node.handle(self.now, Wake())

    def sleep_until(self, at: int) -> list[Effect]:
        """Wake whenever the node wishes to, up to an instant; nobody answers it."""
        effects: list[Effect] = []
        while self.node.deadline < at:
            effects += self.wake()
        self.now = Instant(at)
        return effects + self.node.handle(self.now, Wake())

    def with_peer(self, effects: list[Effect]) -> list[Effect]:
        """Let the peer obey what was sent to it, until both are silent; return all effects."""
        done: list[Effect] = []
        while effects:
            done += effects
            answers = [
                accepted(effect.message)
                for effect in effects
                if isinstance(effect, Send) and effect.to == PEER
                if isinstance(effect.message, AppendEntries) and effect.message.round
            ]
            effects = [effect for answer in answers for effect in self.hear(answer)]
        return done

    def answer(self, body: ApiRequest | DescribeMember, kind: type[_Kind]) -> _Kind:
        """Return the answer, which comes at once, with the peer's help."""
        [reply] = replies(self.with_peer(self.ask(body)))
        assert isinstance(reply.body, kind), f"answered {reply.body}"
        return reply.body


def alone(
    backend: MemoryBackend | None = None,
    *,
    checkpoint_interval_s: int = 300,
    quota_backend_bytes: int = 2 << 30,
) -> Driven:
    """Return a cluster of one, elected."""
    driven = Driven(
        backend=backend,
        checkpoint_interval_s=checkpoint_interval_s,
        quota_backend_bytes=quota_backend_bytes,
    )
    driven.wake()
    return driven


def leader(*, checkpoint_interval_s: int = 300, expiring_max: int = 64) -> Driven:
    """Return the leader of term 1 among three, whose no-op is committed."""
    driven = Driven(THREE, checkpoint_interval_s=checkpoint_interval_s, expiring_max=expiring_max)
    driven.wake()
    driven.with_peer(driven.hear(RequestVoteReply(Term(1), vote_granted=True)))
    return driven


def follower_with(*commands: Command, quota_backend_bytes: int = 2 << 30) -> Driven:
    """Return a follower of the peer, in term 1, that has applied these; `begun` is what it did."""
    driven = Driven(THREE, quota_backend_bytes=quota_backend_bytes)
    no_op = Entry(Term(1), LogIndex(1), EntryKind.NO_OP, b"")
    entries = [_command_entry(place, each) for place, each in enumerate(commands, 2)]
    last = LogIndex(len(entries) + 1)
    append = AppendEntries(Term(1), LogIndex(0), Term(0), (no_op, *entries), last, 1)
    driven.begun = driven.hear(append)
    return driven


def _command_entry(index: int, command: Command) -> Entry:
    data = encode_command(RequestId(index), command)
    return Entry(Term(1), LogIndex(index), EntryKind.COMMAND, data)


def accepted(message: AppendEntries) -> AppendEntriesReply:
    """Return the answer of a peer that has all that was sent."""
    return AppendEntriesReply(
        term=message.term,
        accepted=True,
        match_index=LogIndex(message.prev_log_index + len(message.entries)),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=message.round,
    )


def replies(effects: list[Effect]) -> list[Reply]:
    return [effect for effect in effects if isinstance(effect, Reply)]


def sent(effects: list[Effect], kind: type[_Kind]) -> list[_Kind]:
    messages = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in messages if isinstance(message, kind)]


def proposed(effects: list[Effect]) -> list[Command]:
    """Return the commands that went into the log."""
    return [
        decode_command(entry.data)[1]
        for effect in effects
        if isinstance(effect, Persist)
        for entry in effect.entries
        if entry.kind is EntryKind.COMMAND
    ]


def errors(effects: list[Effect]) -> list[ApiError]:
    return [reply.body for reply in replies(effects) if isinstance(reply.body, ApiError)]
