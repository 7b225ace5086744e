"""What the nodes did, in order: traces per node, a transition log that reads as text, a digest.

The digest is a SHA-256 over every transition, every op of the history, and, at every checkpoint,
how many events and messages there had been; two runs with one digest did the same. The
checkpoints tell roughly where two runs part even when no transition differs.

        at (s) node    what
     0.412309811 n1      candidate of term 1
     0.414120034 n1      persists term 1, vote for n1
     0.415120034 n1      leader of term 1
"""

import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, assert_never

import msgspec

from nodeimpl.ids import SECOND, NodeId
from nodeimpl.raft.messages import Entry, HardState

RECENT_MAX = 400
"""Transitions kept for the explanation of a breach."""


Fingerprint: TypeAlias = tuple[int, int]
"""An entry's term, and the CRC-32 of its kind and data: equal entries have equal ones."""


def fingerprints(entries: Sequence[Entry]) -> tuple[Fingerprint, ...]:
    """Return what a trace tells of `entries`, so that logs can be compared without their data."""
    return tuple((entry.term, zlib.crc32(entry.data, entry.kind)) for entry in entries)


class Role(msgspec.Struct, frozen=True, tag="role", gc=False):
    """The node's role, term or known leader changed (`nodeimpl.raft.effects.Became`)."""

    role: str
    term: int
    leader: str | None

    def text(self) -> str:
        """Return what happened, for people."""
        follows = f", following {self.leader}" if self.role == "follower" and self.leader else ""
        return f"{self.role} of term {self.term}{follows}"


class Members(msgspec.Struct, frozen=True, tag="members", gc=False):
    """These members are in force on a node (`nodeimpl.raft.effects.ConfigurationChanged`)."""

    voters: tuple[str, ...]
    learners: tuple[str, ...]
    outgoing: tuple[str, ...]
    """The voters of C_old; empty unless the configuration is joint."""
    index: int
    """Of the entry that says so; it need not be committed."""

    def text(self) -> str:
        """Return what happened, for people."""
        learners = f", learners {' '.join(self.learners)}" if self.learners else ""
        outgoing = f", joint with {' '.join(self.outgoing)}" if self.outgoing else ""
        return f"has voters {' '.join(self.voters)}{learners}{outgoing} by entry {self.index}"


class Persisted(msgspec.Struct, frozen=True, tag="persist", gc=False, omit_defaults=True):
    """A hard state, entries, or both became durable."""

    term: int | None
    voted_for: str | None
    first_index: int
    """0 when no entries were written."""
    last_index: int
    last_term: int
    entries: tuple[Fingerprint, ...] = ()
    """What was written, from `first_index` on."""

    def text(self) -> str:
        """Return what happened, for people."""
        parts = []
        if self.term is not None:
            parts.append(f"term {self.term}, vote for {self.voted_for or 'no one'}")
        if self.first_index:
            parts.append(f"entries {self.first_index}..{self.last_index} of term {self.last_term}")
        return f"persists {'; '.join(parts)}"


class Committed(msgspec.Struct, frozen=True, tag="commit", gc=False, omit_defaults=True):
    """Entries were committed and applied."""

    first_index: int
    last_index: int
    last_term: int
    entries: tuple[Fingerprint, ...] = ()
    """What was applied, from `first_index` on."""

    def text(self) -> str:
        """Return what happened, for people."""
        return f"commits {self.first_index}..{self.last_index} of term {self.last_term}"


class Trimmed(msgspec.Struct, frozen=True, tag="trim", gc=False):
    """The log was trimmed: it begins behind this entry."""

    index: int
    term: int

    def text(self) -> str:
        """Return what happened, for people."""
        return f"trims its log up to {self.index} of term {self.term}"


class SnapshotSent(msgspec.Struct, frozen=True, tag="send-snapshot", gc=False):
    """The last chunk of a snapshot left for a follower; it may leave again."""

    to: str
    last_included_index: int
    last_included_term: int
    bytes_count: int

    def text(self) -> str:
        """Return what happened, for people."""
        return (
            f"sends {self.to} the end of its state at {self.last_included_index} of term "
            f"{self.last_included_term} ({self.bytes_count} bytes)"
        )


class SnapshotInstalled(msgspec.Struct, frozen=True, tag="install-snapshot", gc=False):
    """A leader's state took the place of the node's own, and is durable."""

    last_included_index: int
    last_included_term: int

    def text(self) -> str:
        """Return what happened, for people."""
        return f"installs the state at {self.last_included_index} of term {self.last_included_term}"


class Started(msgspec.Struct, frozen=True, tag="start", gc=False, omit_defaults=True):
    """The daemon started and recovered its state."""

    incarnation: int
    term: int
    last_index: int
    applied_index: int
    torn_bytes: int
    """Bytes of a torn tail that recovery cut off."""
    voted_for: str | None = None
    prefix_index: int = 0
    """The recovered log begins behind this entry."""
    entries: tuple[Fingerprint, ...] = ()
    """The recovered log, from `prefix_index` + 1 on."""

    def text(self) -> str:
        """Return what happened, for people."""
        torn = f", {self.torn_bytes} torn bytes cut" if self.torn_bytes else ""
        return (
            f"starts for the {self.incarnation}. time: term {self.term}, "
            f"log to {self.last_index}, applied {self.applied_index}{torn}"
        )


class Crashed(msgspec.Struct, frozen=True, tag="crash", gc=False):
    """The daemon was killed."""

    tail: str
    lost_bytes: int

    def text(self) -> str:
        """Return what happened, for people."""
        lost = f", {self.lost_bytes} unsynced bytes lost" if self.lost_bytes else ""
        return f"is killed (unsynced tail {self.tail}{lost})"


class Stopped(msgspec.Struct, frozen=True, tag="stop", gc=False):
    """The daemon stopped, or did not start, by its own decision; `Crashed` follows."""

    reason: str

    def text(self) -> str:
        """Return what happened, for people."""
        return f"stops: {self.reason}"


class Noted(msgspec.Struct, frozen=True, tag="note", gc=False):
    """Something told in words: a pause, a resume, what the nemesis did."""

    words: str

    def text(self) -> str:
        """Return what happened, for people."""
        return self.words


What = (
    Role
    | Members
    | Persisted
    | Committed
    | Trimmed
    | SnapshotSent
    | SnapshotInstalled
    | Started
    | Crashed
    | Stopped
    | Noted
)


def persisted(
    hard_state: HardState | None, entries: Sequence[Entry], names: Mapping[NodeId, str]
) -> Persisted:
    """Return that these became durable, each None or empty if it was not written."""
    voted_for = hard_state.voted_for if hard_state is not None else None
    return Persisted(
        None if hard_state is None else hard_state.current_term,
        None if voted_for is None else names[voted_for],
        entries[0].index if entries else 0,
        entries[-1].index if entries else 0,
        entries[-1].term if entries else 0,
        fingerprints(entries),
    )


def committed(entries: Sequence[Entry]) -> Committed:
    """Return that these, at least one, were committed and applied."""
    first, last = entries[0], entries[-1]
    return Committed(first.index, last.index, last.term, fingerprints(entries))


class Transition(msgspec.Struct, frozen=True, gc=False):
    """One thing that one node, or the nemesis, did."""

    at: int
    """Nanoseconds of virtual time."""
    node: str
    what: What

    def line(self) -> str:
        """Return the transition as one line of the log."""
        return f"{self.at / SECOND:15.9f} {self.node:<7} {self.what.text()}"


class Checkpoint(msgspec.Struct, frozen=True, gc=False):
    """The digest of all that had happened by the time so many events had been carried out."""

    events: int
    at: int
    digest: str


class TraceSink(Protocol):
    """Where transitions go as they happen."""

    def write(self, transition: Transition, encoded: bytes) -> None:
        """Keep `transition`; `encoded` is the same as JSON without a line end."""


class Trace:
    """Collects transitions, feeds the sink and observers, and computes the digest."""

    def __init__(self, sink: TraceSink | None = None) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self._encode = msgspec.json.Encoder().encode
        self._recent: deque[Transition] = deque(maxlen=RECENT_MAX)
        self._observers: list[Callable[[Transition], None]] = []
        self.checkpoints: list[Checkpoint] = []

    def subscribe(self, observer: Callable[[Transition], None]) -> None:
        """Call `observer` with every transition from now on."""
        self._observers.append(observer)

    def add(self, at: int, node: str, what: What) -> None:
        """Record that `node` did `what` at virtual time `at`."""
        transition = Transition(at, node, what)
        encoded = self._encode(transition)
        self._hash.update(encoded)
        self._recent.append(transition)
        if self._sink is not None:
            self._sink.write(transition, encoded)
        for observer in self._observers:
            observer(transition)

    def mix(self, data: bytes) -> None:
        """Let `data` count towards the digest."""
        self._hash.update(data)

    def checkpoint(self, events: int, at: int) -> None:
        """Note the digest so far."""
        self.mix(f"{events} {at}\n".encode())
        self.checkpoints.append(Checkpoint(events, at, self.digest()))

    def recent(self, count: int) -> list[Transition]:
        """Return the last transitions, oldest first, `count` at most."""
        return list(self._recent)[max(0, len(self._recent) - count) :]

    def digest(self) -> str:
        """Return the SHA-256 of all that happened so far, in hexadecimal."""
        return self._hash.hexdigest()


def event_name(what: What) -> str:  # noqa: C901, PLR0911, PLR0912 (one per kind)
    """Return the name by which schedules and files call this kind of transition."""
    match what:
        case Role():
            return "role"
        case Members():
            return "members"
        case Persisted():
            return "persist"
        case Committed():
            return "commit"
        case Trimmed():
            return "trim"
        case SnapshotSent():
            return "send-snapshot"
        case SnapshotInstalled():
            return "install-snapshot"
        case Started():
            return "start"
        case Crashed():
            return "crash"
        case Stopped():
            return "stop"
        case Noted():
            return "note"
    assert_never(what)
