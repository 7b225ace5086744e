"""Stores that are full: what their quota allows is used up, and an operator makes room again.

A store whose quota is used up raises an alarm, and refuses whatever would make it grow until the
alarm is lifted; it must go on with all else (etcd, op-guide/maintenance: Space quota).
"""

from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class ExhaustQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Fill the store until it raises its alarm, and have room made again in the end.

    It has no target: members raise and lift the alarm together. The operator who makes room needs
    a quorum, and every member that is to be defragmented. So he goes on after the fault's end, for
    as long as others are in force, and tells what came of it when he is done.
    """

    do: ClassVar[str] = "exhaust_quota"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long the store stays full."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "ExhaustQuota":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(
        self,
        situation: Situation,  # noqa: ARG002 - as every fault
        random: Random,  # noqa: ARG002 - as every fault
    ) -> tuple[Strike, ...]:
        """Return the fault: it means the same always."""
        return (Strike(self),)

    def begin(self, site: Site) -> Attempt:
        """Fill the store, unless another such fault has."""
        if site.others_of(ExhaustQuota):
            return Skipped("the store is full already")
        answer = site.quota().exhaust()
        return Done(answer.words) if answer.is_taken else Skipped(answer.words)

    def end(self, site: Site) -> Attempt:
        """Have room made, whatever came of the beginning."""
        return Done(site.quota().make_room())

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"exhaust the store's quota for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return "make room in the store"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "ExhaustQuota":  # noqa: ARG003 - as every fault
        """Return the fault that `fields` describe."""
        return cls(hold_ns=fields.duration_ns("hold_ms"))


def draw(chance: Chance) -> ExhaustQuota:
    """Draw a store that is full for a while."""
    return ExhaustQuota(hold_ns=chance.hold_ns)
