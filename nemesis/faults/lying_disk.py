"""Disks that report what they did not do.

No store survives a disk that loses what it called durable: Raft assumes stable storage (Raft
§5.1, Figure 2), and one node that forgets can cost a majority what it committed. So that every
verdict stays a verdict on the store, two rules keep the assumption true of the cluster:

- at most a minority of nodes has a lying disk at a time; a fault beyond that is skipped;
- a node whose disk did lose what it had reported does not come back with that disk. It counts
  as failed until the fault ends, when what was lost is put back: the stand-in for replacing the
  member, which is what its operator must do.

Until a power cut, a lying disk is indistinguishable from a good one. Hence the fault brings
its own, `power_cut_after_ns` later.
"""

from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.faults.restart import Restart, Tail, start_daemon
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class LyingFsync(msgspec.Struct, frozen=True, kw_only=True):
    """Let every fsync of the targets report what it did not do, and then cut their power."""

    do: ClassVar[str] = "lying_fsync"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    power_cut_after_ns: int | None
    """None: no power cut but those that other faults bring. Explicit faults have none: theirs
    is a `Restart` of its own."""
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "LyingFsync":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return, per node, the lie and the power cut, which lasts as long as the lie."""
        lie = replace(self, power_cut_after_ns=None)
        lies = on_each(self.target, lambda node: replace(lie, target=node), situation, random)
        cut_ns = self.power_cut_after_ns
        if cut_ns is None:
            return lies
        down_ns = max(0, self.hold_ns - cut_ns)
        nodes = [strike.fault.target for strike in lies if isinstance(strike.fault, LyingFsync)]
        cuts = (Restart(target=node, tail=Tail.LOST, down_ns=down_ns) for node in nodes)
        return (*lies, *(Strike(cut, cut_ns) for cut in cuts))

    def begin(self, site: Site) -> Attempt:
        """Let the disk lie, unless too many do."""
        liars = {other.target for other in site.others_of(LyingFsync)} | {self.target}
        node_count = len(site.surfaces.daemons.node_names())
        if 2 * len(liars) >= node_count:
            lying = f"{len(liars)} of {node_count} disks would lie"
            return Skipped(f"{lying}: no store bears that of more than a minority")
        site.disks().lie(self.target, is_lying=True)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Make the disk honest, what it promised included, and start the daemon if it is down."""
        for other in site.others:
            if isinstance(other.fault, LyingFsync) and other.fault.target == self.target:
                return Done(f"still so by fault {other.id}")
        lost_bytes = site.disks().lost_bytes(self.target)
        site.disks().lie(self.target, is_lying=False)
        put_back = f"{lost_bytes} lost bytes put back" if lost_bytes else "nothing was lost"
        if site.surfaces.daemons.is_running(self.target):
            return Done(put_back)
        note = start_daemon(site, self.target) or "its daemon is started"
        return Done(f"{put_back}, {note}")

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        cut = ""
        if self.power_cut_after_ns is not None:
            cut = f", with a power cut after {milliseconds(self.power_cut_after_ns)} ms"
        return f"let fsync of {self.target} lie for {milliseconds(self.hold_ns)} ms{cut}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end lying fsync of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        value: dict[str, object] = {"target": self.target}
        if self.power_cut_after_ns is not None:
            value |= {"power_cut_after_ms": milliseconds(self.power_cut_after_ns)}
        return value | {"hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "LyingFsync":
        """Return the fault that `fields` describe."""
        cut_ns: int | None = None
        if fields.has("power_cut_after_ms"):
            cut_ns = fields.duration_ns("power_cut_after_ms")
        return cls(
            target=names.target(fields.text("target")),
            power_cut_after_ns=cut_ns,
            hold_ns=fields.duration_ns("hold_ms"),
        )


def draw(chance: Chance) -> LyingFsync:
    """Draw a lie about which a power cut tells the truth."""
    target = "one" if chance.target in ("majority", "all") else chance.target
    cut_ns = chance.random.randint(0, chance.hold_ns)
    return LyingFsync(target=target, power_cut_after_ns=cut_ns, hold_ns=chance.hold_ns)
