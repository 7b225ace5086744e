"""The local environment: the daemons of one cluster, and what can be done to them."""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.environments.environment import Death, Means
from harness.environments.hosts.agent import Agent, ProcessLine
from harness.environments.hosts.daemons import HostDaemons
from harness.environments.hosts.guard import Guard
from harness.environments.hosts.links import HostLinks
from harness.environments.hosts.processes import DAEMON, HELPER, marks
from harness.environments.local.daemon import LocalDaemon
from harness.environments.local.namespaces import Namespaces, obstacle
from harness.environments.local.ports import Ports
from harness.errors import HarnessError
from harness.store import RunDirectory
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_LOOPBACK: Final = "127.0.0.1"
_CLIENT_PORT, _PEER_PORT = 2379, 2380


class LocalEnvironment:
    """A cluster of processes of this machine; see `Environment`.

    Where that can be, each has a network namespace of its own; else all are on the loopback
    interface, and their links cannot be broken. Logs and data directories lie in the run's own
    directory, under `nodes/<node>/`.
    """

    def __init__(self, system: System, nodes: Sequence[str], directory: RunDirectory) -> None:
        self._system = system
        self._nodes = tuple(nodes)
        self._directory = directory
        self._cluster: Final = f"quorate-{secrets.token_hex(8)}"
        self._ports = Ports()
        self._namespaces: Namespaces | None = None
        self._agents = ExitStack()
        self._doors: dict[str, Agent] = {}
        self._links: HostLinks | None = None
        self._lack = ""
        self._members: tuple[Member, ...] = ()
        self._daemons = HostDaemons(())
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        """See `Environment`."""
        try:
            self._prepare()
        except SurfaceError as error:
            self._leave()
            raise HarnessError(str(error)) from error
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See `Environment`."""
        self._leave()

    @property
    def name(self) -> str:
        """See `Environment`."""
        return "local"

    @property
    def members(self) -> Sequence[Member]:
        """See `Environment`."""
        return self._members

    def means(self) -> Means:
        """See `Environment`. Links can be broken where every node has a namespace."""
        if self._links is None:
            return Means(daemons=self._daemons, lack=self._lack)
        return Means(daemons=self._daemons, links=self._links, take_note=self._links.take_note)

    def start(self) -> None:
        """See `Environment`."""
        for node in self._nodes:
            try:
                self._daemons.start(node)
            except SurfaceError as error:
                raise HarnessError(str(error)) from error

    def deaths(self) -> Sequence[Death]:
        """See `Environment`."""
        return self._daemons.deaths()

    def discard_data(self) -> None:
        """See `Environment`."""
        for node in self._nodes:
            shutil.rmtree(self._data_directory(node), ignore_errors=True)

    # ------------------------------------------------------------ setup and teardown
    def _prepare(self) -> None:
        self._guard = Guard(self._cluster)
        self._lack = obstacle() or ""
        if self._lack:
            self._take_ports()
        else:
            self._make_network()
        self._daemons = HostDaemons([self._make(member) for member in self._members])

    def _make_network(self) -> None:
        self._namespaces = network = Namespaces(self._nodes, self._variables(HELPER))
        addresses = {node: network.address(node) for node in self._nodes}
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{address}:{_CLIENT_PORT}",
                peer_address=f"{address}:{_PEER_PORT}",
            )
            for node, address in addresses.items()
        )
        variables = self._variables(HELPER)
        lines: dict[str, ProcessLine] = {}
        for node in self._nodes:  # All are started before the first is waited for.
            seed = f"{self._cluster}/{node}"
            lines[node] = ProcessLine(network.entry(node), ["door", seed], variables)
            self._agents.callback(lines[node].close)
        for node, line in lines.items():
            self._doors[node] = Agent(node, line)
        self._links = HostLinks(addresses, self._doors.get)

    def _take_ports(self) -> None:
        ports = self._ports.take(2 * len(self._nodes))
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{_LOOPBACK}:{ports[2 * place]}",
                peer_address=f"{_LOOPBACK}:{ports[2 * place + 1]}",
            )
            for place, node in enumerate(self._nodes)
        )

    def _data_directory(self, node: str) -> Path:
        return self._directory.node_path(node) / "data"

    def _make(self, member: Member) -> LocalDaemon:
        launch = Launch(
            member=member,
            members=self._members,
            data_directory=str(self._data_directory(member.name).absolute()),
            cluster=self._cluster,
        )
        entry = () if self._namespaces is None else self._namespaces.entry(member.name)
        log = self._directory.node_path(member.name) / "daemon.log"
        variables = {**self._variables(DAEMON), **self._system.variables()}
        return LocalDaemon(member.name, [*entry, *self._system.command(launch)], variables, log)

    def _variables(self, part: str) -> Mapping[str, str]:
        return {**os.environ, **marks(self._cluster, self._directory.path.absolute(), part)}

    def _leave(self) -> None:
        self._daemons.end_all()
        self._agents.close()
        if self._namespaces is not None:
            self._namespaces.close()
            self._namespaces = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        self._ports.release()
