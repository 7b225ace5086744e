"""What can go wrong with the nodes' clocks: offsets, drifts and strobes (`nemesis.surface.Clocks`).

Every clock has a rate of its own, as quartz does. A drift multiplies it; a strobe swings it, by
an event of the kernel at every half period. After each change the host looks at its clock again,
since a timer armed by the old rate would come too late.
"""

from collections.abc import Mapping
from typing import Final

from harness.environments.simulation.clock import BILLION, NodeClock
from harness.environments.simulation.host import Host
from harness.environments.simulation.kernel import Kernel


class _BentClock:
    """One node's clock and what is done to it."""

    __slots__ = (
        "clock",
        "half_ns",
        "host",
        "is_fast",
        "natural_ppb",
        "offset_ns",
        "rate_ppb",
        "swing_ppb",
        "swings",
    )

    def __init__(self, clock: NodeClock, host: Host) -> None:
        self.clock = clock
        self.host = host
        self.natural_ppb = clock.drift_ppb
        self.offset_ns = 0
        self.rate_ppb = BILLION
        self.swing_ppb = BILLION
        """How much faster, and slower, a strobe makes it by turns."""
        self.half_ns = 0
        self.is_fast = True
        """Whether it is the strobe's turn to make it fast."""
        self.swings = 0
        """How many strobes there have been; events of earlier ones are ignored."""

    def drift_ppb(self) -> int:
        """Return the rate that results, less one."""
        rate = (BILLION + self.natural_ppb) * self.rate_ppb // BILLION
        if self.is_fast:
            return rate * self.swing_ppb // BILLION - BILLION
        return rate * BILLION // self.swing_ppb - BILLION


class SimulatedClocks:
    """The clocks of all nodes."""

    never_goes_back: Final = True

    def __init__(self, kernel: Kernel, clocks: Mapping[str, tuple[NodeClock, Host]]) -> None:
        self._kernel = kernel
        self._bent = {node: _BentClock(clock, host) for node, (clock, host) in clocks.items()}

    def join(self, node: str, clock: NodeClock, host: Host) -> None:
        """Look after the clock of a new node too."""
        self._bent[node] = _BentClock(clock, host)

    def offset(self, node: str, offset_ns: int) -> None:
        """Let the clock stand so far ahead; a smaller offset shows when the daemon next starts."""
        bent = self._bent[node]
        bent.clock.shift(self._kernel.now, offset_ns - bent.offset_ns)
        bent.offset_ns = offset_ns
        bent.host.clock_changed()

    def drift(self, node: str, rate: float) -> None:
        """Let the clock run `rate` times as fast as by nature."""
        bent = self._bent[node]
        bent.rate_ppb = round(rate * BILLION)
        self._run(bent)

    def strobe(self, node: str, rate: float, period_ns: int) -> None:
        """Let the clock be `rate` times as fast, then as slow, by turns; 1.0 ends it."""
        bent = self._bent[node]
        bent.swing_ppb = round(rate * BILLION)
        bent.half_ns = period_ns // 2
        bent.is_fast = True
        bent.swings += 1
        self._run(bent)
        if bent.swing_ppb != BILLION:
            self._kernel.after(bent.half_ns, self._swing, bent, bent.swings)

    def _swing(self, bent: _BentClock, swing: int) -> None:
        if swing == bent.swings:
            bent.is_fast = not bent.is_fast
            self._run(bent)
            self._kernel.after(bent.half_ns, self._swing, bent, swing)

    def _run(self, bent: _BentClock) -> None:
        bent.clock.run_at(self._kernel.now, bent.drift_ppb())
        bent.host.clock_changed()
