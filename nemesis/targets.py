"""Which nodes a fault meets: the words a schedule may use, and what they mean right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

TRIGGER_NODE: Final = "$node"
"""Stands for the node whose observation triggered the fault."""

TARGET_WORDS: Final = ("one", "minority", "majority", "all", "leader", "followers")
"""Symbolic targets, besides `$node`. No node may be named so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What can be known at the moment a target is chosen."""

    nodes: Sequence[str]
    """Every node, in the cluster's fixed order."""
    leader: str | None
    """The leader, or None if none is known."""
    trigger_node: str | None
    """The node whose observation triggered the fault; None if a time did."""


def is_symbolic(target: str) -> bool:
    """Say whether `target` is a word whose meaning depends on the moment, and no node's name."""
    return target in TARGET_WORDS or target == TRIGGER_NODE


def choose(  # noqa: PLR0911 (one return per word)
    target: str, situation: Situation, random: Random
) -> tuple[str, ...]:
    """Return the nodes that `target` means, in the cluster's order; empty if it means none.

    - `one`: any node. `all`: every node.
    - `minority`: the most nodes that are less than half (of one or two nodes: none);
      `majority`: the fewest that are more than half. Drawn evenly.
    - `leader`: the leader; `followers`: all the others. While no leader is known, one node,
      drawn evenly, stands for it: a schedule keeps its density through elections, when
      faults bite most.
    - `$node`: the node that triggered the fault.
    - a node's name: that node; none if it has not joined yet, or was removed.
    """
    nodes = situation.nodes
    match target:
        case "one":
            return (random.choice(nodes),)
        case "minority":
            return _drawn((len(nodes) - 1) // 2, nodes, random)
        case "majority":
            return _drawn(len(nodes) // 2 + 1, nodes, random)
        case "all":
            return tuple(nodes)
        case "leader":
            return (_leader(situation, random),)
        case "followers":
            leader = _leader(situation, random)
            return tuple(node for node in nodes if node != leader)
        case "$node":
            assert situation.trigger_node is not None, "`$node` needs a trigger"
            return (situation.trigger_node,)
        case name:
            return (name,) if name in nodes else ()


def _leader(situation: Situation, random: Random) -> str:
    return situation.leader or random.choice(situation.nodes)


def _drawn(count: int, nodes: Sequence[str], random: Random) -> tuple[str, ...]:
    drawn = random.sample(nodes, count)
    return tuple(node for node in nodes if node in drawn)
