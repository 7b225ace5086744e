"""Which links a fault meets: by division, by node, by groups or one by one; and what that means.

In a schedule file the links are given by exactly one of

- `target` alone: every link from or to the target;
- `topology`: halves, majority_ring, bridge; or, with a `target`, isolate, one_way_out, one_way_in;
- `groups`: lists of node names, `$node`, `$others`;
- `links`: pairs [sender, receiver].
"""

import enum
from collections.abc import Sequence
from random import Random
from typing import Final, TypeAlias, assert_never

import msgspec

from nemesis import grudge
from nemesis.surface import Link
from nemesis.targets import TRIGGER_NODE, Situation, choose

OTHERS: Final = "$others"
"""In `Groups`: every node that no group names."""


class Topology(enum.StrEnum):
    """A division of the whole cluster, drawn when it is applied (`nemesis.grudge`)."""

    HALVES = "halves"
    MAJORITY_RING = "majority_ring"
    BRIDGE = "bridge"


class Aim(enum.StrEnum):
    """Which links of the target nodes are meant."""

    AROUND = "around"
    """Every link from or to a target, those between two targets included."""
    ISOLATE = "isolate"
    """Every link between a target and a node that is none: targets still reach each other."""
    ONE_WAY_OUT = "one_way_out"
    """Only links from a target to the rest: targets hear, and are not heard."""
    ONE_WAY_IN = "one_way_in"
    """Only links from the rest to a target: targets are heard, and hear nothing."""


class Divided(msgspec.Struct, frozen=True):
    """The links that `topology` cuts."""

    topology: Topology


class Aimed(msgspec.Struct, frozen=True):
    """The links that lie so to the nodes that `target` (see `nemesis.targets`) names."""

    aim: Aim
    target: str


class Groups(msgspec.Struct, frozen=True):
    """Every link between nodes of different groups; nodes not named form one more group."""

    groups: tuple[tuple[str, ...], ...]


class Exactly(msgspec.Struct, frozen=True):
    """These directed links, sorted, each once."""

    links: tuple[Link, ...]


LinkChoice: TypeAlias = Divided | Aimed | Groups | Exactly


def exact_links(choice: LinkChoice) -> tuple[Link, ...]:
    """Return the links of an explicit fault."""
    assert isinstance(choice, Exactly), "only explicit faults are in force"
    return choice.links


def describe_links(links: Sequence[Link]) -> str:
    """Return sorted directed links as text, receivers collected by sender: `n1>n2,n3 n2>n1`."""
    receivers: dict[str, list[str]] = {}
    for sender, receiver in links:
        receivers.setdefault(sender, []).append(receiver)
    return " ".join(f"{sender}>{','.join(heard_by)}" for sender, heard_by in receivers.items())


def describe_choice(choice: LinkChoice) -> str:
    """Return the links of an explicit fault as text; `no links` for one that meant none."""
    return describe_links(choice.links) if isinstance(choice, Exactly) else "no links"


# ---------------------------------------------------------------- meaning
def resolve_links(choice: LinkChoice, situation: Situation, random: Random) -> frozenset[Link]:
    """Return the directed links that `choice` means in `situation`."""
    match choice:
        case Divided(topology):
            return _divided(topology, situation, random)
        case Aimed(aim, target):
            return _aimed(aim, choose(target, situation, random), situation)
        case Groups(groups):
            return grudge.groups(_named_groups(groups, situation), situation.nodes)
        case Exactly(links):
            return frozenset(links)
        case _:
            assert_never(choice)


def _divided(topology: Topology, situation: Situation, random: Random) -> frozenset[Link]:
    match topology:
        case Topology.HALVES:
            return grudge.halves(situation.nodes, random)
        case Topology.MAJORITY_RING:
            return grudge.majority_ring(situation.nodes, random)
        case Topology.BRIDGE:
            return grudge.bridge(situation.nodes, random)
        case _:
            assert_never(topology)


def _aimed(aim: Aim, targets: tuple[str, ...], situation: Situation) -> frozenset[Link]:
    nodes = situation.nodes
    match aim:
        case Aim.AROUND:
            return grudge.around(targets, nodes)
        case Aim.ISOLATE:
            return grudge.isolate(targets, nodes)
        case Aim.ONE_WAY_OUT:
            return grudge.one_way(targets, grudge.without(nodes, targets))
        case Aim.ONE_WAY_IN:
            return grudge.one_way(grudge.without(nodes, targets), targets)
        case _:
            assert_never(aim)


def _named_groups(
    groups: tuple[tuple[str, ...], ...], situation: Situation
) -> list[tuple[str, ...]]:
    """Return the groups with node names for `$node` and `$others`.

    The triggering node leaves the group that also names it, and is only where `$node` says:
    `[["$node"], ["n1", "n2"]]` is meaningful whichever node it turns out to be.
    """
    uses_trigger = any(TRIGGER_NODE in group for group in groups)
    trigger = situation.trigger_node
    assert trigger is not None or not uses_trigger, "`$node` needs a trigger"
    placed = {name for group in groups for name in group} | ({trigger} if uses_trigger else set())
    others = tuple(node for node in situation.nodes if node not in placed)

    def names(group: tuple[str, ...]) -> tuple[str, ...]:
        named: list[str] = []
        for name in group:
            if name == TRIGGER_NODE:
                named.append(trigger or "")
            elif name == OTHERS:
                named.extend(others)
            elif not (uses_trigger and name == trigger):
                named.append(name)
        return tuple(named)

    return [names(group) for group in groups]
