"""What every environment of real daemons offers, so that one driver runs trials in all of them.

An environment is entered before its daemons are started, and whatever happens leaves nothing
behind when it is left: no process, no port, no rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from harness.systems.system import Member
from nemesis.surface import Bandwidth, Clocks, Daemons, Disks, Links, Pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A daemon that ended although nobody had ended it."""

    node: str
    how: str
    """As in `exit code 2` or `signal 11`."""
    last_words: str
    """The end of its log; may be empty."""


class Machines(Protocol):
    """Machines for nodes that join in the course of a trial. Not for two threads at once.

    Each call does its work before it returns, or raises `SurfaceError`.
    """

    def prepare(self, node: str) -> Member:
        """Make a machine ready for a new `node`, which does not run; return how it is reached."""

    def launch(self, node: str, members: Sequence[Member]) -> None:
        """Start the daemon of a prepared `node` for the first time, to join `members`.

        It is one of them. From now on it is one of the environment's daemons.
        """

    def dismiss(self, node: str) -> None:
        """Count `node`, prepared or a founder, among the daemons no more; it runs on."""

    def switch_off(self, node: str) -> None:
        """End the daemon of `node` by force, if it runs."""


class Restorer(Protocol):
    """Puts backups in the place of data directories. Raises `SurfaceError` where it cannot."""

    def snapshot_path(self) -> Path:
        """Return where a new backup may be kept; nothing is there."""

    def restore(self, node: str, snapshot: Path, members: Sequence[Member]) -> None:
        """Give `node`, whose daemon has ended, a data directory made of the backup alone.

        It is one of `members`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an environment itself can break; None where it has no means."""

    daemons: Daemons
    links: Links | None = None
    bandwidth: Bandwidth | None = None
    clocks: Clocks | None = None
    disks: Disks | None = None
    pressure: Pressure | None = None
    wrong_bits: Callable[[str], int] | None = None
    """Returns how many bits of a node's disk are wrong now, by `flip_bits` of the disks."""
    restorer: Restorer | None = None
    machines: Machines | None = None
    """For nodes that join; None where the cluster has to stay as it is."""
    take_note: Callable[[], str] | None = None
    """As in `Surfaces`."""
    lack: str = ""
    """Why there are not more of them, and what to do about it; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a trial is going to break that must be prepared before the daemons start."""

    clocks: tuple[str, ...] = ()
    """Those of every daemon that are bent: `wall`, `monotonic`; none if no clock is."""
    disks: bool = False
    pressure: bool = False
    """Whether daemons are limited in what they use."""


NOTHING_NEEDED: Final = Needs()


class Environment(Protocol):
    """A cluster of daemons, prepared for one trial. Calls block until they have done their work.

    Raises `HarnessError` where the machine cannot do its part.
    """

    @property
    def name(self) -> str:
        """What a plan calls it."""

    @property
    def members(self) -> Sequence[Member]:
        """The founders, in the order of their names."""

    def means(self) -> Means:
        """Return what can be broken."""

    def start(self) -> None:
        """Start every daemon. They need not serve yet."""

    def deaths(self) -> Sequence[Death]:
        """Return the daemons that ended by themselves so far, each death once, in order."""

    def discard_data(self) -> None:
        """Remove the data directories; their daemons have ended."""

    def __enter__(self) -> Self:
        """Take what the cluster needs of the machine."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every daemon and give everything back."""
