"""The environment of containers that are made for one trial, and removed after it."""

import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import docker
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool, Mount
from typing_extensions import override

from harness.environments.containers.daemon import ContainerDaemon
from harness.environments.containers.doors import Doors, obstacle
from harness.environments.containers.engine import (
    CLUSTER_LABEL,
    HARNESS_LABEL,
    engine,
    engine_errors,
    image_named,
    remove_cluster,
)
from harness.environments.containers.userland import userland_image, userland_mounts
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
from harness.environments.hosts.processes import AGENT, DAEMON, HARNESS, HELPER, marks
from harness.environments.hosts.subnets import HARNESS_HOST, Subnet
from harness.errors import HarnessError
from harness.store import RunDirectory
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_CLIENT_PORT, _PEER_PORT = 2379, 2380
_PYTHON: Final = "python3"
"""Of an image that was named; nodeimpl must be installed for it there."""


class ContainerEnvironment(EnteredEnvironment):
    """A container per node; see `Environment`.

    Data directories lie in the run's own directory, under `nodes/<node>/`, and so do the logs in
    the end.
    """

    def __init__(
        self,
        system: System,
        nodes: Sequence[str],
        directory: RunDirectory,
        image: str | None = None,
        needs: Needs = NOTHING_NEEDED,
    ) -> None:
        """`image` None: this machine's own programs (`userland`)."""
        super().__init__()
        self._needs = needs
        self._instruments: Instruments | None = None
        self._system = system
        self._nodes = tuple(nodes)
        self._directory = directory
        self._image = image
        self._cluster: Final = f"quorate-{secrets.token_hex(8)}"
        self._client: docker.DockerClient | None = None
        self._guard: Guard | None = None
        self._subnet: Subnet | None = None
        self._containers: dict[str, ContainerDaemon] = {}
        self._doors: Doors | None = None

    @property
    def name(self) -> str:
        """See `Environment`."""
        return "docker"

    @property
    def daemons(self) -> HostDaemons:
        """The daemons, with more to tell than the nemesis asks."""
        return self._daemons

    def means(self) -> Means:
        """See `Environment`. Links take root on the engine's machine."""
        assert self._instruments is not None, "the environment has been entered"
        links = None if self._doors is None else self._doors.links
        lacks = [obstacle() or disk_obstacle(), clock_obstacle(), pressure_obstacle()]
        lack = "; ".join(each for each in lacks if each is not None)
        return self._instruments.means(self._daemons, links, lack)

    def start(self) -> None:
        """See `Environment`."""
        try:
            with ThreadPoolExecutor(len(self._nodes)) as pool:
                for _ in pool.map(lambda node: self._containers[node].start(), self._nodes):
                    pass
            self._started(self._nodes)
        except SurfaceError as error:
            raise HarnessError(str(error)) from error

    def discard_data(self) -> None:
        """See `Environment`."""
        for node in self._nodes:
            shutil.rmtree(self._data_directory(node), ignore_errors=True)
            shutil.rmtree(self._disk_directory(node), ignore_errors=True)

    # ------------------------------------------------------------ setup and teardown
    @override
    def _prepare(self) -> None:
        client = self._client = engine()
        self._guard = Guard(self._cluster, "harness.environments.containers.guard")
        subnet = self._subnet = Subnet()
        addresses = {node: subnet.address(place) for place, node in enumerate(self._nodes, 1)}
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{address}:{_CLIENT_PORT}",
                peer_address=f"{address}:{_PEER_PORT}",
            )
            for node, address in addresses.items()
        )
        if self._image is None:
            with engine_errors("make an image"):
                self._image = userland_image(client)
            mounts = userland_mounts(self._program())
        else:
            image_named(client, self._image)
            mounts = ()
        with engine_errors("make a network"):
            self._make_network(client, subnet)
        variables = {**os.environ, **self._marks(AGENT)}
        instruments = self._instruments = Instruments(self._cluster, variables)
        if self._needs.disks and obstacle() is None and disk_obstacle() is None:
            disks = {
                node: (self._data_directory(node), self._disk_directory(node))
                for node in self._nodes
            }
            instruments.open_disks(disks, lambda _: ())
        for member in self._members:
            with engine_errors(f"make the container of {member.name}"):
                container = self._make(client, member, mounts)
            self._containers[member.name] = ContainerDaemon(
                member.name, container, is_expected=False
            )
        self._daemons = HostDaemons(
            self._containers.values(),
            disks=instruments.disks,
            started=lambda node: self._started([node]),
        )
        if obstacle() is None:
            self._doors = Doors(addresses, self._daemons.pid, variables, self._cluster)
        if self._needs.clocks and clock_obstacle() is None and obstacle() is None:
            instruments.open_clocks(self._daemons.pid, self._needs.clocks)
        if self._needs.pressure and pressure_obstacle() is None:
            instruments.open_pressure(self._daemons.pid, have_own=True)

    def _started(self, nodes: Sequence[str]) -> None:
        """Let agents at the doors, and clocks, follow daemons that were just started."""
        if self._doors is not None:
            for node in nodes:
                self._doors.begin(node)
            for node in nodes:
                self._doors.finish(node)
        if self._instruments is not None:
            for node in nodes:
                self._instruments.started(node)

    def _make_network(self, client: docker.DockerClient, subnet: Subnet) -> None:
        pool = IPAMPool(subnet=subnet.cidr, gateway=subnet.address(HARNESS_HOST))
        client.networks.create(
            self._cluster,
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            internal=True,
            labels=self._labels(),
        )

    def _make(
        self, client: docker.DockerClient, member: Member, mounts: Sequence[Mount]
    ) -> Container:
        assert self._image is not None, "it is chosen before"
        data = self._place_of_data(member.name)
        data.mkdir(parents=True, exist_ok=True)
        command = self._command(member)
        binds = [*mounts, Mount(target=str(data), source=str(data), type="bind")]
        if not mounts and command[0] != _PYTHON:
            binds.append(Mount(target=command[0], source=command[0], type="bind", read_only=True))
        address, _, _ = member.client_address.rpartition(":")
        return client.containers.create(
            self._image,
            entrypoint=list(command[:1]),
            command=list(command[1:]),
            name=f"{self._cluster}-{member.name}",
            hostname=member.name,
            labels=self._labels(),
            environment={**self._marks(DAEMON), **self._system.variables()},
            mounts=binds,
            network=self._cluster,
            networking_config={
                self._cluster: client.api.create_endpoint_config(ipv4_address=address)
            },
        )

    def _command(self, member: Member) -> Sequence[str]:
        launch = Launch(
            member=member,
            members=self._members,
            data_directory=str(self._place_of_data(member.name)),
            cluster=self._cluster,
        )
        program, *arguments = self._system.command(launch)
        is_ours = program == sys.executable and self._image is not None
        is_named = is_ours and not str(self._image).startswith("quorate-userland:")
        return [_PYTHON if is_named else program, *arguments]

    def _program(self) -> str:
        """Return the store's program on this machine."""
        return self._command(self._members[0])[0]

    def _data_directory(self, node: str) -> Path:
        return self._directory.node_path(node).absolute() / "data"

    def _disk_directory(self, node: str) -> Path:
        """Return where a disk that can fail is mounted."""
        return self._directory.node_path(node).absolute() / "disk"

    def _place_of_data(self, node: str) -> Path:
        has_disks = self._instruments is not None and self._instruments.disks is not None
        return self._disk_directory(node) if has_disks else self._data_directory(node)

    def _labels(self) -> dict[str, str]:
        return {CLUSTER_LABEL: self._cluster, HARNESS_LABEL: self._marks(HELPER)[HARNESS]}

    def _marks(self, part: str) -> Mapping[str, str]:
        return marks(self._cluster, self._directory.path.absolute(), part)

    @override
    def _leave(self) -> None:
        if self._doors is not None:
            self._doors.close()
            self._doors = None
        if self._client is not None:
            for daemon in self._containers.values():
                log = self._directory.node_path(daemon.name) / "daemon.log"
                log.write_bytes(daemon.log())
            remove_cluster(self._client, self._cluster)
            self._client.close()
            self._client = None
        if self._instruments is not None:
            self._instruments.close()
            self._instruments = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        if self._subnet is not None:
            self._subnet.release()
            self._subnet = None
