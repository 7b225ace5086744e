"""Every mutant by its name."""

from harness.environments.simulation.mutants import persistence, reads
from harness.environments.simulation.mutants.mutant import Mutant
from harness.errors import UsageError
from harness.suggest import did_you_mean
from nodeimpl.node import Node

MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant for mutant in (*persistence.MUTANTS, *reads.MUTANTS)
}


def node_class(name: str | None) -> type[Node]:
    """Return the node with the planted bug `name`; the healthy node for None.

    Raises `UsageError` when there is no such mutant.
    """
    if name is None:
        return Node
    mutant = MUTANTS.get(name)
    if mutant is None:
        raise UsageError(f"there is no mutant {name!r}{did_you_mean(name, MUTANTS)}")
    return mutant.node_class
