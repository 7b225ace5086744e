"""Planted bugs in how a node comes back: its log, its vote, and what it takes for committed."""

from dataclasses import replace
from random import Random

import msgspec
from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.boundary import Effect, Input
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant
from nodeimpl.mvcc.backend import Applied, Backend
from nodeimpl.node import Node
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import Entry, HardState
from nodeimpl.raft.replication import commit_to
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.recovery import replay
from nodeimpl.storage.wal_format import WalContents, Write, decode


def _keep_torn_tail(data: bytes) -> WalContents:
    return msgspec.structs.replace(decode(data), torn_tail=None)


def _replay_all_but_last(contents: WalContents, applied: Applied) -> Recovered:
    shorter = msgspec.structs.replace(
        contents, writes=contents.writes[:-1], offsets=contents.offsets[:-1]
    )
    return replay(shorter, applied)


def _replay_without_vote(contents: WalContents, applied: Applied) -> Recovered:
    recovered = replay(contents, applied)
    return replace(recovered, hard_state=HardState(recovered.hard_state.current_term, None))


def _replay_first_written(contents: WalContents, applied: Applied) -> Recovered:
    """Keep the first entry that was written at an index, whatever replaced it later."""
    end = 0
    writes: list[Write] = []
    for write in contents.writes:
        if isinstance(write, Persist) and write.entries:
            new: tuple[Entry, ...] = tuple(entry for entry in write.entries if entry.index > end)
            end = max(end, write.entries[-1].index)
            writes.append(msgspec.structs.replace(write, entries=new))
        else:
            writes.append(write)
    return replay(msgspec.structs.replace(contents, writes=tuple(writes)), applied)


class _RecoveredLogTakenForCommitted(Node):
    """Applies all of the log that it finds when it starts."""

    _has_begun = False

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Commit everything, once, before anything else."""
        state = self.raft.state
        if not self._has_begun and state.log.last_index > state.commit_index:
            commit_to(state, state.log.last_index)
        self._has_begun = True
        return super().handle(now, given)


class _RequestIdsReused(Node):
    """Numbers its requests from the same start in every incarnation."""

    @override
    def __init__(
        self,
        config: NodeConfig,
        recovered: Recovered,
        backend: Backend,
        random: Random,
        now: Instant,
    ) -> None:
        """Start as if for the first time."""
        config = msgspec.structs.replace(config, incarnation=0)
        super().__init__(config, recovered, backend, random, now)


MUTANTS = (
    Mutant(
        name="torn-tail-not-cut",
        breaks="Alagappan et al. 2018, section 2: a torn end of the log is cut off; what is "
        "appended behind it cannot be found at the next start",
        patches=(patch(decode, _keep_torn_tail),),
    ),
    Mutant(
        name="last-record-not-replayed",
        breaks="Raft Figure 2: persistent state survives; a log replayed up to its last record but "
        "one forgets what was acknowledged last",
        patches=(patch(replay, _replay_all_but_last),),
    ),
    Mutant(
        name="vote-not-recovered",
        breaks="Raft Figure 2: votedFor survives a crash; a vote that is on the disk and is not "
        "read back is given twice",
        patches=(patch(replay, _replay_without_vote),),
    ),
    Mutant(
        name="replaced-entry-recovered",
        breaks="Raft Figure 2, AppendEntries 3: what conflicted was deleted; a replay that keeps "
        "the first entry written at an index brings it back",
        patches=(patch(replay, _replay_first_written),),
    ),
    Mutant(
        name="recovered-log-taken-for-committed",
        breaks="Raft Figure 2: commitIndex is volatile and starts where the store is; the end of a "
        "recovered log may never have reached a majority",
        node_class=_RecoveredLogTakenForCommitted,
    ),
    Mutant(
        name="request-ids-reused",
        breaks="Raft §8: commands have unique serial numbers; a node that starts them anew answers "
        "a client with what became of another's request before the restart",
        node_class=_RequestIdsReused,
    ),
)
