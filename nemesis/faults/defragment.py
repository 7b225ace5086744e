"""Defragmentations of nodes' stores, as an operator's cron job asks for them.

A node may answer nobody while it copies its store; and one that is sent a snapshot meanwhile has
two new stores at a time (etcd #20271).
"""

from typing import ClassVar

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Site, Skipped
from nemesis.faults.requests import NodeRequest


class Defragment(NodeRequest, frozen=True, kw_only=True):
    """Ask each target to defragment its store. It is over as soon as it is answered."""

    do: ClassVar[str] = "defragment"
    not_undone: ClassVar[str] = "a defragmentation need not be undone"

    def begin(self, site: Site) -> Attempt:
        """Ask the node."""
        if not site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        return Done(site.admin().defragment(self.target))

    def begins(self) -> str:
        """Return the request as a phrase."""
        return f"ask {self.target} to defragment its store"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end defragmentation of {self.target}"


def draw(chance: Chance) -> Defragment:
    """Draw a request to any nodes."""
    return Defragment(target=chance.target)
