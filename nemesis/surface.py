"""What a target may offer to the nemesis, one protocol per kind of thing that can break.

An environment implements those it can really provide. Every call does its work before it
returns, or raises `SurfaceError`; the effect holds until the undoing call. A *setting*
replaces the one before it, so that calling it again is harmless.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgspec

Link: TypeAlias = tuple[str, str]
"""A directed link: (sender's name, receiver's name)."""


class SurfaceError(Exception):
    """The environment could not do what was asked; the message says what and why."""


class Daemons(Protocol):
    """The node's operating-system process, or what stands for it."""

    def node_names(self) -> Sequence[str]:
        """Return every node's name, in a fixed order. Nodes may join and leave (`Members`)."""

    def is_running(self, node: str) -> bool:
        """Say whether the daemon runs (a paused daemon runs)."""

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """End a running daemon without warning; a paused one runs, and is paused no more.

        `lose_unsynced`: what was written but not fsynced is lost, as by a power cut.
        `torn_tail`: of the lost bytes a random prefix survives. Without both, as `kill -9`.
        """

    def stop(self, node: str) -> None:
        """Ask a running daemon to end, as SIGTERM, and wait until it has.

        A paused one goes on first. One that does not end within the environment's patience is a
        `SurfaceError`.
        """

    def start(self, node: str) -> None:
        """Start a daemon that does not run from its data directory.

        It may find a reason to stop again by itself, such as a damaged log.
        """

    def pause(self, node: str) -> None:
        """Stop the execution of a daemon that runs and is not paused, as SIGSTOP."""

    def resume(self, node: str) -> None:
        """Undo `pause` of a daemon that still runs, as SIGCONT."""


class Latency(msgspec.Struct, frozen=True):
    """What a link adds to a message's way: `delay_ns` plus an even draw from [0, `jitter_ns`]."""

    delay_ns: int
    jitter_ns: int


class Reordering(msgspec.Struct, frozen=True):
    """How a link lets messages be overtaken.

    With `probability`, a message waits up to `window_ns` more and leaves its queue.
    """

    probability: float
    window_ns: int


class Links(Protocol):
    """The network between nodes. All but `hold` and `release` are settings, link by link."""

    @property
    def knows_messages(self) -> bool:
        """Whether single messages can be told apart, so that `hold` works. Packets cannot."""

    def cut(self, links: AbstractSet[Link]) -> None:
        """Drop every message on exactly these directed links."""

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """Drop messages on exactly these links, each with its link's probability in [0, 1]."""

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """Add to the delay of messages on exactly these links."""

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """Deliver messages on exactly these links twice, each with its link's probability."""

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """Let messages on exactly these links be overtaken."""

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """Keep back the next messages on `links`, `count_max` on each, until `release(name)`.

        Only messages of these `kinds` (the environment's own names; empty means any) are kept
        back; others pass them. Of several holds, the oldest with room takes a message.
        """

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> int:
        """End the hold `name`, send what it kept back, and return how many messages that was.

        Each link's oldest first, or its newest first if `is_reversed`; each twice if
        `is_doubled`. Returns 0 if there is no such hold.
        """


class Bandwidth(Protocol):
    """How much the network between nodes carries."""

    def limit_rate(self, rates: Mapping[Link, int]) -> None:
        """Let so many bytes in a second pass on exactly these links, one after the other.

        A setting. What is too much waits.
        """


class Clocks(Protocol):
    """Each node's clock, as its daemon reads it. All are settings, node by node.

    A running daemon never sees a monotonic clock go back: it could not on a real machine.
    """

    @property
    def never_goes_back(self) -> bool:
        """Whether the clocks are monotonic ones. A real daemon's wall clock goes back at once."""

    def offset(self, node: str, offset_ns: int) -> None:
        """Let the clock stand `offset_ns` ahead of where it would be; negative: behind.

        More than before: it jumps ahead at once. Less: it goes back when the daemon next
        starts, as a monotonic clock does when its machine is started.
        """

    def drift(self, node: str, rate: float) -> None:
        """Let the clock run `rate` times as fast as it would; 1.0 undoes it."""

    def strobe(self, node: str, rate: float, period_ns: int) -> None:
        """Let the clock run `rate` times as fast, then as slow, by turns, half a period each.

        1.0 undoes it.
        """


class Disks(Protocol):
    """Each node's disk, as its daemon sees it."""

    @property
    def knows_records(self) -> bool:
        """Whether records of the log can be told apart, so that `flip_bits` works."""

    def slow_fsync(self, node: str, delay_ns: int) -> None:
        """Let every fsync take so much longer; a setting, 0 undoes it."""

    def fail_fsync(self, node: str, *, is_failing: bool) -> None:
        """Let every fsync fail with EIO; a setting. What was not synced may or may not be kept."""

    def fill(self, node: str, *, is_full: bool) -> None:
        """Let writes fail with ENOSPC, after as much as happens to fit; a setting.

        On a real disk what a file has already, such as what was allocated ahead, can be written.
        """

    def lie(self, node: str, *, is_lying: bool) -> None:
        """Let every fsync report what it did not do; a setting.

        Undoing it makes durable what was reported so. If a power cut took some of that
        (`lost_bytes`), it puts it back; the daemon must not have been started in between.
        """

    def lost_bytes(self, node: str) -> int:
        """Return how many bytes were reported durable and lost in a power cut, and not put back."""

    def flip_bits(self, node: str, count: int) -> int:
        """Flip `count` bits of the durable log where its checksums can tell; return how many.

        That excludes the last record: damage there cannot be told from a write that a power
        cut tore (Alagappan et al. 2018), so no store could be blamed. Fewer, down to 0, where
        the log is too short.
        """

    def restore(self, node: str) -> int:
        """Flip back every bit that `flip_bits` flipped: the disk is restored from a copy.

        Returns how many were wrong that a daemon may be reading just now; 0 where one has read its
        log as soon as it is started.
        """


class Pressure(Protocol):
    """What each daemon may use of its machine. All are settings, node by node.

    What is set for a node outlives its daemon. The machine kills none for it.
    """

    def limit_cpu(self, node: str, share: float) -> None:
        """Let the daemon have `share` of one processor's time; 1.0 undoes it."""

    def limit_memory(self, node: str, share: float) -> None:
        """Let the daemon have `share` of the memory that it uses now; 1.0 undoes it.

        The daemon must run, but to undo it. What can be read again from a file is taken from it.
        Who asks for more memory waits, or is refused it.
        """


class Admin(Protocol):
    """What an operator asks of the store through a client's request."""

    def compact(self, node: str, revisions_kept: int) -> str:
        """Ask a running `node` to compact to its revision less `revisions_kept`.

        Returns what was asked, for the record. The answer comes later, if it comes.
        """

    def defragment(self, node: str) -> str:
        """Ask a running `node` to defragment its store; return what came of it, for the record."""


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """What the operator says to a wish."""

    words: str
    """What he will do, or why he will not, for the record."""
    is_taken: bool = True
    """Whether he will do it."""


class Members(Protocol):
    """Who belongs to the cluster, and who leads it, as an operator changes both.

    A change takes the store a while. So each call only tells the operator; he goes on by himself,
    asks again where the store refused or was silent, does one thing after the other, and gives up
    in the end. `Daemons.node_names` has a new node from its start on, and one that was removed as
    long as that is not certain.
    """

    @property
    def changes_members(self) -> bool:
        """Whether anything but `move_leader` can be done."""

    def grow(self) -> OperatorAnswer:
        """Start a new node and let it join, as a learner first."""

    def shrink(self, node: str) -> OperatorAnswer:
        """Remove `node`; its daemon runs on."""

    def replace(self, node: str) -> OperatorAnswer:
        """Let a new node join, and remove `node` in the change that gives the new one a vote."""

    def move_leader(self, node: str) -> OperatorAnswer:
        """Ask the leader, once, to hand over to `node`."""


class Quota(Protocol):
    """How much the store may hold, which somebody uses up, and an operator who makes room again.

    What fills it is written by none of the history's clients. So it has to leave every key and
    every revision as they would be without it.
    """

    def exhaust(self) -> OperatorAnswer:
        """Fill the store until it refuses to grow; return what came of it, for the record.

        Not taken if nothing was begun.
        """

    def make_room(self) -> str:
        """Tell the operator to make room; return what he will do, for the record.

        He removes what filled the store, compacts and defragments it, and lifts the alarm; goes on
        by himself, and asks again where the store refused or was silent, until it takes writes.
        """


class Backup(Protocol):
    """Backups of the store, and clusters that begin anew with one."""

    def restore_cluster(self) -> OperatorAnswer:
        """Save the store, give it to every member in place of its own, and start them all.

        Every daemon runs, and runs again on return. What is saved holds all that anybody has been
        told, and nobody is told anything after that. Not taken where that cannot be made sure of.
        """


class Roles(Protocol):
    """Who leads, as the environment sees it; used to choose targets."""

    def leader(self) -> str | None:
        """Return the running leader of the highest term, or None if none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """What one environment offers to break; None where it has no means."""

    daemons: Daemons
    roles: Roles
    links: Links | None = None
    bandwidth: Bandwidth | None = None
    clocks: Clocks | None = None
    disks: Disks | None = None
    pressure: Pressure | None = None
    admin: Admin | None = None
    members: Members | None = None
    quota: Quota | None = None
    backup: Backup | None = None
    take_note: Callable[[], str] | None = None
    """Returns, once, what there is to tell of what was just done; None if there never is."""
