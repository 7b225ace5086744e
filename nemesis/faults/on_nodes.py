"""What the faults of single nodes have in common: whom they mean, and who may start a daemon."""

from collections.abc import Callable
from random import Random

from nemesis.fault import Fault, Strike
from nemesis.targets import Situation, choose


def on_each(
    target: str, on_node: Callable[[str], Fault], situation: Situation, random: Random
) -> tuple[Strike, ...]:
    """Return one explicit fault for each node that `target` means, in the cluster's order."""
    return tuple(Strike(on_node(node)) for node in choose(target, situation, random))
