"""One node in a situation that a test begins with: among voters 1, 2, 3, or others if it says so.

The node under test is node 1. Its peers are played by the test, message by message.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from nodeimpl.config import RaftConfig
from nodeimpl.ids import SECOND, Instant, LogIndex, NodeId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import RaftEffect, Send
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    Message,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
)
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import Recovered

ME: Final = NodeId(1)
PEER: Final = NodeId(2)
OTHER: Final = NodeId(3)
THREE: Final = (ME, PEER, OTHER)
FIVE: Final = (*THREE, NodeId(4), NodeId(5))
START: Final = Instant(0)
"""When a test begins; elections that lie behind it were held in the second before."""
CONFIG: Final = RaftConfig(pre_vote=False, check_quorum=False)
"""The paper's Raft, without what the thesis adds to elections."""
CAREFUL: Final = RaftConfig()
"""With PreVote and CheckQuorum, as nodes run unless told otherwise."""


def entry(index: int, term: int, data: bytes = b"") -> Entry:
    """Return a command at `index` of `term`."""
    return Entry(Term(term), LogIndex(index), EntryKind.COMMAND, data)


def entries(*terms: int, after: int = 0) -> tuple[Entry, ...]:
    """Return one entry per term, the first at the index after `after`."""
    return tuple(entry(index, term) for index, term in enumerate(terms, after + 1))


def follower(  # noqa: PLR0913 - a situation has many sides
    *terms: int,
    term: int | None = None,
    voted_for: NodeId | None = None,
    commit_index: int = 0,
    voters: tuple[NodeId, ...] = THREE,
    config: RaftConfig = CONFIG,
    seed: int = 0,
    started: Instant = START,
) -> Raft:
    """Return a node that just started with a log of entries of `terms`, the last one current."""
    current_term = Term(max((*terms, 0)) if term is None else term)
    recovered = Recovered(
        hard_state=HardState(current_term, voted_for),
        entries=entries(*terms),
        commit_index=LogIndex(commit_index),
    )
    return Raft(config, ME, voters, recovered, Random(seed), started)


def candidate(*terms: int, voters: tuple[NodeId, ...] = THREE, config: RaftConfig = CONFIG) -> Raft:
    """Return a node whose election timeout just passed; its term is one above its log's.

    Where PreVote is configured, all others have promised their votes.
    """
    started = Instant(START - SECOND)
    raft = follower(*terms, voters=voters, config=config, started=started)
    raft.wake(raft.deadline)
    promise = PreVoteReply(raft.current_term, raft.current_term, vote_granted=True)
    for voter in voters[1:]:
        raft.receive(started, voter, promise)
    return raft


def leader(*terms: int, voters: tuple[NodeId, ...] = THREE, config: RaftConfig = CONFIG) -> Raft:
    """Return a node that just won: its no-op is in its log and sent, and not answered yet."""
    raft = candidate(*terms, voters=voters, config=config)
    vote = RequestVoteReply(raft.current_term, vote_granted=True)
    for voter in voters[1 : len(voters) // 2 + 1]:
        raft.receive(START, voter, vote)
    return raft


def established_leader(
    *terms: int, voters: tuple[NodeId, ...] = THREE, config: RaftConfig = CONFIG
) -> Raft:
    """Return a leader whose log all others have acknowledged, the no-op included."""
    raft = leader(*terms, voters=voters, config=config)
    for peer in voters[1:]:
        raft.receive(START, peer, accepted(raft, raft.last_index))
    return raft


def trimmed_follower(
    prefix_index: int,
    prefix_term: int,
    *terms: int,
    config: RaftConfig = CONFIG,
    started: Instant = START,
) -> Raft:
    """Return a node that just started; its log begins behind a prefix, all before is applied."""
    recovered = Recovered(
        hard_state=HardState(Term(max((prefix_term, *terms))), None),
        entries=entries(*terms, after=prefix_index),
        commit_index=LogIndex(prefix_index),
        prefix_index=LogIndex(prefix_index),
        prefix_term=Term(prefix_term),
    )
    return Raft(config, ME, THREE, recovered, Random(0), started)


def trimmed_leader(
    prefix_index: int, prefix_term: int, *terms: int, config: RaftConfig = CONFIG
) -> Raft:
    """Return a node that just won, with a log behind a prefix, and its no-op behind that."""
    started = Instant(START - SECOND)
    raft = trimmed_follower(prefix_index, prefix_term, *terms, config=config, started=started)
    raft.wake(raft.deadline)
    raft.receive(START, PEER, RequestVoteReply(raft.current_term, vote_granted=True))
    return raft


def accepted(raft: Raft, match_index: int, *, round_: int = 1) -> AppendEntriesReply:
    """Return what a follower of `raft` says that stored its log up to `match_index`."""
    return AppendEntriesReply(
        term=raft.current_term,
        accepted=True,
        match_index=LogIndex(match_index),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=round_,
    )


def refused(
    raft: Raft, conflict_index: int, conflict_term: int = 0, *, round_: int = 1
) -> AppendEntriesReply:
    """Return what a follower of `raft` says whose log conflicts with its."""
    return AppendEntriesReply(
        term=raft.current_term,
        accepted=False,
        match_index=LogIndex(0),
        conflict_index=LogIndex(conflict_index),
        conflict_term=Term(conflict_term),
        round=round_,
    )


def append(
    *new: Entry,
    term: int,
    prev_index: int = 0,
    prev_term: int = 0,
    commit_index: int = 0,
    round_: int = 1,
) -> AppendEntries:
    """Return an AppendEntries, a heartbeat if there are no entries."""
    return AppendEntries(
        term=Term(term),
        prev_log_index=LogIndex(prev_index),
        prev_log_term=Term(prev_term),
        entries=new,
        commit_index=LogIndex(commit_index),
        round=round_,
    )


def sent_to(to: NodeId, effects: Sequence[RaftEffect]) -> list[Message]:
    """Return the messages to `to`, in order."""
    return [effect.message for effect in effects if isinstance(effect, Send) and effect.to == to]


def append_to(to: NodeId, effects: Sequence[RaftEffect]) -> AppendEntries:
    """Return the one message to `to`, which is an AppendEntries."""
    (message,) = sent_to(to, effects)
    assert isinstance(message, AppendEntries), f"{message} is sent instead"
    return message


def reply_to(to: NodeId, effects: Sequence[RaftEffect]) -> AppendEntriesReply:
    """Return the one message to `to`, which is an AppendEntriesReply."""
    (message,) = sent_to(to, effects)
    assert isinstance(message, AppendEntriesReply), f"{message} is sent instead"
    return message


def kinds(effects: Sequence[RaftEffect]) -> list[str]:
    """Return the names of the effects, in order; of the message if one is sent."""
    return [
        type(effect.message if isinstance(effect, Send) else effect).__name__ for effect in effects
    ]


def role_of_leader(raft: Raft) -> Leader:
    """Return the role of a node that leads."""
    role = raft.state.role
    assert isinstance(role, Leader), "the node leads"
    return role


def request_vote(term: int, last_index: int = 0, last_term: int = 0) -> RequestVote:
    return RequestVote(Term(term), LogIndex(last_index), Term(last_term))


def granted(term: int) -> RequestVoteReply:
    return RequestVoteReply(Term(term), vote_granted=True)


def denied(term: int) -> RequestVoteReply:
    return RequestVoteReply(Term(term), vote_granted=False)
