"""Whether a daemon serves from a log of which bits are wrong that its checksums must tell.

One that finds them and ends is right, and so is one that has repaired them. One that was started
since, answers, and has left them as they are did not look.
"""

import time
from collections.abc import Callable

from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.outcome import Failure
from nemesis.applied import Applied, Outcome, Phase
from nemesis.faults.bitrot import Bitrot


class RotJudge:
    """Follows the journal of a trial's faults, in the nemesis' thread."""

    def __init__(self, monitor: Monitor, wrong_bits: Callable[[str], int] | None) -> None:
        """`wrong_bits` is None where no bit can go wrong."""
        self._monitor = monitor
        self._wrong_bits = wrong_bits
        self._rotten_since: dict[str, int] = {}
        """By node, by the system's monotonic clock: any daemon of before has ended, or was down."""
        self.failure: Failure | None = None
        """The first that was found."""

    def note(self, applied: Applied) -> None:
        """Take note of an attempt at a fault; told before it and after it."""
        fault = applied.fault
        if not isinstance(fault, Bitrot) or self._wrong_bits is None:
            return
        if applied.phase is Phase.BEGIN and applied.outcome is Outcome.DONE:
            self._rotten_since[fault.target] = time.monotonic_ns()
        if applied.phase is Phase.END and applied.outcome is Outcome.INTENDED:
            since = self._rotten_since.pop(fault.target, None)
            if since is not None and self._monitor.answered_ns.get(fault.target, 0) > since:
                self._accuse(fault.target, self._wrong_bits(fault.target))

    def _accuse(self, node: str, bits: int) -> None:
        if bits and self.failure is None:
            self.failure = Failure(
                judge="rot",
                rule="Protocol-Aware Recovery (Alagappan et al. 2018, section 2)",
                story=f"{node} was started from a log of which {bits} bits are wrong that its "
                "checksums must tell, and serves",
            )
