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
from harness.errors import HarnessError
from harness.store import RunDirectory
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_LOOPBACK: Final = "127.0.0.1"


class LocalEnvironment:
    """A cluster of processes on the loopback interface; see `Environment`.

    Logs and data directories lie in the run's own directory, under `nodes/<node>/`.
    """

    def __init__(self, system: System, nodes: Sequence[str], directory: RunDirectory) -> None:
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
        """See `Environment`. Only daemons: loopback links, clocks and disks are the machine's."""
        return Means(daemons=self._daemons)

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
        ports = self._ports.take(2 * len(self._nodes))
        self._members = tuple(
            Member(
                name=node,
                client_address=f"{_LOOPBACK}:{ports[2 * place]}",
                peer_address=f"{_LOOPBACK}:{ports[2 * place + 1]}",
            )
            for place, node in enumerate(self._nodes)
        )
        self._guard = Guard(self._cluster)
        self._daemons = LocalDaemons([self._make(member) for member in self._members])

    def _data_directory(self, node: str) -> Path:
        return self._directory.node_path(node) / "data"

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
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        self._ports.release()
