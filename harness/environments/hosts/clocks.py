"""Clocks of daemons on real hosts, bent by an agent there.

Every daemon gets clocks of its own when it starts, while it stands still for some milliseconds;
from then on a change is one write to its memory. What is set for a node outlives its daemon.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Final

from harness.environments.hosts.agent import Agent
from nemesis.host.clock import Setting


class HostClocks:
    """Offers `nemesis.surface.Clocks`."""

    def __init__(
        self,
        agent_of: Callable[[str], Agent],
        pid_of: Callable[[str], int | None],
        clocks: Sequence[str],
    ) -> None:
        """`clocks` are those of each daemon that are bent: `wall`, `monotonic`, or both."""
        self._agent_of = agent_of
        self._pid_of = pid_of
        self._clocks: Final = tuple(clocks)
        self._settings: dict[str, Setting] = {}
        self._pids: dict[str, int] = {}
        self._told = ""

    @property
    def never_goes_back(self) -> bool:
        """Whether no wall clock is bent."""
        return "wall" not in self._clocks

    def offset(self, node: str, offset_ns: int) -> None:
        """Let the clock stand so far ahead."""
        self._change(node, replace(self._setting(node), offset_ns=offset_ns))

    def drift(self, node: str, rate: float) -> None:
        """Let the clock run so many times as fast."""
        self._change(node, replace(self._setting(node), rate=rate))

    def strobe(self, node: str, rate: float, period_ns: int) -> None:
        """Let the clock run so many times as fast, then as slow."""
        setting = replace(self._setting(node), strobe_rate=rate, strobe_period_ns=period_ns)
        self._change(node, setting)

    def started(self, node: str) -> None:
        """Give a daemon that was just started the clocks that its node has."""
        agent = self._agent_of(node)
        known = self._pids.pop(node, None)
        if known is not None:
            agent.ask("forget", {"pid": known})
        pid = self._pid_of(node)
        if pid is None:  # It has ended again already; the next start gets them.
            return
        agent.ask("install", {"pid": pid})
        self._pids[node] = pid
        self._impose(node)

    def take_note(self) -> str:
        """Return what the last change has to tell, once; or an empty text."""
        told, self._told = self._told, ""
        return told

    def _setting(self, node: str) -> Setting:
        return self._settings.get(node, Setting())

    def _change(self, node: str, setting: Setting) -> None:
        self._settings[node] = setting
        began_ns = time.monotonic_ns()
        pid = self._pid_of(node)
        if pid is None or pid != self._pids.get(node):
            self._told = f"{node} is down, and gets it when it starts"
            return
        self._impose(node)
        clocks = " and ".join(self._clocks)
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        self._told = f"of its {clocks} clock, verified after {took_ms:.1f} ms"

    def _impose(self, node: str) -> None:
        for clock in self._clocks:
            fields = {"pid": self._pids[node], "clock": clock, **asdict(self._setting(node))}
            self._agent_of(node).ask("bend", fields)
