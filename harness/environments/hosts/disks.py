"""Disks of daemons on real hosts: file systems of ours, each served by an agent."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final

import msgspec

from harness.environments.hosts.agent import Agent
from nemesis.surface import SurfaceError


@dataclass(frozen=True, slots=True)
class _Setting:
    sync_delay_ns: int = 0
    is_failing: bool = False
    is_full: bool = False


class HostDisks:
    """Offers `nemesis.surface.Disks`, but for flipping bits, and what a power cut takes."""

    knows_records: Final = False

    def __init__(self, agent_of: Callable[[str], Agent]) -> None:
        self._agent_of = agent_of
        self._settings: dict[str, _Setting] = {}

    def slow_fsync(self, node: str, delay_ns: int) -> None:
        """Let every fsync take so much longer."""
        self._change(node, replace(self._setting(node), sync_delay_ns=delay_ns))

    def fail_fsync(self, node: str, *, is_failing: bool) -> None:
        """Let every fsync fail."""
        self._change(node, replace(self._setting(node), is_failing=is_failing))

    def fill(self, node: str, *, is_full: bool) -> None:
        """Let every write fail."""
        self._change(node, replace(self._setting(node), is_full=is_full))

    def lie(self, node: str, *, is_lying: bool) -> None:
        """Let every fsync report what it did not do, or make it true."""
        self._agent_of(node).ask("lie", {"is_lying": is_lying})

    def lost_bytes(self, node: str) -> int:
        """Return how many bytes were called durable, and lost."""
        return msgspec.convert(self._agent_of(node).ask("lost"), int)

    def flip_bits(self, node: str, count: int) -> int:
        """Refuse: a disk knows no records, and must not hit the last one."""
        raise SurfaceError(f"{count} bits of {node}: this disk cannot tell records apart")

    def restore(self, node: str) -> None:
        """Do nothing: no bit was ever flipped."""

    def power_off(self, node: str) -> None:
        """Let nothing become durable any more; `lose` must follow when the daemon has ended."""
        self._agent_of(node).ask("power_off")

    def lose(self, node: str, *, torn_tail: bool) -> None:
        """Lose what was not synced, and be on again."""
        self._agent_of(node).ask("lose", {"torn_tail": torn_tail})

    def _setting(self, node: str) -> _Setting:
        return self._settings.get(node, _Setting())

    def _change(self, node: str, setting: _Setting) -> None:
        self._settings[node] = setting
        self._agent_of(node).ask("set", asdict(setting))
