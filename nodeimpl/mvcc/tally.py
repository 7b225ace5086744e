"""What a store has done since it was opened, counted for monitoring; nothing depends on it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts of operations, those within transactions too."""

    ranges: int = 0
    puts: int = 0
    deletes: int = 0
    """Deletions asked for, whatever they found."""
    txns: int = 0
    leases_granted: int = 0
    leases_revoked: int = 0
    """Expired ones too (as etcd)."""
    leases_expired: int = 0
    leases_renewed: int = 0
    """By this node as the leader."""
