"""Control groups: where the kernel keeps them, and what limits the processes of one.

Version 1 (cgroup-v1/memory.rst, scheduler/sched-bwc.rst) has a hierarchy of folders for each kind
of limit, version 2 (cgroup-v2.rst) one for all. Both give a group's processes a share of the
processors' time in each period; when memory is short, both take back what can be read again from a
file, and then let the processes wait rather than kill them: version 1 because the killer of the
group is switched off, version 2 because `memory.high` never calls it.
"""

import errno
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nemesis.host.request import HostError

_MOUNTS: Final = Path("/proc/self/mounts")
_PROC: Final = Path("/proc")
_MILLISECONDS_PER_NS: Final = 1_000_000
_QUOTA_US_MIN: Final = 1_000
"""The kernel accepts no smaller share of a period."""

_STEP_BYTES: Final = 256 << 10
_STEPS_MAX: Final = 64
"""How often a limit that the kernel refuses is raised by a step."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where the groups of one controller are."""

    root: Path
    is_unified: bool
    """Whether it is version 2, which has all controllers in one."""


def hierarchy_in(mounts: str, controller: str) -> Hierarchy | None:
    """Return the hierarchy of `cpu` or `memory` that /proc/mounts tells of; None if none does.

    One of version 2 need not have the controller: see `require_controllers`.
    """
    unified: Hierarchy | None = None
    for line in mounts.splitlines():
        _, place, kind, options = line.split()[:4]
        if kind == "cgroup" and controller in options.split(","):
            return Hierarchy(Path(place), is_unified=False)
        if kind == "cgroup2":
            unified = unified or Hierarchy(Path(place), is_unified=True)
    return unified


def hierarchies() -> Mapping[str, Hierarchy]:
    """Return this host's hierarchies of `cpu` and `memory`; raises `HostError` if one is missing.

    They are such as this process may change.
    """
    mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    found: dict[str, Hierarchy] = {}
    for controller in ("cpu", "memory"):
        hierarchy = hierarchy_in(mounts, controller)
        if hierarchy is None:
            raise HostError(
                f"no control groups limit {controller}: mount cgroup2 on /sys/fs/cgroup"
            )
        if not os.access(hierarchy.root, os.W_OK):
            raise HostError(
                f"the control groups in {hierarchy.root} may not be changed: run as root"
            )
        if hierarchy.is_unified:
            require_controllers(hierarchy.root, controller)
        found[controller] = hierarchy
    return found


def require_controllers(root: Path, controller: str) -> None:
    """Raise `HostError` unless version 2 has `controller` for the groups below `root`."""
    if controller not in (root / "cgroup.controllers").read_text(encoding="ascii").split():
        raise HostError(f"the control groups in {root} know no {controller}: boot without v1's")


def obstacle() -> str | None:
    """Return why nothing can be limited here, and what to do; None if it can be."""
    try:
        hierarchies()
    except (HostError, OSError) as error:
        return str(error)
    return None


def roots() -> list[Path]:
    """Return the folders in which groups of ours can be; none where nothing can be limited."""
    try:
        return list(dict.fromkeys(each.root for each in hierarchies().values()))
    except (HostError, OSError):
        return []


def groups_of_others(clusters: Collection[str]) -> list[Path]:
    """Return the groups of ours that are of none of these clusters."""
    found = [path for root in roots() for path in sorted(root.glob("quorate-*.*")) if path.is_dir()]
    return [path for path in found if path.name.partition(".")[0] not in clusters]


def group_of(pid: int, hierarchy: Hierarchy, controller: str) -> Path:
    """Return the folder of the group that a process is in; raises `HostError` if it has ended."""
    try:
        text = (_PROC / str(pid) / "cgroup").read_text(encoding="utf-8")
    except OSError as error:
        raise HostError(f"process {pid} has ended") from error
    return hierarchy.root / path_in(text, hierarchy, controller).lstrip("/")


def path_in(text: str, hierarchy: Hierarchy, controller: str) -> str:
    """Return a process' group by what /proc/PID/cgroup says; raises `HostError`."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" if hierarchy.is_unified else controller in controllers.split(","):
            return path
    raise HostError(f"the kernel does not tell a process' control group for {controller}")


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How often processes were held back, and for how long altogether."""

    count: int
    time_ms: int


class CpuLimit:
    """The processor time of one group."""

    def __init__(self, folder: Path, *, is_unified: bool) -> None:
        """Take note of what it had."""
        self._folder = folder
        self._file: Final = folder / ("cpu.max" if is_unified else "cpu.cfs_quota_us")
        self._is_unified = is_unified
        self._before = _read(self._file)
        period = self._before.split()[1] if is_unified else _read(folder / "cpu.cfs_period_us")
        self._period_us: Final = int(period)

    def limit(self, share: float) -> None:
        """Let it have so much of one processor; 1.0 and above: as much as it had before."""
        if share >= 1.0:
            _write(self._file, self._before)
            return
        quota_us = max(_QUOTA_US_MIN, round(share * self._period_us))
        _write(self._file, f"{quota_us} {self._period_us}" if self._is_unified else str(quota_us))

    def held_back(self) -> HeldBack:
        """Return how often it had used up its time before a period was over, since it exists."""
        told = _table(self._folder / "cpu.stat")
        if self._is_unified:
            return HeldBack(told["nr_throttled"], told["throttled_usec"] // 1_000)
        return HeldBack(told["nr_throttled"], told["throttled_time"] // _MILLISECONDS_PER_NS)


class MemoryLimit:
    """The memory of one group, of which none of its processes is killed."""

    def __init__(self, folder: Path, *, is_unified: bool) -> None:
        """Take note of what it had."""
        self._folder = folder
        self._is_unified = is_unified
        self._file: Final = folder / ("memory.high" if is_unified else "memory.limit_in_bytes")
        self._before = _read(self._file)

    @property
    def used_bytes(self) -> int:
        """How much it uses, files that it has in memory included."""
        name = "memory.current" if self._is_unified else "memory.usage_in_bytes"
        return int(_read(self._folder / name))

    def limit(self, bytes_max: int | None) -> int:
        """Let it have so much, and return what it has in the end; None and 0: what it had before.

        Version 1 refuses less than what cannot be taken back: then the least that it accepts.
        """
        if bytes_max is None:
            _write(self._file, self._before)
            if not self._is_unified:
                _write(self._folder / "memory.oom_control", "0", shows="oom_kill_disable 0")
            return 0
        if self._is_unified:
            _write_number(self._file, bytes_max)
            return int(_read(self._file))
        _write(self._folder / "memory.oom_control", "1", shows="oom_kill_disable 1")
        return self._squeeze(bytes_max)

    def _squeeze(self, bytes_max: int) -> int:
        for _ in range(_STEPS_MAX):
            try:
                _write_number(self._file, bytes_max)
                return int(_read(self._file))
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                bytes_max = max(bytes_max, self.used_bytes) + _STEP_BYTES
        raise HostError("the kernel accepts no limit of memory near to what is used")

    def held_back(self) -> int:
        """Return how often it met its limit, since it exists."""
        if self._is_unified:
            return _table(self._folder / "memory.events")["high"]
        return int(_read(self._folder / "memory.failcnt"))


def _table(path: Path) -> Mapping[str, int]:
    """Return a file of names and numbers."""
    pairs = (line.split() for line in _read(path).splitlines())
    return {name: int(value) for name, value in pairs}


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, value: str, *, shows: str | None = None) -> None:
    """Write a setting, and verify that the kernel `shows` it, as it was written if left out."""
    path.write_text(value, encoding="ascii")
    if not _read(path).startswith((value, shows or value)):
        raise HostError(f"the kernel does not show what {path} was told")


def _write_number(path: Path, bytes_max: int) -> None:
    """Write a number of bytes, which the kernel rounds to pages, and verify it."""
    path.write_text(str(bytes_max), encoding="ascii")
    page = os.sysconf("SC_PAGE_SIZE")
    shown = _read(path)
    if not shown.isdigit() or abs(int(shown) - bytes_max) >= page:
        raise HostError(f"the kernel does not show what {path} was told")
