"""Planted bugs in trimming the log and in sending the store in place of it (Raft §7)."""

from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.boundary import CommitBackend, Effect, Input
from nodeimpl.ids import Instant, LogIndex
from nodeimpl.node import Node
from nodeimpl.raft.effects import Restored, Send, Trim
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import Snapshot
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.snapshots import resume_replication, trimmable_index
from nodeimpl.raft.state import RaftState


class _TrimmedBeforeSaved(Node):
    """Forgets the log before the store that stands for it is durable."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Put every `Trim` before the commit it stands behind."""
        effects = super().handle(now, given)
        for place in range(1, len(effects)):
            if isinstance(effects[place], Trim) and isinstance(effects[place - 1], CommitBackend):
                effects[place - 1 : place + 1] = [effects[place], effects[place - 1]]
        return effects


class _SnapshotAcknowledgedBeforeSaved(Node):
    """Tells the leader that a snapshot is installed while a crash may still take it."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Speak first, in a call that installs a snapshot."""
        effects = super().handle(now, given)
        if any(isinstance(effect, Restored) for effect in effects):
            effects.sort(key=lambda effect: not isinstance(effect, Send))
        return effects


class _StoreNotRebuilt(Node):
    """Goes on with the index it had over rows that a snapshot has replaced."""

    @override
    def _restore(self, now: Instant, snapshot: Snapshot, effects: list[Effect]) -> None:
        before = self.store
        super()._restore(now, snapshot, effects)
        self.store = before


_trim = RaftLog.trim


def _trim_and_discard(log: RaftLog, prefix_index: LogIndex) -> None:
    _trim(log, prefix_index)
    if log.last_index > prefix_index:
        log.truncate(log.first_index)


def _resume_always(state: RaftState, progress: Progress) -> None:
    del state
    progress.resume()


def _trim_what_is_in_the_log(state: RaftState, saved_index: LogIndex) -> LogIndex:
    del saved_index
    return state.log.last_index


MUTANTS = (
    Mutant(
        name="log-trimmed-before-store-is-durable",
        breaks="Raft §7: a log is discarded once a snapshot stands for it on stable storage; a "
        "crash before that leaves neither",
        node_class=_TrimmedBeforeSaved,
    ),
    Mutant(
        name="uncommitted-entries-trimmed",
        breaks="Raft §7: a snapshot covers committed entries only; trimming to the end of the log "
        "forgets what the store has not applied",
        patches=(patch(trimmable_index, _trim_what_is_in_the_log),),
    ),
    Mutant(
        name="trim-discards-what-follows",
        breaks="Raft Figure 13, 6.: entries that follow the snapshot are retained; they may be "
        "acknowledged, and committed by that",
        patches=(patch(RaftLog.trim, _trim_and_discard),),
    ),
    Mutant(
        name="snapshot-acknowledged-before-durable",
        breaks="Raft Figure 13: the snapshot is saved before the answer; one acknowledged too "
        "early counts for a majority and can be lost",
        node_class=_SnapshotAcknowledgedBeforeSaved,
    ),
    Mutant(
        name="replication-resumed-before-installed",
        breaks="Raft §7: who needs trimmed entries needs the snapshot first; entries sent before "
        "it is installed begin where the log does not",
        patches=(patch(resume_replication, _resume_always),),
    ),
    Mutant(
        name="store-not-rebuilt-after-snapshot",
        breaks="Raft Figure 13, 8.: the state machine is reset by the snapshot's contents; an "
        "index over replaced rows answers from a store that is gone",
        node_class=_StoreNotRebuilt,
    ),
)
