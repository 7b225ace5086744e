"""Processes of this machine as /proc tells them, and the mark by which ours are known again.

Every daemon has variables in its environment that name its cluster, its harness and its run. So
daemons that outlived their harness are found without any list that could be out of date.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

CLUSTER: Final = "QUORATE_CLUSTER"
HARNESS: Final = "QUORATE_HARNESS"
RUN: Final = "QUORATE_RUN"
PART: Final = "QUORATE_PART"

DAEMON: Final = "daemon"
HELPER: Final = "helper"
"""What is needed around daemons and only waits: it holds a namespace."""

AGENT: Final = "agent"
"""What breaks things, and undoes that by itself when its harness ends."""

_PROC: Final = Path("/proc")
_STATE_FIELD: Final = 0
_START_FIELD: Final = 19
"""Of what follows the name in /proc/PID/stat (proc(5): fields 3 and 22)."""


class Identity(NamedTuple):
    """One process, told apart from a later one of the same number."""

    pid: int
    start_ticks: int

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        return identity(self.pid) == self

    def text(self) -> str:
        """Return it as `pid:ticks`."""
        return f"{self.pid}:{self.start_ticks}"


class Marked(NamedTuple):
    """A daemon of some harness, or a helper beside one."""

    process: Identity
    cluster: str
    harness: Identity
    run: str
    """The directory of its run."""
    part: str
    """`daemon`, `helper` or `agent`."""


def identity(pid: int) -> Identity | None:
    """Return the process that has this number; None if there is none, or it has ended."""
    fields = _stat(pid)
    if fields is None or fields[_STATE_FIELD] in ("Z", "X"):
        return None
    return Identity(pid, int(fields[_START_FIELD]))


def is_stopped(pid: int) -> bool:
    """Say whether the process is stopped by a signal."""
    fields = _stat(pid)
    return fields is not None and fields[_STATE_FIELD] == "T"


def marks(cluster: str, run: Path, part: str) -> Mapping[str, str]:
    """Return the variables that mark a daemon or a helper of this very process."""
    harness = identity(os.getpid())
    assert harness is not None, "this process runs"
    return {CLUSTER: cluster, HARNESS: harness.text(), RUN: str(run), PART: part}


def marked(cluster: str | None = None) -> Sequence[Marked]:
    """Return all processes that bear a mark and may be seen by this user, or one cluster's."""
    found = [_marked(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return sorted(
        daemon for daemon in found if daemon is not None and cluster in (None, daemon.cluster)
    )


def orphans() -> Sequence[Marked]:
    """Return the daemons and helpers whose harness has ended."""
    return [daemon for daemon in marked() if not daemon.harness.is_alive()]


def end(daemon: Marked) -> None:
    """Kill the daemon, unless it has ended meanwhile."""
    if daemon.process.is_alive():
        try:
            os.kill(daemon.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _marked(pid: int) -> Marked | None:
    """Return the process if it bears a mark; None if not, or if it cannot be looked at."""
    try:
        text = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    if CLUSTER.encode() not in text:
        return None
    pairs = [entry.partition("=") for entry in text.decode(errors="replace").split("\0")]
    variables = {name: value for name, _, value in pairs}
    process = identity(pid)
    harness, _, ticks = variables.get(HARNESS, "").partition(":")
    if process is None or not (harness.isdigit() and ticks.isdigit()):
        return None
    return Marked(
        process=process,
        cluster=variables[CLUSTER],
        harness=Identity(int(harness), int(ticks)),
        run=variables.get(RUN, ""),
        part=variables.get(PART, DAEMON),
    )


def _stat(pid: int) -> Sequence[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat_fields(text)


def stat_fields(text: str) -> Sequence[str]:
    """Return what follows the name in the text of /proc/PID/stat: the state comes first."""
    return text.rpartition(")")[2].split()
