"""Planted bugs in what a node makes durable, and when."""

import msgspec
from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant
from nodeimpl.boundary import Effect, Input
from nodeimpl.ids import Instant
from nodeimpl.node import Node
from nodeimpl.raft.effects import Persist, Send
from nodeimpl.raft.messages import AppendEntriesReply, HardState


class _VoteNotPersisted(Node):
    """Forgets whom it voted for when it crashes, and may vote again in the same term."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Persist the term alone."""
        return [
            msgspec.structs.replace(
                effect, hard_state=HardState(effect.hard_state.current_term, None)
            )
            if isinstance(effect, Persist) and effect.hard_state is not None
            else effect
            for effect in super().handle(now, given)
        ]


class _AppendAcknowledgedBeforeFsync(Node):
    """Tells the leader that entries are stored while they may still be lost."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Send acknowledgements before anything else is done."""
        effects = super().handle(now, given)
        return sorted(effects, key=lambda effect: not _is_acknowledgement(effect))


def _is_acknowledgement(effect: Effect) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, AppendEntriesReply)


MUTANTS = (
    Mutant(
        name="vote-not-persisted",
        breaks="Raft Figure 2: votedFor is updated on stable storage before responding to RPCs; "
        "a node that forgets its vote elects two leaders in one term",
        node_class=_VoteNotPersisted,
    ),
    Mutant(
        name="append-acknowledged-before-fsync",
        breaks="Raft Figure 2: log[] is updated on stable storage before responding to RPCs; an "
        "entry acknowledged too early can be committed and then lost",
        node_class=_AppendAcknowledgedBeforeFsync,
    ),
)
