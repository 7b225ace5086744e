"""The local environment: the daemons of one cluster, and what can be done to them."""

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.environments.environment import Death, Means
from harness.environments.local.daemon import LocalDaemon
from harness.environments.local.daemons import LocalDaemons
from harness.environments.local.guard import Guard
from harness.environments.local.ports import Ports
from harness.environments.local.processes import marks
from harness.environments.peer_proxy.links import ProxiedLinks
from harness.environments.peer_proxy.proxy import Place
from harness.errors import HarnessError
from harness.store import DATA, RunDirectory
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_LOOPBACK: Final = "127.0.0.1"


class LocalEnvironment:
    """A cluster of processes on the loopback interface; see `Environment`.

    Logs and data directories lie in the run's own directory, under `nodes/<node>/`.
    """

    def __init__(
        self,
        system: System,
        nodes: Sequence[str],
        directory: RunDirectory,
        *,
        peer_proxy: bool = False,
    ) -> None:
        """`peer_proxy`: let a proxy stand between the peers, so that links can be broken."""
        self._peer_proxy = peer_proxy
        self._links: ProxiedLinks | None = None
        self._system = system
        self._nodes = tuple(nodes)
        self._directory = directory
        self._cluster: Final = f"quorate-{secrets.token_hex(8)}"
        self._ports = Ports()
        self._members: tuple[Member, ...] = ()
        self._daemons = LocalDaemons(())
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        """See `Environment`."""
        try:
            self._prepare()
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
        """See `Environment`. Loopback links, clocks and disks are the machine's.

        Links can be broken where a proxy stands in them.
        """
        return Means(daemons=self._daemons, links=self._links)

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
        self._guard = Guard(self._cluster)
        if self._peer_proxy:
            self._links = self._stand_between()
        self._daemons = LocalDaemons([self._make(member) for member in self._members])

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
            return ProxiedLinks(places, self._cluster, os.environ)
        except SurfaceError as error:
            raise HarnessError(str(error)) from error

    def _data_directory(self, node: str) -> Path:
        return self._directory.node_path(node) / DATA

    def _make(self, member: Member) -> LocalDaemon:
        launch = Launch(
            member=member,
            members=self._members,
            data_directory=str(self._data_directory(member.name).absolute()),
            cluster=self._cluster,
        )
        variables = {
            **os.environ,
            **self._system.variables(),
            **marks(self._cluster, self._directory.path.absolute()),
        }
        log = self._directory.node_path(member.name) / "daemon.log"
        return LocalDaemon(member.name, self._system.command(launch), variables, log)

    def _leave(self) -> None:
        self._daemons.end_all()
        if self._links is not None:
            self._links.close()
            self._links = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        self._ports.release()
