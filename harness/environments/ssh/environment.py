"""The environment of hosts that an inventory names."""

import hashlib
import secrets
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, TypeVar

from typing_extensions import override

from harness.environments.environment import NOTHING_NEEDED, Means, Needs
from harness.environments.hosts.agent import Agent
from harness.environments.hosts.clocks import HostClocks
from harness.environments.hosts.daemons import HostDaemons
from harness.environments.hosts.disks import HostDisks
from harness.environments.hosts.entered import EnteredEnvironment
from harness.environments.hosts.links import HostLinks
from harness.environments.hosts.pressure import HostPressure
from harness.environments.hosts.processes import CLUSTER, DAEMON, marks
from harness.environments.ssh.connection import Connection, SshLine, agent_archive
from harness.environments.ssh.daemon import SshDaemon
from harness.environments.ssh.inventory import Host
from harness.errors import HarnessError
from harness.store import RunDirectory
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

Result = TypeVar("Result")


class SshEnvironment(EnteredEnvironment):
    """A daemon on each host; see `Environment`.

    Everything lies in one directory per trial on each host. Logs are fetched in the end; data stay
    on the host unless the verdict is VALID. Whatever ends the harness closes its lines: then the
    agents undo what they did, and a warden kills the daemons.
    """

    def __init__(
        self,
        system: System,
        nodes: Sequence[str],
        directory: RunDirectory,
        hosts: Sequence[Host],
        needs: Needs = NOTHING_NEEDED,
    ) -> None:
        """There is a host for every node, in the same order."""
        assert len(hosts) >= len(nodes), "there is a host for every node"
        super().__init__()
        self._system = system
        self._hosts = dict(zip(nodes, hosts, strict=False))
        self._directory = directory
        self._needs = needs
        self._cluster: Final = f"quorate-{secrets.token_hex(8)}"
        self._connections: dict[str, Connection] = {}
        self._lines = ExitStack()
        self._links: HostLinks | None = None
        self._clocks: HostClocks | None = None
        self._disks: HostDisks | None = None
        self._pressure: HostPressure | None = None

    @property
    def name(self) -> str:
        """See `Environment`."""
        return "ssh"

    def means(self) -> Means:
        """See `Environment`. Links can be told apart where every host has an address of its own."""
        return Means(
            daemons=self._daemons,
            links=self._links,
            bandwidth=self._links,
            clocks=self._clocks,
            disks=self._disks,
            pressure=self._pressure,
            take_note=self._take_note,
            lack="" if self._links else "give every host of the inventory an address of its own",
        )

    def start(self) -> None:
        """See `Environment`."""
        try:
            self._everywhere(self._daemons.start)
        except SurfaceError as error:
            raise HarnessError(str(error)) from error

    def discard_data(self) -> None:
        """See `Environment`. Hosts are visited once more: by now they have been left."""
        for node, host in self._hosts.items():
            with closing(Connection(node, host)) as connection:
                connection.run(f"rm -rf {shlex.quote(self._place(node))}")

    # ------------------------------------------------------------ setup
    @override
    def _prepare(self) -> None:
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{host.address}:{host.client_port}",
                peer_address=f"{host.address}:{host.peer_port}",
            )
            for node, host in self._hosts.items()
        )
        with ThreadPoolExecutor(len(self._hosts)) as pool:
            connecting = {
                node: pool.submit(Connection, node, host) for node, host in self._hosts.items()
            }
        for node, connection in connecting.items():
            self._connections[node] = connection.result()
        program = self._system.command(self._launch(self._members[0]))[0]
        content = None if program == sys.executable else Path(program).read_bytes()
        programs = self._everywhere(lambda node: self._equip(self._connections[node], content))
        wardens = [
            Agent(node, self._line(node, "warden", f"{CLUSTER}={self._cluster}"))
            for node in self._hosts
        ]
        assert len(wardens) == len(self._hosts), "every host has one"
        self._open_means()
        daemons = [self._make(member, programs[member.name]) for member in self._members]
        self._daemons = HostDaemons(daemons, disks=self._disks, started=self._started)

    def _equip(self, connection: Connection, program: bytes | None) -> str:
        """Bring to a host what it needs, unless it is there; return the store's program there."""
        place = self._place(connection.node)
        folder = f"{connection.host.directory}/programs"
        connection.run(f"mkdir -p {shlex.quote(place)}/data {shlex.quote(folder)}")
        connection.upload(agent_archive(), f"{place}/agent.pyz", mode=0o644)
        if program is None:
            return connection.host.python
        path = f"{folder}/{hashlib.sha256(program).hexdigest()[:16]}"
        if connection.size(path) != len(program):
            connection.upload(program, path, mode=0o755)
        return path

    def _open_means(self) -> None:
        addresses = {node: host.address for node, host in self._hosts.items()}
        if len(set(addresses.values())) == len(addresses):
            doors = self._agents("door", lambda node: [f"{self._cluster}/{node}"])
            self._links = HostLinks(addresses, doors.get)
        if self._needs.clocks:
            clocks = self._agents("clocks", lambda _: [])
            self._clocks = HostClocks(lambda node: clocks[node], self._pid_of, self._needs.clocks)
        if self._needs.pressure:
            groups = self._agents("groups", lambda _: [self._cluster])
            self._pressure = HostPressure(lambda node: groups[node], self._pid_of, have_own=False)
        if self._needs.disks:
            for node, connection in self._connections.items():
                connection.run(f"mkdir -p {shlex.quote(self._place(node))}/disk")
            disks = self._agents(
                "disk",
                lambda node: [
                    f"{self._cluster}/{node}",
                    f"{self._place(node)}/data",
                    f"{self._place(node)}/disk",
                ],
            )
            self._disks = HostDisks(lambda node: disks[node])

    def _agents(self, part: str, arguments: Callable[[str], Sequence[str]]) -> Mapping[str, Agent]:
        """Start an agent on every host; all are started before the first is waited for."""
        lines = {node: self._line(node, part, *arguments(node)) for node in self._hosts}
        return {node: Agent(node, line) for node, line in lines.items()}

    def _line(self, node: str, *arguments: str) -> SshLine:
        python = self._hosts[node].python
        program = shlex.join([python, "-I", f"{self._place(node)}/agent.pyz", *arguments])
        line = self._connections[node].open_line(f"exec {program}")
        self._lines.callback(line.close)
        return line

    def _make(self, member: Member, program: str) -> SshDaemon:
        launch = self._launch(member)
        command = [program, *self._system.command(launch)[1:]]
        variables = {
            **marks(self._cluster, self._directory.path.absolute(), DAEMON),
            **self._system.variables(),
        }
        connection = self._connections[member.name]
        return SshDaemon(connection, command, variables, f"{self._place(member.name)}/daemon.log")

    def _launch(self, member: Member) -> Launch:
        folder = "data" if self._disks is None else "disk"
        return Launch(
            member=member,
            members=self._members,
            data_directory=f"{self._place(member.name)}/{folder}",
            cluster=self._cluster,
        )

    def _place(self, node: str) -> str:
        """Return this trial's directory on the node's host."""
        return f"{self._hosts[node].directory}/{self._cluster}-{node}"

    def _started(self, node: str) -> None:
        if self._pressure is not None:
            self._pressure.started(node)
        if self._clocks is not None:
            self._clocks.started(node)

    def _pid_of(self, node: str) -> int | None:
        """Return a daemon's process: the daemons are made after the clocks."""
        return self._daemons.pid(node)

    def _take_note(self) -> str:
        tellers = [each for each in (self._links, self._clocks, self._pressure) if each is not None]
        return ", ".join(note for note in (each.take_note() for each in tellers) if note)

    def _everywhere(self, action: Callable[[str], Result]) -> Mapping[str, Result]:
        """Act for every node side by side, and return what came of it."""
        nodes = tuple(self._hosts)
        with ThreadPoolExecutor(len(nodes)) as pool:
            return dict(zip(nodes, pool.map(action, nodes), strict=True))

    # ------------------------------------------------------------ teardown
    @override
    def _leave(self) -> None:
        """Leave nothing on the hosts but the store's program, and what a failure may ask for."""
        try:
            self._daemons.end_all()
            for node, connection in self._connections.items():
                target = self._directory.node_path(node) / "daemon.log"
                connection.download(f"{self._place(node)}/daemon.log", target)
        finally:
            self._lines.close()
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()
