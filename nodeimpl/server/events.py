"""What the node does, as far as somebody must hear of it: the log, and the links to members."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from nodeimpl.raft.effects import Became, Commit, ConfigurationChanged, Restored
from nodeimpl.server.disk import DiskEffect

SLOW_SYNC_SECONDS: Final = 1.0
"""A disk that takes so long endangers the leader's heartbeats (etcd warns likewise)."""

_log: Final = structlog.stdlib.get_logger("raft")


class EventLog:
    """Logs changes of roles and members, and has the links follow the members."""

    def __init__(self, connect: Callable[[], None]) -> None:
        self._connect = connect

    def on_became(self, became: Became) -> None:
        """Log the role."""
        leader = None if became.leader is None else f"{became.leader:x}"
        _log.info("role changed", role=became.role.value, term=became.term, leader=leader)

    def on_configuration(self, changed: ConfigurationChanged) -> None:
        """Log the members, and connect to them."""
        configuration = changed.configuration
        _log.info(
            "members changed",
            voters=[f"{voter:x}" for voter in configuration.voters],
            learners=[f"{learner:x}" for learner in configuration.learners],
            outgoing=[f"{voter:x}" for voter in configuration.outgoing or ()],
            index=changed.index,
        )
        self._connect()

    def on_commit(self, commit: Commit) -> None:
        """Nothing: there are too many."""

    def on_restored(self, restored: Restored) -> None:
        """Log that the store is a leader's."""
        _log.info("installed a snapshot", index=restored.index, term=restored.term)
        self._connect()

    def on_durable(self, effects: Sequence[DiskEffect], seconds: float) -> None:
        """Warn of a slow disk."""
        if seconds > SLOW_SYNC_SECONDS:
            _log.warning("slow sync", seconds=round(seconds, 3), effects=len(effects))
