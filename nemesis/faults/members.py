"""Changes of who belongs to the cluster, and of who leads it, as an operator asks for them.

They are no faults of anything: a store has to stand them, and what else breaks meanwhile. Each is
over as soon as it is asked for; the operator goes on by himself, and tells the trace what became
of it.
"""

from collections.abc import Callable
from random import Random
from typing import ClassVar, TypeAlias

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.surface import OperatorAnswer
from nemesis.targets import Situation


class Grow(msgspec.Struct, frozen=True, kw_only=True):
    """Start a new node, and let it join: as a learner, and as a voter once it has caught up."""

    do: ClassVar[str] = "grow"
    remedy: ClassVar[Remedy] = Remedy.REPAIR

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "Grow":  # noqa: ARG002 - as every fault
        """Return the same change."""
        return self

    def resolve(
        self,
        situation: Situation,  # noqa: ARG002 - as every fault
        random: Random,  # noqa: ARG002 - as every fault
    ) -> tuple[Strike, ...]:
        """Return the change: it means the same always."""
        return (Strike(self),)

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(site.members().grow)

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a change of members cannot be undone")

    def begins(self) -> str:
        """Return the change as a phrase."""
        return "let a new node join"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return "end joining"

    def value(self) -> dict[str, object]:
        """Return the fields: none."""
        return {}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Grow":  # noqa: ARG003 - as every fault
        """Return the fault that `fields` describe."""
        return cls()


class Shrink(msgspec.Struct, frozen=True, kw_only=True):
    """Remove each target from the cluster. Its daemon runs on, and may not know it."""

    do: ClassVar[str] = "shrink"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "Shrink":  # noqa: ARG002 - as every fault
        """Return the same change."""
        return self

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one removal per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(lambda: site.members().shrink(self.target))

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a change of members cannot be undone")

    def begins(self) -> str:
        """Return the change as a phrase."""
        return f"remove {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end removal of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Shrink":
        """Return the fault that `fields` describe."""
        return cls(target=names.target(fields.text("target")))


class Replace(msgspec.Struct, frozen=True, kw_only=True):
    """Let a new node take the place of each target, in one change of voters."""

    do: ClassVar[str] = "replace"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "Replace":  # noqa: ARG002 - as every fault
        """Return the same change."""
        return self

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one replacement per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(lambda: site.members().replace(self.target))

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a change of members cannot be undone")

    def begins(self) -> str:
        """Return the change as a phrase."""
        return f"replace {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end replacement of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Replace":
        """Return the fault that `fields` describe."""
        return cls(target=names.target(fields.text("target")))


class MoveLeader(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the leader to hand over to each target: to several, to one after the other."""

    do: ClassVar[str] = "move_leader"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> "MoveLeader":  # noqa: ARG002 - as every fault
        """Return the same transfer."""
        return self

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one transfer per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Ask the leader."""
        return _asked(lambda: site.members().move_leader(self.target))

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped("a transfer cannot be undone")

    def begins(self) -> str:
        """Return the transfer as a phrase."""
        return f"ask the leader to hand over to {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end transfer to {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "MoveLeader":
        """Return the fault that `fields` describe."""
        return cls(target=names.target(fields.text("target")))


MembershipFault: TypeAlias = Grow | Shrink | Replace


def _asked(ask: Callable[[], OperatorAnswer]) -> Attempt:
    answer = ask()
    return Done(answer.words) if answer.is_taken else Skipped(answer.words)


def draw_membership(chance: Chance) -> MembershipFault:
    """Draw a change of the members, of any kind."""
    kind = chance.random.choice(("grow", "shrink", "replace"))
    target = _single(chance)
    if kind == "grow":
        return Grow()
    return Shrink(target=target) if kind == "shrink" else Replace(target=target)


def draw_transfer(chance: Chance) -> MoveLeader:
    """Draw a transfer, to any node but as a rule not to the leader."""
    return MoveLeader(target=chance.random.choice(("one", "one", "followers")))


def _single(chance: Chance) -> str:
    """Return a word that means one node: a change of many at a time would be queued for long."""
    return chance.target if chance.target in {"leader", "one"} else "one"
