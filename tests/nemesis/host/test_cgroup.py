"""Control groups, on folders that look like the kernel's."""

from pathlib import Path
from typing import Final

import pytest

from nemesis.host.cgroup import (
    CpuLimit,
    HeldBack,
    Hierarchy,
    MemoryLimit,
    hierarchy_in,
    path_in,
    require_controllers,
)
from nemesis.host.groups import Group
from nemesis.host.request import HostError

V1: Final = """tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V2: Final = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"

CPU_V1: Final = {
    "cpu.cfs_quota_us": "-1",
    "cpu.cfs_period_us": "100000",
    "cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 5000000",
}
CPU_V2: Final = {
    "cpu.max": "max 100000",
    "cpu.stat": "usage_usec 7\nnr_throttled 3\nthrottled_usec 4000",
}
MEMORY_V1: Final = {
    "memory.limit_in_bytes": "9223372036854771712",
    "memory.usage_in_bytes": "40960000",
    "memory.failcnt": "4",
    "memory.oom_control": "oom_kill_disable 0",
}
MEMORY_V2: Final = {
    "memory.high": "max",
    "memory.current": "40960000",
    "memory.events": "low 0\nhigh 6\nmax 0",
}


def folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text + "\n")
    return path


def content(path: Path, name: str) -> str:
    return (path / name).read_text().strip()


def test_version_1_has_a_hierarchy_for_each_controller() -> None:
    assert hierarchy_in(V1, "cpu") == Hierarchy(
        Path("/sys/fs/cgroup/cpu,cpuacct"), is_unified=False
    )
    assert hierarchy_in(V1, "memory") == Hierarchy(Path("/sys/fs/cgroup/memory"), is_unified=False)


def test_version_2_has_one_for_all() -> None:
    assert hierarchy_in(V2, "memory") == Hierarchy(Path("/sys/fs/cgroup"), is_unified=True)


def test_without_control_groups_there_is_no_hierarchy() -> None:
    assert hierarchy_in("proc /proc proc rw 0 0\n", "cpu") is None


def test_a_controller_that_version_1_has_is_missed_in_version_2(tmp_path: Path) -> None:
    root = folder(tmp_path / "unified", {"cgroup.controllers": "pids"})

    with pytest.raises(HostError, match="know no cpu"):
        require_controllers(root, "cpu")


@pytest.mark.parametrize(
    ("is_unified", "controller", "path"),
    [(False, "cpu", "/a"), (False, "memory", "/b"), (True, "cpu", "/c")],
)
def test_a_process_group_is_found(*, is_unified: bool, controller: str, path: str) -> None:
    hierarchy = Hierarchy(Path("/x"), is_unified=is_unified)

    assert path_in("5:cpu,cpuacct:/a\n4:memory:/b\n0::/c\n", hierarchy, controller) == path


@pytest.mark.parametrize(
    ("files", "is_unified", "name", "limited", "held"),
    [
        (CPU_V1, False, "cpu.cfs_quota_us", "5000", HeldBack(2, 5)),
        (CPU_V2, True, "cpu.max", "5000 100000", HeldBack(3, 4)),
    ],
)
def test_a_share_of_a_processor_is_a_share_of_each_period(
    tmp_path: Path,
    files: dict[str, str],
    *,
    is_unified: bool,
    name: str,
    limited: str,
    held: HeldBack,
) -> None:
    path = folder(tmp_path, files)
    limit = CpuLimit(path, is_unified=is_unified)

    limit.limit(0.05)
    shown = content(path, name)
    limit.limit(1.0)

    assert shown == limited
    assert limit.held_back() == held
    assert content(path, name) == files[name]


@pytest.mark.parametrize(
    ("files", "is_unified", "name", "met"),
    [(MEMORY_V1, False, "memory.limit_in_bytes", 4), (MEMORY_V2, True, "memory.high", 6)],
)
def test_a_limit_of_memory_is_imposed_and_undone(
    tmp_path: Path, files: dict[str, str], *, is_unified: bool, name: str, met: int
) -> None:
    path = folder(tmp_path, files)
    limit = MemoryLimit(path, is_unified=is_unified)

    got = limit.limit(20_480_000)
    shown = content(path, name)
    limit.limit(None)

    assert (got, shown) == (20_480_000, "20480000")
    assert limit.used_bytes == 40_960_000
    assert limit.held_back() == met
    assert content(path, name) == files[name]


def group(path: Path) -> Group:
    folders = {"cpu": folder(path / "cpu", CPU_V1), "memory": folder(path / "memory", MEMORY_V1)}
    hierarchies = {kind: Hierarchy(path, is_unified=False) for kind in folders}
    return Group(folders, hierarchies, is_ours=False)


def test_a_group_tells_what_it_got_and_what_it_felt(tmp_path: Path) -> None:
    limited = group(tmp_path)

    assert limited.limit_memory(0.5) == "20.5 MB of the 41.0 MB that it used"
    assert limited.limit_cpu(0.1) == ""
    (tmp_path / "cpu" / "cpu.stat").write_text("nr_throttled 12\nthrottled_time 905000000\n")
    (tmp_path / "memory" / "memory.failcnt").write_text("11\n")
    assert limited.limit_cpu(1.0) == "it was held back 10 times, 900 ms in all"
    assert limited.limit_memory(1.0) == "it met its limit 7 times"
    assert content(tmp_path / "memory", "memory.oom_control") == "0"


def test_what_is_in_force_meets_the_group_of_a_container_that_starts_again(tmp_path: Path) -> None:
    former = group(tmp_path)
    former.limit_cpu(0.1)
    former.limit_memory(0.5)
    (tmp_path / "new").mkdir()
    latter = group(tmp_path / "new")

    latter.take_over(former)
    shown = content(tmp_path / "new" / "cpu", "cpu.cfs_quota_us")
    latter.free()

    assert shown == "10000"
    assert content(tmp_path / "new" / "cpu", "cpu.cfs_quota_us") == "-1"


def test_the_group_of_a_container_that_is_down_gets_it_later(tmp_path: Path) -> None:
    limited = group(tmp_path)
    (tmp_path / "cpu").rename(tmp_path / "gone")

    assert limited.limit_cpu(0.1) == "it is down, and gets it when it starts"
    assert limited.limit_memory(1.0) == ""
