"""Which faults end others by beginning."""

from nemesis.fault import Fault
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.pause import Pause
from nemesis.faults.restart import Restart


def voids(fault: Fault, other: Fault) -> bool:
    """Say whether `other`, in force when the explicit `fault` begins, is over by that.

    A killed daemon is paused no more.
    """
    return (
        isinstance(fault, Restart | Bitrot)
        and isinstance(other, Pause)
        and fault.target == other.target
    )
