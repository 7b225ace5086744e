"""Compactions of the store, as an operator's cron job asks for them."""

from typing import ClassVar, Final, Self

from typing_extensions import override

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Site, Skipped
from nemesis.faults.requests import NodeRequest
from nemesis.fields import Fields
from nemesis.names import Names

REVISIONS_MAX: Final = 10**9


class Compact(NodeRequest, frozen=True, kw_only=True):
    """Ask each target to compact to its revision less `keep`.

    It is over as soon as it is asked: a compaction cannot be undone, and need not be.
    """

    do: ClassVar[str] = "compact"
    not_undone: ClassVar[str] = "a compaction cannot be undone"
    keep: int
    """Revisions before the current one that stay readable."""

    def begin(self, site: Site) -> Attempt:
        """Ask the node."""
        if not site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        return Done(site.admin().compact(self.target, self.keep))

    def begins(self) -> str:
        """Return the request as a phrase."""
        return f"ask {self.target} to compact all but the last {self.keep} revisions"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end compaction by {self.target}"

    @override
    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "keep": self.keep}

    @override
    @classmethod
    def read(cls, fields: Fields, names: Names) -> Self:
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            keep=fields.integer("keep", least=0, most=REVISIONS_MAX),
        )


def draw(chance: Chance) -> Compact:
    """Draw a compaction that keeps nothing, a little or a lot."""
    return Compact(target=chance.target, keep=chance.random.choice((0, 0, 10, 100)))
