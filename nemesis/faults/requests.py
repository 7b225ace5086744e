"""What requests have in common: they are over as soon as they are asked, and cannot be undone."""

from random import Random
from typing import ClassVar, Protocol, Self

import msgspec
from msgspec.structs import replace

from nemesis.fault import Attempt, Fault, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is asked of a store or its operator, and has no end."""

    remedy: ClassVar[Remedy] = Remedy.REPAIR
    not_undone: ClassVar[str]
    """Why it is not undone, as the record of its end says."""

    def held_ns(self) -> None:
        """Return None: it has no end."""

    def lasting(self, held_ns: int) -> Self:  # noqa: ARG002 - as every fault
        """Return the same request."""
        return self

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing."""
        return Skipped(self.not_undone)


class _Targeted(Fault, Protocol):
    """A fault of nodes."""

    @property
    def target(self) -> str: ...

    def at(self, node: str) -> Fault: ...


class NodeRequest(_Request, frozen=True, kw_only=True):
    """What is asked of, or about, each target."""

    target: str

    def at(self, node: str) -> Self:
        """Return the same request of one node."""
        return replace(self, target=node)

    def resolve(self: _Targeted, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one request per node."""
        return on_each(self.target, self.at, situation, random)

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> Self:
        """Return the fault that `fields` describe."""
        return cls(target=names.target(fields.text("target")))


class ClusterRequest(_Request, frozen=True, kw_only=True):
    """What is asked of the whole cluster, and means the same always."""

    def resolve(
        self: Fault,
        situation: Situation,  # noqa: ARG002 - as every fault
        random: Random,  # noqa: ARG002 - as every fault
    ) -> tuple[Strike, ...]:
        """Return the request itself."""
        return (Strike(self),)

    def value(self) -> dict[str, object]:
        """Return the fields: none."""
        return {}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> Self:  # noqa: ARG003 - as every fault
        """Return the fault that `fields` describe."""
        return cls()
