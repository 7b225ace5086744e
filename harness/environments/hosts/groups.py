"""Control groups of ours that are still there although nobody looks after them any more."""

from collections.abc import Sequence
from pathlib import Path

from harness.environments.hosts.processes import marked
from nemesis.host.cgroup import groups_of_others


def dead_groups() -> Sequence[Path]:
    """Return them: no process of their cluster is left, an agent least of all."""
    return groups_of_others([each.cluster for each in marked()])


def remove_group(path: Path) -> None:
    """Remove one of them, and the limits with it."""
    path.rmdir()
