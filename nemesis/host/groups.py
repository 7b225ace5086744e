"""The control groups of daemons on this host: how much processor time and memory each may use.

A daemon is put into a group of its own when it starts, and counts there from then on; the group
outlives it, so that what is in force meets its successor, too. A container has a group already,
which is a new one after each start.
"""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nemesis.host.cgroup import CpuLimit, HeldBack, Hierarchy, MemoryLimit, group_of, hierarchies
from nemesis.host.request import HostError, Request

_PATIENCE_S: Final = 2.0
_LOOK_S: Final = 0.01
_MEGABYTE: Final = 1e6


class Groups:
    """Answers `join` (`pid`, `is_own`: it has a group), `cpu` and `memory` (`share`), of a `node`.

    `cpu` and `memory` tell as a text what came of it.
    """

    def __init__(self, cluster: str) -> None:
        """Names of groups begin with that of the cluster; raises `HostError` if there are none."""
        self._cluster = cluster
        self._hierarchies = hierarchies()
        for hierarchy in self._hierarchies.values():
            if hierarchy.is_unified:
                _enable(hierarchy.root)
        self._groups: dict[str, Group] = {}

    def answer(self, what: str, request: Request) -> object:
        """Do what is asked."""
        node = request.text("node")
        if what == "join":
            pid = request.integer("pid")
            self._join(node, pid, has_own=request.flag("is_own"))
            return ""
        if what == "cpu":
            return self._group(node).limit_cpu(request.number("share"))
        if what == "memory":
            return self._group(node).limit_memory(request.number("share"))
        raise HostError(f"groups cannot {what}")

    def close(self) -> None:
        """Let every daemon have what it had before, and leave no group of ours."""
        for group in self._groups.values():
            if group.exists:
                group.free()
                group.remove()

    def _join(self, node: str, pid: int, *, has_own: bool) -> None:
        if has_own:
            try:
                folders = {
                    controller: group_of(pid, hierarchy, controller)
                    for controller, hierarchy in self._hierarchies.items()
                }
            except HostError:  # It has ended again already; the next start brings another.
                return
            group = Group(folders, self._hierarchies, is_ours=False)
            if node in self._groups:
                group.take_over(self._groups[node])
            self._groups[node] = group
            return
        if node not in self._groups:
            name = f"{self._cluster}.{node}"
            folders = {kind: each.root / name for kind, each in self._hierarchies.items()}
            for folder in folders.values():
                folder.mkdir(exist_ok=True)
            self._groups[node] = Group(folders, self._hierarchies, is_ours=True)
        self._groups[node].take_in(pid)

    def _group(self, node: str) -> "Group":
        if node not in self._groups:
            raise HostError(f"{node} was not put into a control group")
        return self._groups[node]


class Group:
    """The group of one daemon, in each hierarchy."""

    def __init__(
        self, folders: Mapping[str, Path], hierarchies: Mapping[str, Hierarchy], *, is_ours: bool
    ) -> None:
        self._folders = folders
        self._hierarchies = hierarchies
        self._is_ours = is_ours
        self._cpu = CpuLimit(folders["cpu"], is_unified=hierarchies["cpu"].is_unified)
        self._memory = MemoryLimit(folders["memory"], is_unified=hierarchies["memory"].is_unified)
        self._cpu_share = 1.0
        self._bytes_max: int | None = None
        self._held_before = HeldBack(0, 0)
        self._met_before = 0

    def take_in(self, pid: int) -> None:
        """Put a process into the group, with all its threads."""
        for folder in self._folders.values():
            try:
                (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
            except ProcessLookupError:  # It has ended again already.
                return
            if str(pid) not in (folder / "cgroup.procs").read_text(encoding="ascii").split():
                self._require_ended(pid)

    @property
    def exists(self) -> bool:
        """Whether there is such a group: that of a container goes with its process."""
        return all(folder.exists() for folder in self._folders.values())

    def _require_ended(self, pid: int) -> None:
        """Raise `HostError` if the process runs, and so should be in the group."""
        if Path(f"/proc/{pid}").exists():
            raise HostError(f"process {pid} is not in the control group that it was put into")

    def take_over(self, former: "Group") -> None:
        """Impose what was in force on the group before this one."""
        if former._cpu_share < 1.0:  # noqa: SLF001 - of the same class
            self.limit_cpu(former._cpu_share)  # noqa: SLF001
        if former._bytes_max is not None:  # noqa: SLF001
            self._bytes_max = self._memory.limit(former._bytes_max)  # noqa: SLF001

    def limit_cpu(self, share: float) -> str:
        """Let it have so much of one processor, 1.0: as it was; tell what it felt until then."""
        if not self.exists:
            self._cpu_share = share
            return "it is down, and gets it when it starts" if share < 1.0 else ""
        told = ""
        held = self._cpu.held_back()
        if self._cpu_share < 1.0:
            count = held.count - self._held_before.count
            time_ms = held.time_ms - self._held_before.time_ms
            told = f"it was held back {count} times, {time_ms} ms in all"
        self._cpu.limit(share)
        self._cpu_share, self._held_before = share, held
        return told

    def limit_memory(self, share: float) -> str:
        """Let it have so much of what it uses, 1.0: as it was; tell what it got, or felt."""
        if not self.exists:
            self._bytes_max = None
            return ""
        met = self._memory.held_back()
        if share >= 1.0:
            was_limited, self._bytes_max = self._bytes_max is not None, None
            self._memory.limit(None)
            return f"it met its limit {met - self._met_before} times" if was_limited else ""
        if self._bytes_max is not None:  # What is used now says nothing of what is needed.
            self._memory.limit(None)
        used = self._memory.used_bytes
        self._bytes_max = self._memory.limit(int(used * share))
        self._met_before = met
        return f"{self._bytes_max / _MEGABYTE:.1f} MB of the {used / _MEGABYTE:.1f} MB that it used"

    def free(self) -> None:
        """Let it have what it had before."""
        self._cpu.limit(1.0)
        self._memory.limit(None)

    def remove(self) -> None:
        """Remove the group if it is ours; its processes have ended, or go back to the root's."""
        if not self._is_ours:
            return
        for controller, folder in self._folders.items():
            deadline = time.monotonic() + _PATIENCE_S
            while folder.exists():
                _empty(folder, self._hierarchies[controller].root)
                with contextlib.suppress(OSError):  # A process that is just ending is in it still.
                    folder.rmdir()
                if time.monotonic() > deadline:
                    raise HostError(f"the control group {folder} cannot be removed")
                time.sleep(_LOOK_S)


def _empty(folder: Path, root: Path) -> None:
    for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
        with contextlib.suppress(ProcessLookupError):
            (root / "cgroup.procs").write_text(pid, encoding="ascii")


def _enable(root: Path) -> None:
    """Let groups below the root of version 2 be limited."""
    try:
        (root / "cgroup.subtree_control").write_text("+cpu +memory", encoding="ascii")
    except OSError as error:
        raise HostError(f"the control groups in {root} may not be limited: {error}") from error
