"""Control groups of ours that are still there although nobody looks after them any more."""

from collections.abc import Sequence
from pathlib import Path

from harness.environments.hosts.processes import marked
from nemesis.host.cgroup import roots


def dead_groups() -> Sequence[Path]:
    """Return them: no process of their cluster is left, an agent least of all."""
    alive = [each.cluster for each in marked()]
    found = [path for root in roots() for path in sorted(root.glob("quorate-*.*")) if path.is_dir()]
    return [path for path in found if path.name.partition(".")[0] not in alive]


def remove_group(path: Path) -> None:
    """Remove one of them, and the limits with it."""
    path.rmdir()
