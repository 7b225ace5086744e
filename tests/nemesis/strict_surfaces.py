"""A cluster made of rules only: it breaks as told, and refuses what makes no sense."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from random import Random

from nemesis.in_force import Surfaces
from nemesis.schedule import Stream
from nemesis.surface import Link, SurfaceError


def streams(seed: int) -> Stream:
    """Return the named streams of a seed."""
    return lambda name: Random(f"{seed}/{name}")


class StrictCluster:
    """Implements Daemons, Links and Roles, and raises `AssertionError` when misused."""

    def __init__(self, *nodes: str, leader: str | None = None) -> None:
        self.nodes = nodes
        self.running = dict.fromkeys(nodes, True)
        self.paused = dict.fromkeys(nodes, False)
        self.current_leader = leader
        self.broken: set[str] = set()
        """Calls that raise `SurfaceError`."""
        self.calls: list[tuple[object, ...]] = []
        """Every call that changed something, in order."""
        self.settings: dict[str, tuple[object, ...]] = {}
        """The last setting of each kind that affects any link."""

    def surfaces(self) -> Surfaces:
        """Return the cluster in all its parts."""
        return Surfaces(daemons=self, links=self, roles=self)

    def is_whole(self) -> bool:
        """Say whether nothing is broken."""
        return all(self.running.values()) and not any(self.paused.values()) and not self.settings

    def node_names(self) -> Sequence[str]:
        """As `Daemons`."""
        return self.nodes

    def is_running(self, node: str) -> bool:
        """As `Daemons`."""
        return self.running[node]

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """As `Daemons`."""
        self._called("kill", node, lose_unsynced, torn_tail)
        assert self.running[node], "killed twice"
        self.running[node] = False
        self.paused[node] = False

    def start(self, node: str) -> None:
        """As `Daemons`."""
        self._called("start", node)
        assert not self.running[node], "started twice"
        self.running[node] = True

    def pause(self, node: str) -> None:
        """As `Daemons`."""
        self._called("pause", node)
        assert self.running[node], "paused while down"
        assert not self.paused[node], "paused twice"
        self.paused[node] = True

    def resume(self, node: str) -> None:
        """As `Daemons`."""
        self._called("resume", node)
        assert self.running[node], "resumed while down"
        assert self.paused[node], "resumed while not paused"
        self.paused[node] = False

    def cut(self, links: AbstractSet[Link]) -> None:
        """As `Links`."""
        self._set("cut", links)

    def lose(self, links: AbstractSet[Link], probability: float) -> None:
        """As `Links`."""
        self._set("lose", links, probability)

    def delay(self, links: AbstractSet[Link], delay_ns: int, jitter_ns: int) -> None:
        """As `Links`."""
        self._set("delay", links, delay_ns, jitter_ns)

    def duplicate(self, links: AbstractSet[Link], probability: float) -> None:
        """As `Links`."""
        self._set("duplicate", links, probability)

    def reorder(self, links: AbstractSet[Link], probability: float, window_ns: int) -> None:
        """As `Links`."""
        self._set("reorder", links, probability, window_ns)

    def leader(self) -> str | None:
        """As `Roles`."""
        return self.current_leader

    def _set(self, kind: str, links: AbstractSet[Link], *numbers: float) -> None:
        self._called(kind, frozenset(links), *numbers)
        if links:
            self.settings[kind] = (frozenset(links), *numbers)
        else:
            self.settings.pop(kind, None)

    def _called(self, name: str, *arguments: object) -> None:
        if name in self.broken:
            raise SurfaceError(f"{name} is broken here")
        self.calls.append((name, *arguments))
