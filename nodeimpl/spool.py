"""Bytes that may be too many for memory: a state on its way from one node to another.

`bytes` and `bytearray` are such, too; so consensus and simulation use those.
"""

from typing import Protocol, TypeAlias

Part: TypeAlias = "slice[int | None, int | None, None]"


class StateBytes(Protocol):
    """Bytes to be read piece by piece, from the beginning or again."""

    def __getitem__(self, part: Part, /) -> bytes | bytearray:
        """Return those from `part.start` to before `part.stop`; fewer if there are no more."""


class Spool(StateBytes, Protocol):
    """Bytes that arrive piece by piece."""

    def __len__(self) -> int:
        """Return how many have arrived."""

    def extend(self, data: bytes, /) -> None:
        """Add some at the end."""
