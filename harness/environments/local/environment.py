"""The local environment: the daemons of one cluster, and what can be done to them."""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from typing_extensions import override

from checkers.raft.etcd_wal import WalCorruption
from harness.environments.environment import NOTHING_NEEDED, Means, Needs
from harness.environments.hosts.daemons import HostDaemons
from harness.environments.hosts.entered import EnteredEnvironment
from harness.environments.hosts.guard import Guard
from harness.environments.hosts.instruments import (
    Instruments,
    clock_obstacle,
    disk_obstacle,
    pressure_obstacle,
)
from harness.environments.hosts.processes import AGENT, DAEMON, HELPER, marks
from harness.environments.local import namespaces
from harness.environments.local.daemon import LocalDaemon
from harness.environments.local.namespaces import Namespaces
from harness.environments.local.ports import Ports
from harness.environments.local.restorer import LocalRestorer
from harness.environments.peer_proxy.links import ProxiedLinks
from harness.environments.peer_proxy.proxy import Place
from harness.errors import HarnessError
from harness.store import DATA, RunDirectory
from harness.systems.rot import Rot, choose_rot, has_rot
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_LOOPBACK: Final = "127.0.0.1"
_PROXIED: Final = "a proxy stands between the peers: leave daemon.peer_proxy out"
"""Why there are no namespaces, and so no disks that fail."""
_CLIENT_PORT, _PEER_PORT = 2379, 2380


class LocalEnvironment(EnteredEnvironment):
    """A cluster of processes of this machine; see `Environment`.

    Where that can be, each has a network namespace of its own; else all are on the loopback
    interface, and their links cannot be broken. Logs and data directories lie in the run's own
    directory, under `nodes/<node>/`.
    """

    def __init__(
        self,
        system: System,
        nodes: Sequence[str],
        directory: RunDirectory,
        needs: Needs = NOTHING_NEEDED,
        *,
        peer_proxy: bool = False,
    ) -> None:
        """`peer_proxy`: let a proxy stand between the peers, which knows single messages.

        All nodes are on the loopback interface then.
        """
        super().__init__()
        self._needs = needs
        self._peer_proxy = peer_proxy
        self._proxied: ProxiedLinks | None = None
        self._system = system
        self._nodes = tuple(nodes)
        self._directory = directory
        self._cluster: Final = f"quorate-{secrets.token_hex(8)}"
        self._random = Random(self._cluster)
        self._ports = Ports()
        self._namespaces: Namespaces | None = None
        self._instruments: Instruments | None = None
        self._lack = ""
        self._joiners: dict[str, Member] = {}
        self._guard: Guard | None = None

    @property
    def name(self) -> str:
        """See `Environment`."""
        return "local"

    def means(self) -> Means:
        """See `Environment`.

        Links and disks can be broken where every node has a namespace; links, message by message,
        where a proxy stands in them, and then no node can join, as it would have to pass by there.
        """
        assert self._instruments is not None, "the environment has been entered"
        means = self._instruments.means(self._daemons, None, self._lack)
        if self._instruments.disks is None:
            means = replace(means, restorer=self._restorer())
        if self._proxied is None:
            return replace(means, machines=self)
        return replace(means, links=self._proxied, bandwidth=None)

    def _restorer(self) -> LocalRestorer:
        return LocalRestorer(
            self._system,
            self._directory.path.absolute(),
            lambda member, members: self._launch(member, members, has_disk=False),
            {**os.environ, **self._system.variables()},
        )

    def start(self) -> None:
        """See `Environment`."""
        for node in self._nodes:
            try:
                self._daemons.start(node)
            except SurfaceError as error:
                raise HarnessError(str(error)) from error

    def discard_data(self) -> None:
        """See `Environment`."""
        for node in (*self._nodes, *self._joiners):
            shutil.rmtree(self._data_directory(node), ignore_errors=True)
            shutil.rmtree(self._disk_directory(node), ignore_errors=True)

    # ------------------------------------------------------------ Machines
    def prepare(self, node: str) -> Member:
        """See `Machines`."""
        try:
            self._joiners[node] = self._namespaced(node) or self._on_ports(node)
        except HarnessError as error:
            raise SurfaceError(str(error)) from error
        return self._joiners[node]

    def launch(self, node: str, members: Sequence[Member]) -> None:
        """See `Machines`."""
        assert self._instruments is not None, "the environment has been entered"
        has_disk = self._instruments.disks is not None
        launch = self._launch(self._joiners[node], members, has_disk=has_disk)
        self._daemons.join(self._make(msgspec.structs.replace(launch, is_joining=True)))
        self._daemons.start(node)

    def dismiss(self, node: str) -> None:
        """See `Machines`."""
        self._daemons.dismiss(node)

    def switch_off(self, node: str) -> None:
        """See `Machines`."""
        self._daemons.switch_off(node)

    def _namespaced(self, node: str) -> Member | None:
        """Give the node a namespace if others have one, with all that breaks there."""
        network, instruments = self._namespaces, self._instruments
        if network is None or instruments is None:
            return None
        network.join(node)
        address, entry = network.address(node), network.entry(node)
        instruments.join_links(node, address, entry)
        folders = (self._data_directory(node), self._disk_directory(node))
        instruments.join_disk(node, folders, entry)
        return _member_at(node, address)

    def _on_ports(self, node: str) -> Member:
        client, peer = self._ports.take(2)
        return Member(
            name=node,
            client_address=f"{_LOOPBACK}:{client}",
            peer_address=f"{_LOOPBACK}:{peer}",
        )

    # ------------------------------------------------------------ setup and teardown
    @override
    def _prepare(self) -> None:
        self._guard = Guard(self._cluster)
        instruments = self._instruments = Instruments(self._cluster, self._variables(AGENT))
        obstacle = _PROXIED if self._peer_proxy else namespaces.obstacle()
        if obstacle is None:
            self._make_network(instruments)
        else:
            self._take_ports()
        if self._peer_proxy:
            self._proxied = self._stand_between()
        has_disks = self._open_disks(instruments)
        launches = [
            self._launch(member, self._members, has_disk=has_disks) for member in self._members
        ]
        daemons = [self._make(launch) for launch in launches]
        self._daemons = HostDaemons(daemons, disks=instruments.disks, started=instruments.started)
        lacks = [
            obstacle or disk_obstacle(),
            self._open_clocks(instruments),
            self._open_pressure(instruments),
        ]
        self._lack = "; ".join(lack for lack in lacks if lack is not None)

    def _make_network(self, instruments: Instruments) -> None:
        network = self._namespaces = Namespaces(self._nodes, self._variables(HELPER))
        addresses = {node: network.address(node) for node in self._nodes}
        self._members = tuple(_member_at(node, address) for node, address in addresses.items())
        instruments.open_links(addresses, network.entry)

    def _open_disks(self, instruments: Instruments) -> bool:
        """Mount disks that can fail if they are needed; say whether there are some."""
        network = self._namespaces
        if not self._needs.disks or network is None or disk_obstacle() is not None:
            return False
        mounts = {
            node: (self._data_directory(node), self._disk_directory(node)) for node in self._nodes
        }
        knows_records = has_rot(self._system.name)
        instruments.open_disks(mounts, network.entry, self._choose_rot if knows_records else None)
        return True

    def _choose_rot(self, node: str, count: int) -> Rot | None:
        """Return bits that can go wrong of what is durable, below the node's disk."""
        try:
            return choose_rot(self._system.name, self._data_directory(node), count, self._random)
        except (OSError, WalCorruption) as error:
            raise SurfaceError(f"{node}: its log cannot be looked at: {error}") from error

    def _open_clocks(self, instruments: Instruments) -> str | None:
        """Prepare to bend clocks if that is needed; return why that cannot be, if it cannot."""
        obstacle = clock_obstacle()
        if self._needs.clocks and obstacle is None:
            instruments.open_clocks(self._daemons.pid, self._needs.clocks)
        return obstacle

    def _open_pressure(self, instruments: Instruments) -> str | None:
        """Prepare to limit daemons if that is needed; return why that cannot be, if it cannot."""
        obstacle = pressure_obstacle()
        if self._needs.pressure and obstacle is None:
            instruments.open_pressure(self._daemons.pid, have_own=False)
        return obstacle

    def _take_ports(self) -> None:
        ports = iter(self._ports.take((3 if self._peer_proxy else 2) * len(self._nodes)))
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{_LOOPBACK}:{next(ports)}",
                peer_address=f"{_LOOPBACK}:{next(ports)}",
                peer_listen_address=f"{_LOOPBACK}:{next(ports)}" if self._peer_proxy else None,
            )
            for node in self._nodes
        )

    def _stand_between(self) -> ProxiedLinks:
        """Start the proxy; it ends with the harness."""
        if not self._system.speaks_etcds_peer_protocol:
            raise HarnessError(
                f"the peers of {self._system.name} do not speak etcd's protocol, so no proxy can "
                "tell their messages apart; leave daemon.peer_proxy out"
            )
        places = {
            member.name: Place(
                node=member.name,
                address=member.peer_address,
                target=member.peer_listen_address or member.peer_address,
            )
            for member in self._members
        }
        try:
            return ProxiedLinks(places, self._cluster, self._variables(HELPER))
        except SurfaceError as error:
            raise HarnessError(str(error)) from error

    def _data_directory(self, node: str) -> Path:
        return (self._directory.node_path(node) / DATA).absolute()

    def _disk_directory(self, node: str) -> Path:
        """Return where a disk that can fail is mounted, in the node's own view of the mounts."""
        return (self._directory.node_path(node) / "disk").absolute()

    def _launch(self, member: Member, members: Sequence[Member], *, has_disk: bool) -> Launch:
        name = member.name
        data = self._disk_directory(name) if has_disk else self._data_directory(name)
        return Launch(
            member=member,
            members=tuple(members),
            data_directory=str(data),
            cluster=self._cluster,
        )

    def _make(self, launch: Launch) -> LocalDaemon:
        name = launch.member.name
        entry = () if self._namespaces is None else self._namespaces.entry(name)
        log = self._directory.node_path(name) / "daemon.log"
        variables = {**self._variables(DAEMON), **self._system.variables()}
        return LocalDaemon(name, [*entry, *self._system.command(launch)], variables, log)

    def _variables(self, part: str) -> Mapping[str, str]:
        return {**os.environ, **marks(self._cluster, self._directory.path.absolute(), part)}

    @override
    def _leave(self) -> None:
        self._daemons.end_all()
        if self._proxied is not None:
            self._proxied.close()
            self._proxied = None
        if self._instruments is not None:
            self._instruments.close()
            self._instruments = None
        if self._namespaces is not None:
            self._namespaces.close()
            self._namespaces = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        self._ports.release()


def _member_at(node: str, address: str) -> Member:
    """Return a node that has the network to itself."""
    return Member(
        name=node,
        client_address=f"{address}:{_CLIENT_PORT}",
        peer_address=f"{address}:{_PEER_PORT}",
    )
