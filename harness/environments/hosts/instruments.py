"""What a trial on this machine needs beside its daemons: agents, and the surfaces over them.

Each kind is opened only where it is needed: a disk of ours costs throughput, and clocks of ours let
every daemon stand still for a moment when it starts.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from harness.environments.environment import Means
from harness.environments.hosts.agent import Agent, ProcessLine
from harness.environments.hosts.clocks import HostClocks
from harness.environments.hosts.disks import ChooseRot, HostDisks
from harness.environments.hosts.links import HostLinks
from harness.environments.hosts.pressure import HostPressure
from nemesis.host import cgroup, vdso
from nemesis.surface import Daemons

_FUSE: Final = Path("/dev/fuse")


def disk_obstacle() -> str | None:
    """Return why there can be no disks of ours here, and what to do; None if there can be."""
    if not _FUSE.exists():
        return "there is no /dev/fuse: modprobe fuse"
    if os.geteuid() != 0:
        return "an ordinary user may not mount disks that fail: run as root"
    return None


def clock_obstacle() -> str | None:
    """Return why clocks cannot be bent here; None if they can."""
    return vdso.obstacle()


def pressure_obstacle() -> str | None:
    """Return why daemons cannot be limited here; None if they can."""
    return cgroup.obstacle()


class Instruments:
    """The agents of one cluster. Raises `SurfaceError` where one cannot do its part."""

    def __init__(self, cluster: str, variables: Mapping[str, str]) -> None:
        """Agents run with `variables`."""
        self._cluster = cluster
        self._variables = variables
        self._lines = ExitStack()
        self.links: HostLinks | None = None
        self.clocks: HostClocks | None = None
        self.disks: HostDisks | None = None
        self.pressure: HostPressure | None = None
        self._doors: dict[str, Agent] = {}
        self._disks: dict[str, Agent] = {}

    def open_links(
        self, addresses: Mapping[str, str], entry_of: Callable[[str], Sequence[str]]
    ) -> None:
        """Put an agent at the door of every node's network namespace, which lasts as long."""
        lines = {
            node: self._line(entry_of(node), "door", f"{self._cluster}/{node}")
            for node in addresses
        }
        self._doors = {node: Agent(node, line) for node, line in lines.items()}
        self.links = HostLinks(addresses, self._doors.get)

    def join_links(self, node: str, address: str, entry: Sequence[str]) -> None:
        """Put an agent at the door of a new node's network namespace, too."""
        if self.links is not None:
            self._doors[node] = Agent(node, self._line(entry, "door", f"{self._cluster}/{node}"))
            self.links.join(node, address)

    def open_clocks(self, pid_of: Callable[[str], int | None], clocks: Sequence[str]) -> None:
        """Start the agent that bends these clocks of every daemon."""
        agent = Agent("clocks", self._line((), "clocks"))
        self.clocks = HostClocks(lambda _: agent, pid_of, clocks)

    def open_disks(
        self,
        mounts: Mapping[str, tuple[Path, Path]],
        entry_of: Callable[[str], Sequence[str]],
        choose_rot: ChooseRot | None = None,
    ) -> None:
        """Mount a disk for every node: (the folder below, where it is mounted).

        `choose_rot` as in `HostDisks`.
        """
        lines = {
            node: self._disk_line(node, folders, entry_of(node)) for node, folders in mounts.items()
        }
        self._disks = {node: Agent(node, line) for node, line in lines.items()}
        self.disks = HostDisks(lambda node: self._disks[node], choose_rot)

    def join_disk(self, node: str, folders: tuple[Path, Path], entry: Sequence[str]) -> None:
        """Mount a disk for a new node, too; folders as in `open_disks`."""
        if self.disks is not None:
            self._disks[node] = Agent(node, self._disk_line(node, folders, entry))

    def open_pressure(self, pid_of: Callable[[str], int | None], *, have_own: bool) -> None:
        """Start the agent that limits every daemon; see `HostPressure`."""
        agent = Agent("control groups", self._line((), "groups", self._cluster))
        self.pressure = HostPressure(lambda _: agent, pid_of, have_own=have_own)

    def started(self, node: str) -> None:
        """Take note that a node's daemon was started."""
        if self.pressure is not None:
            self.pressure.started(node)
        if self.clocks is not None:
            self.clocks.started(node)

    def means(self, daemons: Daemons, links: HostLinks | None, lack: str) -> Means:
        """Return what can be broken; `links` are those of somebody else, if not ours."""
        links = links or self.links
        return Means(
            daemons=daemons,
            links=links,
            bandwidth=links,
            clocks=self.clocks,
            disks=self.disks,
            pressure=self.pressure,
            wrong_bits=None if self.disks is None else self.disks.wrong_bits,
            take_note=lambda: _notes(links, self.clocks, self.pressure),
            lack=lack,
        )

    def close(self) -> None:
        """Let every agent undo what it did, and end."""
        self._lines.close()

    def _disk_line(
        self, node: str, folders: tuple[Path, Path], entry: Sequence[str]
    ) -> ProcessLine:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        below, mount = map(str, folders)
        return self._line(entry, "disk", f"{self._cluster}/{node}", below, mount)

    def _line(self, entry: Sequence[str], *arguments: str) -> ProcessLine:
        line = ProcessLine(entry, arguments, self._variables)
        self._lines.callback(line.close)
        return line


def _notes(*tellers: HostLinks | HostClocks | HostPressure | None) -> str:
    notes = [teller.take_note() for teller in tellers if teller is not None]
    return ", ".join(note for note in notes if note)
