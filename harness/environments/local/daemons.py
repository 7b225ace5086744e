"""The daemons of a local cluster, as the nemesis meets them."""

from collections.abc import Iterable, Sequence

from harness.environments.environment import Death
from harness.environments.local.daemon import LocalDaemon
from nemesis.surface import SurfaceError


class LocalDaemons:
    """Offers `nemesis.surface.Daemons`, in the order in which it was given them."""

    def __init__(self, daemons: Iterable[LocalDaemon]) -> None:
        self._daemons = {daemon.name: daemon for daemon in daemons}

    def node_names(self) -> Sequence[str]:
        """Return every node's name, in a fixed order."""
        return tuple(self._daemons)

    def is_running(self, node: str) -> bool:
        """Say whether the process runs."""
        return self._named(node).is_running

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """Kill the process. The page cache keeps all that it wrote: nothing can be lost."""
        if lose_unsynced or torn_tail:
            raise SurfaceError("the local environment cannot lose what was not synced")
        self._named(node).kill()

    def stop(self, node: str) -> None:
        """Let the process end in its own time."""
        self._named(node).stop()

    def start(self, node: str) -> None:
        """Start the process from its data directory."""
        self._named(node).start()

    def pause(self, node: str) -> None:
        """Stop the process' execution."""
        self._named(node).pause()

    def resume(self, node: str) -> None:
        """Undo `pause`."""
        self._named(node).resume()

    def deaths(self) -> Sequence[Death]:
        """Return the daemons that ended by themselves so far."""
        return [death for daemon in self._daemons.values() for death in daemon.deaths]

    def end_all(self) -> None:
        """End every process by force."""
        for daemon in self._daemons.values():
            daemon.end()

    def _named(self, node: str) -> LocalDaemon:
        daemon = self._daemons.get(node)
        if daemon is None:
            raise SurfaceError(f"there is no node {node!r}; nodes are {', '.join(self._daemons)}")
        return daemon
