"""Defragmentations of nodes' stores, as an operator's cron job asks for them.

A node may answer nobody while it copies its store; and one that is sent a snapshot meanwhile has
two new stores at a time (etcd #20271).
"""

from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class Defragment(msgspec.Struct, frozen=True, kw_only=True):
    """Ask each target to defragment its store. It is over as soon as it is answered."""

    do: ClassVar[str] = "defragment"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "Defragment":  # noqa: ARG002 - as every fault
        """Return the same request."""
        return self

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one request per node that is asked."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Ask the node."""
        if not site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        return Done(site.admin().defragment(self.target))

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a defragmentation need not be undone")

    def begins(self) -> str:
        """Return the request as a phrase."""
        return f"ask {self.target} to defragment its store"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end defragmentation of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Defragment":
        """Return the fault that `fields` describe."""
        return cls(target=names.target(fields.text("target")))


def draw(chance: Chance) -> Defragment:
    """Draw a request to any nodes."""
    return Defragment(target=chance.target)
