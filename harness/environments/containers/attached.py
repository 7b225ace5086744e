"""The environment of containers that somebody else has started, with docker-compose.yml say.

Each is known by the label `quorate.node`, whose value is the node's name. They are broken like any
others, and left running.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import docker
from docker.models.containers import Container
from typing_extensions import override

from harness.environments.containers.daemon import ContainerDaemon
from harness.environments.containers.doors import Doors, obstacle
from harness.environments.containers.engine import NODE_LABEL, engine, engine_errors
from harness.environments.environment import NOTHING_NEEDED, Means, Needs
from harness.environments.hosts.daemons import HostDaemons
from harness.environments.hosts.entered import EnteredEnvironment
from harness.environments.hosts.guard import Guard
from harness.environments.hosts.instruments import (
    Instruments,
    clock_obstacle,
    pressure_obstacle,
)
from harness.environments.hosts.processes import AGENT, marks
from harness.errors import HarnessError
from harness.store import RunDirectory
from harness.systems.system import Member
from nemesis.surface import SurfaceError

_CLIENT_PORT, _PEER_PORT = 2379, 2380
_CLUSTER: Final = "quorate-attached"


class AttachedEnvironment(EnteredEnvironment):
    """A running cluster of containers; see `Environment`."""

    def __init__(
        self, nodes: Sequence[str], directory: RunDirectory, needs: Needs = NOTHING_NEEDED
    ) -> None:
        super().__init__()
        self._needs = needs
        self._instruments: Instruments | None = None
        self._nodes = tuple(nodes)
        self._directory = directory
        self._client: docker.DockerClient | None = None
        self._guard: Guard | None = None
        self._doors: Doors | None = None

    @property
    def name(self) -> str:
        """See `Environment`."""
        return "docker"

    def means(self) -> Means:
        """See `Environment`. Links take root on the engine's machine."""
        assert self._instruments is not None, "the environment has been entered"
        links = None if self._doors is None else self._doors.links
        lacks = [
            obstacle(),
            clock_obstacle(),
            pressure_obstacle(),
            "the disks of running containers are their owner's",
        ]
        lack = "; ".join(each for each in lacks if each is not None)
        return self._instruments.means(self._daemons, links, lack)

    def start(self) -> None:
        """See `Environment`. Those that run already are left so."""
        try:
            for node in self._nodes:
                if not self._daemons.is_running(node):
                    self._daemons.start(node)
        except SurfaceError as error:
            raise HarnessError(str(error)) from error

    def discard_data(self) -> None:
        """See `Environment`. It is not ours to remove."""

    @override
    def _prepare(self) -> None:
        client = self._client = engine()
        with engine_errors("list containers"):
            found = client.containers.list(all=True, filters={"label": NODE_LABEL})
        containers = {container.labels[NODE_LABEL]: container for container in found}
        if sorted(containers) != sorted(self._nodes):
            raise HarnessError(
                f"the containers with the label {NODE_LABEL} are "
                f"{', '.join(sorted(containers)) or 'none'}, the plan's nodes are "
                f"{', '.join(self._nodes)}; docker-compose up -d, or give --nodes"
            )
        names = [str(containers[node].name) for node in self._nodes]
        self._guard = Guard(_CLUSTER, "harness.environments.containers.guard", *names)
        daemons = {
            node: ContainerDaemon(
                node, containers[node], is_expected=containers[node].status == "running"
            )
            for node in self._nodes
        }
        self._daemons = HostDaemons(daemons.values(), started=self._started)
        for daemon in daemons.values():
            if not daemon.is_running:
                daemon.start()
        addresses = {node: _address(containers[node]) for node in self._nodes}
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{address}:{_CLIENT_PORT}",
                peer_address=f"{address}:{_PEER_PORT}",
            )
            for node, address in addresses.items()
        )
        instruments = self._instruments = Instruments(_CLUSTER, self._variables())
        if obstacle() is None:
            self._doors = Doors(addresses, self._daemons.pid, self._variables(), _CLUSTER)
            if self._needs.clocks and clock_obstacle() is None:
                instruments.open_clocks(self._daemons.pid, self._needs.clocks)
        if self._needs.pressure and pressure_obstacle() is None:
            instruments.open_pressure(self._daemons.pid, have_own=True)
        for node in self._nodes:
            self._started(node)

    def _started(self, node: str) -> None:
        if self._doors is not None:
            self._doors.begin(node)
            self._doors.finish(node)
        if self._instruments is not None:
            self._instruments.started(node)

    def _variables(self) -> Mapping[str, str]:
        run = Path(self._directory.path.absolute())
        return {**os.environ, **marks(_CLUSTER, run, AGENT)}

    @override
    def _leave(self) -> None:
        """Undo what is left of faults; the injector has undone them all after a whole trial."""
        if self._doors is not None:
            self._doors.close()
            self._doors = None
        if self._instruments is not None:
            self._instruments.close()
            self._instruments = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        if self._client is not None:
            self._client.close()
            self._client = None


def _address(container: Container) -> str:
    """Return the container's address on its only network, or on the first of several."""
    with engine_errors(f"look at {container.name}"):
        container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    addresses = [networks[name]["IPAddress"] for name in sorted(networks)]
    for address in addresses:
        if address:
            return str(address)
    raise HarnessError(f"the container {container.name} has no address on any network")
