"""Which daemons had a reason to end by themselves: a bad disk, want of memory, or no cluster.

A daemon whose fsync or write fails is right to stop: it cannot know what is durable (Rebello et al.
2020). Writes fail, with ENOMEM, where memory is short, too. So a death that was noticed while such
a fault was in force on its node excuses itself; and shortly after it, if memory was short: who
waited for some is refused it when the wait ends. A member that hears of its removal ends, and one
that is to join and finds nobody does, too; but neither may crash.
"""

from collections.abc import Callable, Sequence
from typing import Final

from harness.environments.environment import Death
from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Fault
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.disk import FailingFsync, FullDisk
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.pressure import MemoryPressure
from nodeimpl.ids import SECOND

_EXCUSING: Final = (FailingFsync, FullDisk, Bitrot, LyingFsync, MemoryPressure)
_AFTERMATH_NS: Final = 2 * SECOND
"""For how long after want of memory a daemon may end of it."""

_ORDERLY: Final = ("exit code 0", "exit code 1")
"""How a daemon ends that has found out that it does not belong to a cluster: by no panic."""


class Excuses:
    """Follows the journal of a trial's faults; `deaths` returns the daemons that ended so far."""

    def __init__(self, deaths: Callable[[], Sequence[Death]]) -> None:
        self._deaths = deaths
        self._before: dict[tuple[int, Fault], int] = {}
        """Deaths of a fault's node before it began, by the fault in force."""
        self._over: dict[tuple[int, Fault], int] = {}
        """When those ended that excuse for a while longer; they are in `_before`, too."""
        self._excused: dict[str, dict[int, None]] = {}
        """Which of a node's deaths, counted from 0."""
        self._outside: dict[str, int] = {}
        """Deaths before, of a node that may not belong to the cluster now."""

    def note(self, applied: Applied) -> None:
        """Take note of an attempt at a fault; told before it and after it."""
        fault = applied.fault
        self._close(applied.at_ns)
        if not isinstance(fault, _EXCUSING):
            return
        key = applied.id, fault
        if applied.phase is Phase.BEGIN and applied.outcome is Outcome.INTENDED:
            self._before[key] = self.death_count(fault.target)
        elif applied.phase is Phase.BEGIN and applied.outcome is Outcome.SKIPPED:
            self._before.pop(key, None)
        elif applied.phase is Phase.END and applied.outcome is not Outcome.INTENDED:
            if isinstance(fault, MemoryPressure) and key in self._before:
                self._over[key] = applied.at_ns
                return
            self._excuse(fault.target, self._before.pop(key, None))

    def begin(self, node: str) -> None:
        """From now on `node` may find that it does not belong to the cluster, and end in order."""
        self._outside.setdefault(node, self.death_count(node))

    def end(self, node: str, *, is_excused: bool = True) -> None:
        """From now on `node` belongs to the cluster; or if not `is_excused`, it always did."""
        before = self._outside.pop(node, None)
        if is_excused and before is not None:
            self._excuse_orderly(node, before)

    def unexcused(self) -> tuple[Death, ...]:
        """Return the daemons that ended for no reason that a fault gave them."""
        for (_, fault), before in self._before.items():
            assert isinstance(fault, _EXCUSING), "no other is noted"
            self._excuse(fault.target, before)
        for node, before in self._outside.items():
            self._excuse_orderly(node, before)
        numbers: dict[str, int] = {}
        found: list[Death] = []
        for death in self._deaths():
            number = numbers[death.node] = numbers.get(death.node, -1) + 1
            if number not in self._excused.get(death.node, {}):
                found.append(death)
        return tuple(found)

    def _close(self, now: int) -> None:
        """Excuse nothing more for faults that ended too long ago."""
        for key, ended_at in list(self._over.items()):
            if now - ended_at > _AFTERMATH_NS:
                _, fault = key
                assert isinstance(fault, MemoryPressure), "no other has an aftermath"
                self._excuse(fault.target, self._before.pop(key))
                del self._over[key]

    def death_count(self, node: str) -> int:
        """Return how often the daemon of `node` ended by itself."""
        return len(self._deaths_of(node))

    def _excuse(self, node: str, before: int | None) -> None:
        """Excuse the deaths of a node since there were so many; None: the fault did not begin."""
        if before is not None:
            excused = self._excused.setdefault(node, {})
            excused.update(dict.fromkeys(range(before, self.death_count(node))))

    def _excuse_orderly(self, node: str, before: int) -> None:
        """Excuse the orderly ones of the deaths of a node since there were so many."""
        excused = self._excused.setdefault(node, {})
        for number, death in enumerate(self._deaths_of(node)):
            if number >= before and death.how in _ORDERLY:
                excused[number] = None

    def _deaths_of(self, node: str) -> list[Death]:
        return [death for death in self._deaths() if death.node == node]
