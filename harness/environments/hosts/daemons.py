"""The daemons of a cluster of hosts, as the nemesis meets them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from harness.environments.environment import Death
from harness.environments.hosts.disks import HostDisks
from nemesis.surface import SurfaceError


class HostDaemon(Protocol):
    """One daemon, from one start to the next. What cannot be done raises `SurfaceError`."""

    @property
    def name(self) -> str:
        """The node's name."""

    @property
    def is_running(self) -> bool:
        """Whether it runs; a paused one does."""

    @property
    def pid(self) -> int | None:
        """Its process' number on its host; None while it does not run."""

    @property
    def deaths(self) -> Sequence[Death]:
        """The times it ended by itself."""

    def start(self) -> None:
        """Start the daemon, which must not run."""

    def kill(self) -> None:
        """End it without warning."""

    def stop(self) -> None:
        """Ask it to end, and wait until it has; a paused one goes on first."""

    def pause(self) -> None:
        """Stop its execution; it stands still when this returns."""

    def resume(self) -> None:
        """Let it go on; it does when this returns."""

    def end(self) -> None:
        """End it by force if it runs, as a part of the teardown."""


class HostDaemons:
    """Offers `nemesis.surface.Daemons`, in the order in which it was given them."""

    def __init__(
        self,
        daemons: Iterable[HostDaemon],
        *,
        disks: HostDisks | None = None,
        started: Callable[[str], None] | None = None,
    ) -> None:
        """`disks` take from a killed daemon what it had not synced; None: nothing can.

        `started` is told of every daemon that was started.
        """
        self._daemons = {daemon.name: daemon for daemon in daemons}
        """Of all nodes there ever were. Replaced and never changed: other threads may look."""
        self._names = tuple(self._daemons)
        self._disks = disks
        self._started = started

    def node_names(self) -> Sequence[str]:
        """Return the name of every node that belongs to the cluster, in a fixed order."""
        return self._names

    def join(self, daemon: HostDaemon) -> None:
        """Take in the daemon of a new node, as the last."""
        assert daemon.name not in self._daemons, "a new node has a new name"
        self._daemons = {**self._daemons, daemon.name: daemon}
        self._names = (*self._names, daemon.name)

    def dismiss(self, node: str) -> None:
        """Name `node` no more; what is done to its daemon is done as ever."""
        self._names = tuple(name for name in self._names if name != node)

    def switch_off(self, node: str) -> None:
        """End the daemon of `node` by force, if there is one that runs."""
        daemon = self._daemons.get(node)
        if daemon is not None:
            daemon.end()

    def is_running(self, node: str) -> bool:
        """Say whether the daemon runs."""
        return self._named(node).is_running

    def pid(self, node: str) -> int | None:
        """Return the number of the daemon's process on its host; None while it does not run."""
        return self._named(node).pid

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """Kill the daemon. Without a disk for that, the page cache keeps all that it wrote."""
        if not lose_unsynced:
            self._named(node).kill()
            return
        if self._disks is None:
            raise SurfaceError("nothing here can lose what was not synced")
        self._disks.power_off(node)
        self._named(node).kill()
        self._disks.lose(node, torn_tail=torn_tail)

    def stop(self, node: str) -> None:
        """Let the daemon end in its own time."""
        self._named(node).stop()

    def start(self, node: str) -> None:
        """Start the daemon from its data directory."""
        self._named(node).start()
        if self._started is not None:
            self._started(node)

    def pause(self, node: str) -> None:
        """Stop the daemon's execution."""
        self._named(node).pause()

    def resume(self, node: str) -> None:
        """Undo `pause`."""
        self._named(node).resume()

    def deaths(self) -> Sequence[Death]:
        """Return the daemons that ended by themselves so far."""
        return [death for daemon in self._daemons.values() for death in daemon.deaths]

    def end_all(self) -> None:
        """End every daemon by force."""
        for daemon in self._daemons.values():
            daemon.end()

    def _named(self, node: str) -> HostDaemon:
        daemon = self._daemons.get(node)
        if daemon is None:
            raise SurfaceError(f"there is no node {node!r}; nodes are {', '.join(self._daemons)}")
        return daemon
