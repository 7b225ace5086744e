"""Compactions of the store, as an operator's cron job asks for them."""

from random import Random
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation

REVISIONS_MAX: Final = 10**9


class Compact(msgspec.Struct, frozen=True, kw_only=True):
    """Ask each target to compact to its revision less `keep`.

    It is over as soon as it is asked: a compaction cannot be undone, and need not be.
    """

    do: ClassVar[str] = "compact"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    keep: int
    """Revisions before the current one that stay readable."""

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "Compact":  # noqa: ARG002 - as every fault
        """Return the same compaction."""
        return self

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one compaction per node that is asked."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Ask the node."""
        if not site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        return Done(site.admin().compact(self.target, self.keep))

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a compaction cannot be undone")

    def begins(self) -> str:
        """Return the request as a phrase."""
        return f"ask {self.target} to compact all but the last {self.keep} revisions"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end compaction by {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "keep": self.keep}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Compact":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            keep=fields.integer("keep", least=0, most=REVISIONS_MAX),
        )


def draw(chance: Chance) -> Compact:
    """Draw a compaction that keeps nothing, a little or a lot."""
    return Compact(target=chance.target, keep=chance.random.choice((0, 0, 10, 100)))
