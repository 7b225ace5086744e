"""What the parts of the checker hand up when they find a contradiction."""

import msgspec

from checkers.linearizability.revisions.operations import Known


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Operations that cannot all be right, and why in one sentence."""

    kind: str
    """A short stable name for programs, as `revision-claimed-twice`."""
    story: tuple[str | int, ...]
    """The sentence in pieces; a number stands for the operation of that call."""
    revision: int
    """The revision at which it shows."""

    @property
    def calls(self) -> tuple[int, ...]:
        """The operations, by the moments of their calls, rising."""
        return tuple(sorted({piece for piece in self.story if isinstance(piece, int)}))


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is not what the store, replayed so far, would have answered."""

    operation: Known
    expected: str
    """What the replayed store would have answered, in words."""
    seen: str
    """What was answered, in words."""
    explanations: tuple[tuple[str, ...], ...]
    """Sets of keys, at least one, each of which suffices to make the answer wrong.

    As long as those keys are in the state they are in, nothing else can save it.
    """
    expected_revision: int | None = None
    """The revision that wrote what should have been answered; None if there is no such thing."""
    seen_revision: int | None = None
    """The revision that wrote what was answered instead; None if there is no such thing."""
