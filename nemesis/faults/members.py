"""Changes of who belongs to the cluster, and of who leads it, as an operator asks for them.

They are no faults of anything: a store has to stand them, and what else breaks meanwhile. Each is
over as soon as it is asked for; the operator goes on by himself, and tells the trace what became
of it.
"""

from collections.abc import Callable
from typing import ClassVar, TypeAlias

from nemesis.chance import Chance
from nemesis.fault import Attempt, Done, Site, Skipped
from nemesis.faults.requests import ClusterRequest, NodeRequest
from nemesis.surface import OperatorAnswer


class Grow(ClusterRequest, frozen=True, kw_only=True):
    """Start a new node, and let it join: as a learner, and as a voter once it has caught up."""

    do: ClassVar[str] = "grow"
    not_undone: ClassVar[str] = "a change of members cannot be undone"

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(site.members().grow)

    def begins(self) -> str:
        """Return the change as a phrase."""
        return "let a new node join"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return "end joining"


class Shrink(NodeRequest, frozen=True, kw_only=True):
    """Remove each target from the cluster. Its daemon runs on, and may not know it."""

    do: ClassVar[str] = "shrink"
    not_undone: ClassVar[str] = "a change of members cannot be undone"

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(lambda: site.members().shrink(self.target))

    def begins(self) -> str:
        """Return the change as a phrase."""
        return f"remove {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end removal of {self.target}"


class Replace(NodeRequest, frozen=True, kw_only=True):
    """Let a new node take the place of each target, in one change of voters."""

    do: ClassVar[str] = "replace"
    not_undone: ClassVar[str] = "a change of members cannot be undone"

    def begin(self, site: Site) -> Attempt:
        """Ask the operator."""
        return _asked(lambda: site.members().replace(self.target))

    def begins(self) -> str:
        """Return the change as a phrase."""
        return f"replace {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end replacement of {self.target}"


class MoveLeader(NodeRequest, frozen=True, kw_only=True):
    """Ask the leader to hand over to each target: to several, to one after the other."""

    do: ClassVar[str] = "move_leader"
    not_undone: ClassVar[str] = "a transfer cannot be undone"

    def begin(self, site: Site) -> Attempt:
        """Ask the leader."""
        return _asked(lambda: site.members().move_leader(self.target))

    def begins(self) -> str:
        """Return the transfer as a phrase."""
        return f"ask the leader to hand over to {self.target}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end transfer to {self.target}"


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
