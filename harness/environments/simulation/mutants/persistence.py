"""Planted bugs in what a node makes durable, and when (Raft Figure 2, persistent state)."""

import msgspec

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.boundary import Effect, Input, Reply
from nodeimpl.ids import Instant
from nodeimpl.node import Node
from nodeimpl.raft.effects import Commit, Persist, Send
from nodeimpl.raft.messages import AppendEntriesReply, HardState, RequestVote, RequestVoteReply

_handle = Node.handle


def _persist_no_term(node: Node, now: Instant, given: Input) -> list[Effect]:
    """Persist entries only: the hard state stays as it was when the node was new."""
    return [
        msgspec.structs.replace(effect, hard_state=None) if isinstance(effect, Persist) else effect
        for effect in _handle(node, now, given)
        if not isinstance(effect, Persist) or effect.entries
    ]


def _persist_no_vote(node: Node, now: Instant, given: Input) -> list[Effect]:
    return [_without_vote(effect) for effect in _handle(node, now, given)]


def _without_vote(effect: Effect) -> Effect:
    if not isinstance(effect, Persist) or effect.hard_state is None:
        return effect
    hard_state = HardState(effect.hard_state.current_term, None)
    return msgspec.structs.replace(effect, hard_state=hard_state)


def _vote_first(node: Node, now: Instant, given: Input) -> list[Effect]:
    return _with_first(_handle(node, now, given), RequestVoteReply)


def _candidacy_first(node: Node, now: Instant, given: Input) -> list[Effect]:
    return _with_first(_handle(node, now, given), RequestVote)


def _acknowledgement_first(node: Node, now: Instant, given: Input) -> list[Effect]:
    return _with_first(_handle(node, now, given), AppendEntriesReply)


def _with_first(
    effects: list[Effect], kind: type[RequestVote | RequestVoteReply | AppendEntriesReply]
) -> list[Effect]:
    """Return the effects with messages of this kind before all others."""
    return sorted(
        effects,
        key=lambda effect: not (isinstance(effect, Send) and isinstance(effect.message, kind)),
    )


def _commit_first(node: Node, now: Instant, given: Input) -> list[Effect]:
    """Commit and answer the client before this node's own copy is durable."""
    effects = _handle(node, now, given)
    return sorted(effects, key=lambda effect: not isinstance(effect, Commit | Reply))


def _persist_new_entries_only(node: Node, now: Instant, given: Input) -> list[Effect]:
    """Leave out of a `Persist` whatever replaces an entry that had been persisted before."""
    last_index = node.raft.last_index
    return [
        msgspec.structs.replace(
            effect, entries=tuple(entry for entry in effect.entries if entry.index > last_index)
        )
        if isinstance(effect, Persist)
        else effect
        for effect in _handle(node, now, given)
    ]


MUTANTS = (
    Mutant(
        name="term-not-persisted",
        breaks="Raft Figure 2: currentTerm is updated on stable storage before responding to RPCs; "
        "a node that forgets its term votes again in it",
        patches=(patch(Node.handle, _persist_no_term),),
    ),
    Mutant(
        name="vote-not-persisted",
        breaks="Raft Figure 2: votedFor is updated on stable storage before responding to RPCs; "
        "a node that forgets its vote elects two leaders in one term",
        patches=(patch(Node.handle, _persist_no_vote),),
    ),
    Mutant(
        name="vote-before-fsync",
        breaks="Raft Figure 2: votedFor is updated on stable storage before responding to RPCs; a "
        "vote sent first can be lost by a power cut, and given again",
        patches=(patch(Node.handle, _vote_first),),
    ),
    Mutant(
        name="candidacy-before-fsync",
        breaks="Raft Figure 2: a candidate's vote for itself is durable before it asks others; one "
        "that restarts in its term may else vote for another",
        patches=(patch(Node.handle, _candidacy_first),),
    ),
    Mutant(
        name="append-acknowledged-before-fsync",
        breaks="Raft Figure 2: log[] is updated on stable storage before responding to RPCs; an "
        "entry acknowledged too early can be committed and then lost",
        patches=(patch(Node.handle, _acknowledgement_first),),
    ),
    Mutant(
        name="commit-before-fsync",
        breaks="thesis §10.2.1: a leader may commit before its own disk has the entry only if a "
        "majority of the others has it; alone, it counts on what a power cut takes back",
        patches=(patch(Node.handle, _commit_first),),
    ),
    Mutant(
        name="replacement-not-persisted",
        breaks="Raft Figure 2: log[] is updated on stable storage before responding to RPCs; an "
        "entry that replaced a conflicting one is acknowledged, and the old one is on the disk",
        patches=(patch(Node.handle, _persist_new_entries_only),),
    ),
)
