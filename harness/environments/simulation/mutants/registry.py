"""Every mutant by its name."""

from typing import Final

from harness.environments.simulation.mutants import (
    auth,
    backend,
    compaction,
    election,
    leases,
    membership,
    persistence,
    ranges,
    reads,
    recovery,
    replication,
    revisions,
    snapshots,
    watch,
)
from harness.environments.simulation.mutants.mutant import Mutant
from harness.errors import UsageError
from harness.suggest import did_you_mean

MUTANTS: Final[dict[str, Mutant]] = {
    mutant.name: mutant
    for mutant in (
        *election.MUTANTS,
        *replication.MUTANTS,
        *persistence.MUTANTS,
        *recovery.MUTANTS,
        *snapshots.MUTANTS,
        *membership.MUTANTS,
        *reads.MUTANTS,
        *revisions.MUTANTS,
        *ranges.MUTANTS,
        *compaction.MUTANTS,
        *backend.MUTANTS,
        *watch.MUTANTS,
        *leases.MUTANTS,
        *auth.MUTANTS,
    )
}
"""In the order of the life of an entry: elected, replicated, persisted, recovered, trimmed, handed
to new members, read, kept, watched, left to expire; and who may do so."""


def mutant_named(name: str | None) -> Mutant | None:
    """Return the mutant called `name`; None, the healthy node, for None.

    Raises `UsageError` when there is no such mutant.
    """
    if name is None:
        return None
    mutant = MUTANTS.get(name)
    if mutant is None:
        raise UsageError(f"there is no mutant {name!r}{did_you_mean(name, MUTANTS)}")
    return mutant
