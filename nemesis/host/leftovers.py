"""What trials left on this host whose agents ended without undoing it: killed, most likely.

As long as any agent of a cluster is there, its harness is, too, or its agents are about to undo
everything. What is left of a cluster that has none belongs to nobody. Data directories stay: they
are what somebody may wish to look at.
"""

import os
import re
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from nemesis.host import firewall
from nemesis.host.cgroup import groups_of_others
from nemesis.host.mounts import dead_mounts, unmount
from nemesis.host.request import HostError, Request
from nemesis.host.warden import variables_of

_PROC: Final = Path("/proc")
_AGENT: Final = re.compile(r"/(quorate-[0-9a-f]+)-[^/]*/agent\.pyz$")
"""Where a trial puts its agents on a host, with the cluster's name."""

_CLUSTER, _HARNESS = b"QUORATE_CLUSTER", b"QUORATE_HARNESS"
"""Variables of daemons; the second is `pid:ticks`, in the ticks of its own host."""

_START_FIELD: Final = 19
"""Of what follows the name in /proc/PID/stat (proc(5): field 22)."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that nobody looks after any more."""

    words: str
    remove: Callable[[], None]


class Leftovers:
    """Answers `find`, and `heal`, which removes what it finds; both tell what it is, in words."""

    def answer(self, what: str, request: Request) -> object:  # noqa: ARG002 - as every part
        """Do what is asked."""
        found = list(_leftovers())
        if what == "heal":
            for leftover in found:
                leftover.remove()
        elif what != "find":
            raise HostError(f"leftovers cannot {what}")
        return [leftover.words for leftover in found]

    def close(self) -> None:
        """There is nothing to undo."""


def clusters_looked_after(command_lines: Collection[Sequence[str]]) -> frozenset[str]:
    """Return the clusters that have an agent, by the command lines of all processes."""
    found = (_AGENT.search(word) for words in command_lines for word in words)
    return frozenset(match[1] for match in found if match is not None)


def _leftovers() -> Iterator[Leftover]:
    """Yield what is left, daemons first: they may use the rest."""
    pids = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    looked_after = clusters_looked_after([_command_line(pid) for pid in pids])
    in_use: dict[str, None] = dict.fromkeys(looked_after)
    for pid in pids:
        variables = variables_of(pid)
        if _CLUSTER not in variables:
            continue
        cluster = variables[_CLUSTER].decode(errors="replace")
        if cluster in looked_after or _is_alive(variables.get(_HARNESS, b"")):
            in_use[cluster] = None
        else:
            yield Leftover(f"process {pid} of {cluster}", partial(_kill, pid))
    for mount in dead_mounts():
        yield Leftover(f"the mount {mount}", partial(unmount, mount))
    for group in groups_of_others(tuple(in_use)):
        yield Leftover(f"the control group {group}", group.rmdir)
    if not looked_after and firewall.has_chain():
        yield Leftover("rules of iptables", firewall.remove_chain)


def _command_line(pid: int) -> Sequence[str]:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ()
    return [word.decode(errors="replace") for word in words]


def _is_alive(harness: bytes) -> bool:
    """Say whether the harness, `pid:ticks`, runs on this very host."""
    pid, _, ticks = harness.partition(b":")
    try:
        text = (_PROC / pid.decode() / "stat").read_bytes() if pid.isdigit() else b""
    except OSError:
        return False
    fields = text.rpartition(b")")[2].split()
    return len(fields) > _START_FIELD and fields[_START_FIELD] == ticks


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
