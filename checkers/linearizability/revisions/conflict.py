"""What the parts of the checker hand up when they find a contradiction."""

import enum

import msgspec

from checkers.linearizability.revisions.operations import Known


class Need(enum.Enum):
    """What must change about keys so that a contradiction goes away."""

    PRESENT = "present"
    """They are absent; at least one must be present."""
    ABSENT = "absent"
    """They are present; at least one must be absent."""
    OTHER = "other"
    """Anything about them may help."""


class Explanation(msgspec.Struct, frozen=True):
    """Keys whose state suffices for a contradiction: unless that changes as needed, it stands."""

    keys: tuple[str, ...]
    need: Need = Need.OTHER


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
    explanations: tuple[Explanation, ...]
    """At least one; each suffices to make the answer wrong."""
    expected_revision: int | None = None
    """The revision that wrote what should have been answered; None if there is no such thing."""
    seen_revision: int | None = None
    """The revision that wrote what was answered instead; None if there is no such thing."""
