"""From what was asked to what is meant now: symbolic faults become explicit ones.

An explicit fault names one node, or exactly the directed links it concerns. It is what
the injector carries out and what the record of a trial keeps, so that it can be repeated
without asking who led.
"""

from random import Random
from typing import assert_never

import msgspec

from nemesis import grudge
from nemesis.fault import (
    OTHERS,
    TRIGGER_NODE,
    Aim,
    Aimed,
    Divided,
    Exactly,
    Fault,
    Groups,
    LinkChoice,
    Pause,
    Restart,
    Topology,
)
from nemesis.surface import Link
from nemesis.targets import Situation, choose


def resolve(fault: Fault, situation: Situation, random: Random) -> tuple[Fault, ...]:
    """Return the explicit faults that `fault` means in `situation`.

    A fault of daemons becomes one fault per node, in the cluster's order; a fault of links
    becomes one fault on exact links. Empty if nothing is meant: the minority of a single
    node, the bridge of two.
    """
    if isinstance(fault, Restart | Pause):
        nodes = choose(fault.target, situation, random)
        return tuple(msgspec.structs.replace(fault, target=node) for node in nodes)
    links = resolve_links(fault.links, situation, random)
    if not links:
        return ()
    return (msgspec.structs.replace(fault, links=Exactly(tuple(sorted(links)))),)


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
