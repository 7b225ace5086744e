"""Planted bugs in linearizable reads (thesis §6.4)."""

from collections.abc import Collection, Mapping, Sequence
from random import Random

from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.requests import ReadRequest
from nodeimpl.boundary import Effect
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId
from nodeimpl.node import Node
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import RaftEffect, ReadReady, RoleName
from nodeimpl.raft.messages import ReadIndexReply
from nodeimpl.raft.quorum import quorum_round
from nodeimpl.raft.reads import is_confirmed, may_serve_reads, on_read_index_reply
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import RaftState, Recovered
from nodeimpl.routing import is_local


class _UnconfirmedReads(Raft):
    """Answers reads from the commit index it happens to know."""

    @override
    def read(self, now: Instant, request_ids: Sequence[RequestId]) -> list[RaftEffect]:
        """As leader, trust that nobody else leads."""
        if self.role is RoleName.LEADER:
            return [ReadReady(tuple(request_ids), self.commit_index)]
        return super().read(now, request_ids)


class _ReadWithoutQuorumCheck(Node):
    """A leader that does not ask whether it still leads."""

    @override
    def make_raft(self, recovered: Recovered, random: Random, now: Instant) -> Raft:
        """Run on consensus without the check."""
        config = self.config
        return _UnconfirmedReads(config.raft, config.node_id, config.voters, recovered, random, now)


class _ReadBeforeApplied(Node):
    """Answers a read as soon as its read index is known."""

    @override
    def _read_when_applied(
        self, request_ids: tuple[RequestId, ...], read_index: LogIndex, effects: list[Effect]
    ) -> None:
        self._answer_reads(request_ids, effects)


def _always_local(request: ReadRequest) -> bool:
    del request
    return True


def _serve_at_once(state: RaftState) -> bool:
    del state
    return True


def _round_of_minority(
    voter_sets: Sequence[Collection[NodeId]], acked_round: Mapping[NodeId, int]
) -> int:
    """Return the latest round that one voter less than a majority has answered."""
    answered = [sorted(acked_round[voter] for voter in voters) for voters in voter_sets]
    return min(ascending[-max(1, len(ascending) // 2)] for ascending in answered)


def _confirmed_by_round_before(state: RaftState, leader: Leader, round_: int) -> bool:
    return is_confirmed(state, leader, round_ - 1)


def _release_every_read(state: RaftState, message: ReadIndexReply) -> None:
    """Take the answer to one batch for an answer to all that wait."""
    for name in list(state.reads):
        on_read_index_reply(state, ReadIndexReply(message.term, name, message.read_index))


MUTANTS = (
    Mutant(
        name="read-without-quorum-check",
        breaks="thesis §6.4: a leader confirms that it still leads before it answers a read; one "
        "that was deposed without noticing answers from the past",
        node_class=_ReadWithoutQuorumCheck,
    ),
    Mutant(
        name="read-confirmed-by-minority",
        breaks="thesis §6.4: a majority answers the round that confirms a read; with one answer "
        "less a majority may already follow another leader",
        patches=(patch(quorum_round, _round_of_minority),),
        scenario="leader-wakes-alone",
    ),
    Mutant(
        name="read-confirmed-by-earlier-round",
        breaks="thesis §6.4: the round is started after the read came; an answer to the round "
        "before it says nothing about now",
        patches=(patch(is_confirmed, _confirmed_by_round_before),),
        scenario="leader-wakes-alone",
    ),
    Mutant(
        name="read-before-own-commit",
        breaks="thesis §6.4, step 1: a leader serves reads once it has committed an entry of its "
        "term; before that it may not know what its predecessor committed",
        patches=(patch(may_serve_reads, _serve_at_once),),
    ),
    Mutant(
        name="read-before-applied",
        breaks="thesis §6.4, step 4: whoever answers has applied the log up to the read index; a "
        "follower that lags answers from the past",
        node_class=_ReadBeforeApplied,
    ),
    Mutant(
        name="reply-releases-every-read",
        breaks="etcd #20418: a read index answers the reads it was asked for; reads that came "
        "later get one that is older than they are",
        patches=(patch(on_read_index_reply, _release_every_read),),
    ),
    Mutant(
        name="every-read-serializable",
        breaks="etcd api_guarantees: ranges are linearizable unless the request says serializable; "
        "a node that answers from its own store answers from the past",
        patches=(patch(is_local, _always_local),),
    ),
)
