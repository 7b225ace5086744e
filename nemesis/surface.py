"""What a target may offer to the nemesis, one protocol per kind of thing that can break.

An environment implements those it can really provide. Every call does its work before it
returns, or raises `SurfaceError`; the effect holds until the undoing call.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, TypeAlias

Link: TypeAlias = tuple[str, str]
"""A directed link: (sender's name, receiver's name)."""


class SurfaceError(Exception):
    """The environment could not do what was asked; the message says what and why."""


class Daemons(Protocol):
    """The node's operating-system process, or what stands for it."""

    def node_names(self) -> Sequence[str]:
        """Return every node's name, in a fixed order."""

    def is_running(self, node: str) -> bool:
        """Say whether the daemon runs (a paused daemon runs)."""

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """End a running daemon without warning; a paused one runs, and is paused no more.

        `lose_unsynced`: what was written but not fsynced is lost, as by a power cut.
        `torn_tail`: of the lost bytes a random prefix survives. Without both, as `kill -9`.
        """

    def start(self, node: str) -> None:
        """Start a daemon that does not run from its data directory."""

    def pause(self, node: str) -> None:
        """Stop the execution of a daemon that runs and is not paused, as SIGSTOP."""

    def resume(self, node: str) -> None:
        """Undo `pause` of a daemon that still runs, as SIGCONT."""


class Links(Protocol):
    """The network between nodes. Every setting replaces the one before it."""

    def cut(self, links: AbstractSet[Link]) -> None:
        """Drop every message on exactly these directed links."""

    def lose(self, links: AbstractSet[Link], probability: float) -> None:
        """Drop messages on exactly these links with `probability` in [0, 1]."""

    def delay(self, links: AbstractSet[Link], delay_ns: int, jitter_ns: int) -> None:
        """Add `delay_ns` plus an even draw from [0, jitter_ns] on exactly these links."""

    def duplicate(self, links: AbstractSet[Link], probability: float) -> None:
        """Deliver messages on exactly these links twice with `probability` in [0, 1]."""

    def reorder(self, links: AbstractSet[Link], probability: float, window_ns: int) -> None:
        """Let messages on exactly these links be overtaken.

        With `probability`, a message waits up to `window_ns` more and leaves its queue.
        """


class Roles(Protocol):
    """Who leads, as the environment sees it; used to choose targets."""

    def leader(self) -> str | None:
        """Return the running leader of the highest term, or None if none is known."""
