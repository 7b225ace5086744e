"""Judges that a store moves by one revision per command at most (etcd, learning/data_model).

"Each atomic mutative operation creates a new revision": whatever one command changes, it changes at
one revision, so that nobody can read, or be told of, a part of it.
"""

from collections.abc import Sequence

from harness.environments.simulation.oracle import Breach
from nodeimpl.boundary import Commit, Effect, Restored
from nodeimpl.ids import Revision
from nodeimpl.raft.messages import EntryKind


class RevisionSteps:
    """Where the store of one node stood when it was last looked at."""

    __slots__ = ("_name", "last")

    def __init__(self, name: str) -> None:
        self._name = name
        self.last: Revision | None = None
        """Where it stood; None before the first look. While it stands there, there is nothing to
        judge."""

    def forget(self) -> None:
        """Note that the daemon has died: its store will come back where it was made durable."""
        self.last = None

    def judge(self, effects: Sequence[Effect], revision: Revision) -> None:
        """Judge a node that asks for `effects` and whose store stands at `revision` now."""
        last, self.last = self.last, revision
        if last is None or revision == last:
            return
        command_count = 0
        for effect in effects:
            if isinstance(effect, Restored):
                return  # It has another store now.
            if isinstance(effect, Commit):
                kinds = [entry.kind for entry in effect.entries]
                command_count += kinds.count(EntryKind.COMMAND)
        if not last <= revision <= last + command_count:
            raise Breach(
                "One revision per command (etcd, learning/data_model)",
                f"the store of {self._name} went from revision {last} to {revision} by "
                f"{command_count} commands",
            )
