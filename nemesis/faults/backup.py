"""A cluster that is restored from a backup, whole, as an operator does after a disaster.

What came after the backup is lost to whoever restores, and rightly so. So it is made when nothing
can come after it any more (`nemesis.surface.Backup`): then nothing that was acknowledged may be
missing, and every checker stays as strict as ever.
"""

from random import Random
from typing import ClassVar

import msgspec

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class RestoreCluster(msgspec.Struct, frozen=True, kw_only=True):
    """Save the store, stop every member, and let each begin anew with what was saved.

    It is over when all have been started again.
    """

    do: ClassVar[str] = "restore_cluster"
    remedy: ClassVar[Remedy] = Remedy.REPAIR

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "RestoreCluster":  # noqa: ARG002 - as every fault
        """Return the same action."""
        return self

    def resolve(
        self,
        situation: Situation,  # noqa: ARG002 - as every fault
        random: Random,  # noqa: ARG002 - as every fault
    ) -> tuple[Strike, ...]:
        """Return the action: it means the same always."""
        return (Strike(self),)

    def begin(self, site: Site) -> Attempt:
        """Restore the cluster, unless something else is in force: it takes every member."""
        backup = site.backup()
        if site.others:
            return Skipped(f"fault {site.others[0].id} is in force")
        daemons = site.surfaces.daemons
        for node in daemons.node_names():
            if not daemons.is_running(node):
                return Skipped(f"{node} does not run")
        answer = backup.restore_cluster()
        return Done(answer.words) if answer.is_taken else Skipped(answer.words)

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a restored cluster need not be undone")

    def begins(self) -> str:
        """Return the action as a phrase."""
        return "restore the cluster from a backup"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return "end restoring the cluster"

    def value(self) -> dict[str, object]:
        """Return the fields: none."""
        return {}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "RestoreCluster":  # noqa: ARG003 - as every fault
        """Return the fault that `fields` describe."""
        return cls()


def draw(chance: Chance) -> RestoreCluster:
    """Draw the only one there is."""
    del chance
    return RestoreCluster()
