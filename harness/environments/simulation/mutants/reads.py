"""Planted bugs in linearizable reads."""

from collections.abc import Sequence
from random import Random

from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant
from nodeimpl.ids import Instant, RequestId
from nodeimpl.node import Node
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import RaftEffect, ReadReady, RoleName
from nodeimpl.raft.state import Recovered


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


MUTANTS = (
    Mutant(
        name="read-without-quorum-check",
        breaks="thesis §6.4: a leader confirms that it still leads before it answers a read; one "
        "that was deposed without noticing answers from the past",
        node_class=_ReadWithoutQuorumCheck,
    ),
)
