"""A cluster that is restored from a backup, whole, as an operator does after a disaster.

What came after the backup is lost to whoever restores, and rightly so. So it is made when nothing
can come after it any more (`nemesis.surface.Backup`): then nothing that was acknowledged may be
missing, and every checker stays as strict as ever.
"""

from typing import ClassVar

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Site, Skipped
from nemesis.faults.requests import ClusterRequest


class RestoreCluster(ClusterRequest, frozen=True, kw_only=True):
    """Save the store, stop every member, and let each begin anew with what was saved.

    It is over when all have been started again.
    """

    do: ClassVar[str] = "restore_cluster"
    not_undone: ClassVar[str] = "a restored cluster need not be undone"

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

    def begins(self) -> str:
        """Return the action as a phrase."""
        return "restore the cluster from a backup"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return "end restoring the cluster"


def draw(chance: Chance) -> RestoreCluster:
    """Draw the only one there is."""
    del chance
    return RestoreCluster()
