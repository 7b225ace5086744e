"""Disks of daemons on real hosts: file systems of ours, each served by an agent."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import msgspec

from harness.environments.hosts.agent import Agent
from harness.systems.rot import Rot
from nemesis.surface import SurfaceError


@dataclass(frozen=True, slots=True)
class _Setting:
    sync_delay_ns: int = 0
    is_failing: bool = False
    is_full: bool = False


ChooseRot: TypeAlias = Callable[[str, int], Rot | None]
"""Returns up to so many bits of a node's log that can rot; None if there are none."""


class HostDisks:
    """Offers `nemesis.surface.Disks`, and what a power cut takes."""

    def __init__(
        self, agent_of: Callable[[str], Agent], choose_rot: ChooseRot | None = None
    ) -> None:
        """`choose_rot` is None where nobody here can look at the logs."""
        self._agent_of = agent_of
        self._choose_rot = choose_rot
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

    @property
    def knows_records(self) -> bool:
        """Whether logs can be looked at."""
        return self._choose_rot is not None

    def flip_bits(self, node: str, count: int) -> int:
        """Flip bits of the log, of records that have a durable one behind them; return how many."""
        if self._choose_rot is None:
            raise SurfaceError(f"{count} bits of {node}: this disk cannot tell records apart")
        rot = self._choose_rot(node, count)
        if rot is None:
            return 0
        fields = {"file": rot.file, "bits": rot.bits}
        return msgspec.convert(self._agent_of(node).ask("flip", fields), int)

    def wrong_bits(self, node: str) -> int:
        """Return how many bits of the node's disk are wrong now."""
        return msgspec.convert(self._agent_of(node).ask("rotten"), int)

    def restore(self, node: str) -> int:
        """Put every bit right that is wrong; return how many that were."""
        return msgspec.convert(self._agent_of(node).ask("put_right"), int)

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
