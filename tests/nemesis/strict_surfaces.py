"""A cluster made of rules only: it breaks as told, and refuses what makes no sense."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from random import Random
from typing import Final

from nemesis.schedule import Stream
from nemesis.surface import Latency, Link, OperatorAnswer, Reordering, SurfaceError, Surfaces

LOST_BYTES = 7
"""What a power cut takes of a disk that lies."""


def streams(seed: int) -> Stream:
    """Return the named streams of a seed."""
    return lambda name: Random(f"{seed}/{name}")


class StrictCluster:
    """Implements every surface, and raises `AssertionError` when misused.

    Daemons stop as real ones do: on a full or failing disk at once (unless paused: then when
    they go on), on a rotten one as soon as they start.
    """

    knows_messages: Final = True
    knows_records: Final = True
    never_goes_back: Final = True
    changes_members: Final = True

    def __init__(self, *nodes: str, leader: str | None = None) -> None:
        self.nodes = nodes
        self.running = dict.fromkeys(nodes, True)
        self.paused = dict.fromkeys(nodes, False)
        self.current_leader = leader
        self.broken: set[str] = set()
        """Calls that raise `SurfaceError`."""
        self.starts_slowly = False
        """Whether a rotten disk is found later than at the start."""
        self.operator_is_busy = False
        """Whether no node may join."""
        self.calls: list[tuple[object, ...]] = []
        """Every call that changed something, in order."""
        self.settings: dict[str, object] = {}
        """The last setting of each kind that affects any link, and of each node's kinds."""
        self.holds: set[str] = set()
        self.lost: dict[str, int] = {}
        """Bytes lost of those reported durable, by node."""

    def surfaces(self) -> Surfaces:
        """Return the cluster in all its parts."""
        return Surfaces(
            daemons=self,
            links=self,
            bandwidth=self,
            roles=self,
            clocks=self,
            disks=self,
            pressure=self,
            admin=self,
            members=self,
            quota=self,
            backup=self,
        )

    def is_whole(self) -> bool:
        """Say whether nothing is broken."""
        stopped = not all(self.running.values()) or any(self.paused.values())
        return not (stopped or self.settings or self.holds or self.lost)

    # ------------------------------------------------------------ Daemons
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
        if lose_unsynced and f"lie {node}" in self.settings:
            self.lost[node] = LOST_BYTES

    def stop(self, node: str) -> None:
        """As `Daemons`."""
        self._called("stop", node)
        assert self.running[node], "stopped while down"
        self.running[node] = False
        self.paused[node] = False

    def start(self, node: str) -> None:
        """As `Daemons`."""
        self._called("start", node)
        assert not self.running[node], "started twice"
        assert node not in self.lost, "started from a disk that broke its word"
        self.running[node] = True
        self._stop_if_broken(node)

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
        self._stop_if_broken(node)

    def _stop_if_broken(self, node: str) -> None:
        broken = {f"fail_fsync {node}", f"fill {node}"}
        if not self.starts_slowly:
            broken.add(f"flip_bits {node}")
        if broken & self.settings.keys() and not self.paused[node]:
            self.running[node] = False

    # ------------------------------------------------------------ Links
    def cut(self, links: AbstractSet[Link]) -> None:
        """As `Links`."""
        self._set("cut", frozenset(links))

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """As `Links`."""
        self._set("lose", dict(probabilities))

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """As `Links`."""
        self._set("delay", dict(latencies))

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """As `Links`."""
        self._set("duplicate", dict(probabilities))

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """As `Links`."""
        self._set("reorder", dict(reorderings))

    def limit_rate(self, rates: Mapping[Link, int]) -> None:
        """As `Bandwidth`."""
        assert all(rate > 0 for rate in rates.values()), "a link that carries nothing is cut"
        self._set("limit_rate", dict(rates))

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """As `Links`."""
        assert name not in self.holds, "held twice"
        self._called("hold", frozenset(links), frozenset(kinds), count_max)
        self.holds.add(name)

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> int:
        """As `Links`; every hold has kept two messages back."""
        self._called("release", is_reversed, is_doubled)
        self.holds.remove(name)
        return 2

    # ------------------------------------------------------------ Clocks
    def offset(self, node: str, offset_ns: int) -> None:
        """As `Clocks`."""
        self._set(f"offset {node}", offset_ns)

    def drift(self, node: str, rate: float) -> None:
        """As `Clocks`."""
        self._called("drift", node, rate)
        self._keep(f"drift {node}", rate, is_broken=rate != 1.0)

    def strobe(self, node: str, rate: float, period_ns: int) -> None:
        """As `Clocks`."""
        assert period_ns > 0, "time passes within a period"
        self._called("strobe", node, rate, period_ns)
        self._keep(f"strobe {node}", rate, is_broken=rate != 1.0)

    # ------------------------------------------------------------ Disks
    def slow_fsync(self, node: str, delay_ns: int) -> None:
        """As `Disks`."""
        self._set(f"slow_fsync {node}", delay_ns)

    def fail_fsync(self, node: str, *, is_failing: bool) -> None:
        """As `Disks`."""
        self._set(f"fail_fsync {node}", is_failing)
        self._stop_if_broken(node)

    def fill(self, node: str, *, is_full: bool) -> None:
        """As `Disks`."""
        self._set(f"fill {node}", is_full)
        self._stop_if_broken(node)

    def lie(self, node: str, *, is_lying: bool) -> None:
        """As `Disks`."""
        self._set(f"lie {node}", is_lying)
        if not is_lying:
            assert not (node in self.lost and self.running[node]), "put back under a daemon"
            self.lost.pop(node, None)

    def lost_bytes(self, node: str) -> int:
        """As `Disks`."""
        return self.lost.get(node, 0)

    def flip_bits(self, node: str, count: int) -> int:
        """As `Disks`; found when the daemon next starts."""
        self._set(f"flip_bits {node}", count)
        return count

    def restore(self, node: str) -> int:
        """As `Disks`; daemons have read nothing yet if they `start_slowly`."""
        self._called("restore", node)
        flipped = self.settings.pop(f"flip_bits {node}", None)
        return 1 if self.starts_slowly and flipped else 0

    # ------------------------------------------------------------ Pressure
    def limit_cpu(self, node: str, share: float) -> None:
        """As `Pressure`."""
        self._called("limit_cpu", node, share)
        self._keep(f"limit_cpu {node}", share, is_broken=share != 1.0)

    def limit_memory(self, node: str, share: float) -> None:
        """As `Pressure`."""
        assert self.running[node] or share == 1.0, "a share of nothing"
        self._called("limit_memory", node, share)
        self._keep(f"limit_memory {node}", share, is_broken=share != 1.0)

    # ------------------------------------------------------------ Admin and Roles
    def compact(self, node: str, revisions_kept: int) -> str:
        """As `Admin`."""
        assert self.running[node], "asked while down"
        self._called("compact", node, revisions_kept)
        return "asked to compact to revision 5"

    def defragment(self, node: str) -> str:
        """As `Admin`."""
        assert self.running[node], "asked while down"
        self._called("defragment", node)
        return "asked to defragment: done"

    def leader(self) -> str | None:
        """As `Roles`."""
        return self.current_leader

    # ------------------------------------------------------------ Quota
    def exhaust(self) -> OperatorAnswer:
        """As `Quota`."""
        assert "exhaust" not in self.settings, "filled twice"
        if self.operator_is_busy:
            return OperatorAnswer("room is still being made", is_taken=False)
        self._called("exhaust")
        self._keep("exhaust", setting=True, is_broken=True)
        return OperatorAnswer("n1 has raised the alarm")

    def make_room(self) -> str:
        """As `Quota`."""
        self._called("make_room")
        self.settings.pop("exhaust", None)
        return "room is to be made"

    # ------------------------------------------------------------ Backup
    def restore_cluster(self) -> OperatorAnswer:
        """As `Backup`."""
        assert self.is_whole(), "restored while something is broken"
        self._called("restore_cluster")
        return OperatorAnswer("saved and restored")

    # ------------------------------------------------------------ what was called
    def _set(self, kind: str, setting: object) -> None:
        self._called(*kind.split(), setting)
        self._keep(kind, setting, is_broken=bool(setting))

    def _keep(self, kind: str, setting: object, *, is_broken: bool) -> None:
        if is_broken:
            self.settings[kind] = setting
        else:
            self.settings.pop(kind, None)

    def _called(self, *call: object) -> None:
        if call[0] in self.broken:
            raise SurfaceError(f"{call[0]} is broken here")
        self.calls.append(call)

    # ------------------------------------------------------------ Members
    def grow(self) -> OperatorAnswer:
        """As `Members`."""
        if self.operator_is_busy:
            return OperatorAnswer("the operator is busy", is_taken=False)
        self._called("grow")
        return OperatorAnswer("a node will join")

    def shrink(self, node: str) -> OperatorAnswer:
        """As `Members`."""
        self._called("shrink", node)
        return OperatorAnswer(f"{node} will be removed")

    def replace(self, node: str) -> OperatorAnswer:
        """As `Members`."""
        self._called("replace", node)
        return OperatorAnswer(f"{node} will be replaced")

    def move_leader(self, node: str) -> OperatorAnswer:
        """As `Members`."""
        self._called("move_leader", node)
        return OperatorAnswer("asked")
