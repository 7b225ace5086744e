"""What daemons on real hosts may use of these: control groups, changed by an agent there.

Every daemon is put into a group when it starts, by an agent that undoes everything when the
harness ends, however it does.
"""

import time
from collections.abc import Callable

import msgspec

from harness.environments.hosts.agent import Agent


class HostPressure:
    """Offers `nemesis.surface.Pressure`."""

    def __init__(
        self,
        agent_of: Callable[[str], Agent],
        pid_of: Callable[[str], int | None],
        *,
        have_own: bool,
    ) -> None:
        """`have_own`: every daemon is in a group of its own by itself, as a container is."""
        self._agent_of = agent_of
        self._pid_of = pid_of
        self._have_own = have_own
        self._told = ""

    def limit_cpu(self, node: str, share: float) -> None:
        """Let the daemon have so much of one processor."""
        self._limit("cpu", node, share)

    def limit_memory(self, node: str, share: float) -> None:
        """Let the daemon have so much of the memory that it uses."""
        self._limit("memory", node, share)

    def started(self, node: str) -> None:
        """Put a daemon that was just started into its group; what is set is in force at once."""
        pid = self._pid_of(node)
        if pid is not None:  # Else it has ended again already.
            fields = {"node": node, "pid": pid, "is_own": self._have_own}
            self._agent_of(node).ask("join", fields)

    def take_note(self) -> str:
        """Return what the last change has to tell, once; or an empty text."""
        told, self._told = self._told, ""
        return told

    def _limit(self, what: str, node: str, share: float) -> None:
        began_ns = time.monotonic_ns()
        answer = self._agent_of(node).ask(what, {"node": node, "share": share})
        told = msgspec.convert(answer, str)
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        self._told = ", ".join(each for each in (told, f"verified after {took_ms:.1f} ms") if each)
