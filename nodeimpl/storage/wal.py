"""A node's write-ahead log on real files: `Persist`s and `Trim`s in, and back after a crash.

One record of `wal_files` for each write, holding its frame (`wal_format`). Trimming deletes whole
segments. So that the log can begin with any of them, each begins with a checkpoint: the hard state,
and the index and term of the last entry before it, as a `Trim` up to there. It counts only in the
first segment there is; in later ones it says what is known.

When may the segments before one go? When the log that begins with its checkpoint comes to the same:
the last `Trim` is at or behind the checkpoint's index, so nothing before that is asked for; and
since the segment began no entry at or before that index was written (a truncation reached behind
it), which would leave a gap.
"""

from dataclasses import dataclass, field
from pathlib import Path

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.log import NO_INDEX, NO_TERM
from nodeimpl.raft.messages import HardState
from nodeimpl.raft.state import NEW_HARD_STATE
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.encryption.providers import PLAIN
from nodeimpl.storage.recovery import NO_PREFIX
from nodeimpl.storage.wal_files import SEGMENT_BYTES_DEFAULT, TornTailCut, WalFiles
from nodeimpl.storage.wal_format import WalContents, Write, decode, encode


@dataclass(slots=True)
class _Outline:
    """Where the log that was written stands, without its entries."""

    hard_state: HardState = NEW_HARD_STATE
    last_index: LogIndex = NO_INDEX
    last_term: Term = NO_TERM
    prefix_index: LogIndex = NO_INDEX
    starts: list[tuple[LogIndex, Term]] = field(default_factory=list)
    """Where runs of entries of one term begin, in ascending order."""

    def take(self, write: Write) -> None:
        """Follow one write."""
        match write:
            case Persist(hard_state=hard_state, entries=entries):
                self.hard_state = hard_state or self.hard_state
                for entry in entries:
                    while self.starts and self.starts[-1][0] >= entry.index:
                        self.starts.pop()
                    if not self.starts or self.starts[-1][1] != entry.term:
                        self.starts.append((entry.index, entry.term))
                    self.last_index, self.last_term = entry.index, entry.term
            case Trim(prefix_index=index, prefix_term=term):
                if self.last_index <= index or self._term_at(index) != term:
                    # All goes: it is before the prefix, or of another log (Raft §7).
                    self.last_index, self.last_term, self.starts = index, term, [(index, term)]
                self.prefix_index = index
                while len(self.starts) > 1 and self.starts[1][0] <= index:
                    del self.starts[0]

    def _term_at(self, index: LogIndex) -> Term | None:
        """Return the term of the entry at `index`; None if that is not known."""
        return next((term for first, term in reversed(self.starts) if first <= index), None)


@dataclass(slots=True)
class _Start:
    """A segment with which the log could begin."""

    sequence: int
    last_index: LogIndex
    """Of the entry before it."""


class Wal:
    """One member's log. `append` in the node's thread, `sync` in any, one at a time."""

    def __init__(
        self,
        directory: Path,
        *,
        cluster_id: int,
        member_id: int,
        cipher: Cipher = PLAIN,
        segment_bytes: int = SEGMENT_BYTES_DEFAULT,
    ) -> None:
        """Open the log in `directory`, which must exist; cut its torn tail and sync it.

        Raises `WalDamagedError`, `WalForeignError`, `WalCorruption`, `CipherError`, `OSError`.
        """
        self._outline = _Outline()
        self._starts: list[_Start] = []
        self._files = WalFiles(
            directory,
            cluster_id=cluster_id,
            member_id=member_id,
            cipher=cipher,
            checkpoint=self._checkpoint,
            segment_bytes=segment_bytes,
        )
        self._contents = self._read()

    # ------------------------------------------------------------ use
    def contents(self) -> WalContents:
        """Return what was in the log when it was opened, for `recovery.replay`.

        It has no torn tail any more.
        """
        return self._contents

    @property
    def torn_tail(self) -> TornTailCut | None:
        """What opening had to cut; None if nothing."""
        return self._files.torn_tail

    @property
    def size_bytes(self) -> int:
        """Bytes of all that is in the log."""
        return self._files.size_bytes

    @property
    def file_count(self) -> int:
        """How many files the log has."""
        return self._files.file_count

    @property
    def durable(self) -> int:
        """All writes up to this number, as `append` returned it, are durable."""
        return self._files.durable

    def append(self, write: Write) -> int:
        """Write, not durably yet; return the number it is durable with. Raises `OSError`.

        A `Trim` stands for what the store holds durably.
        """
        number = self._files.append(encode(write))
        self._follow(write)
        return number

    def sync(self) -> int:
        """Make durable what was appended before; return the number of the last of it.

        May run in another thread. Raises `OSError`: the log must then be opened anew.
        """
        return self._files.sync()

    def close(self) -> None:
        """Let the files go, without a sync."""
        self._files.close()

    # ------------------------------------------------------------ segments
    def _checkpoint(self, sequence: int) -> bytes:
        """Return what this segment begins with; asked when it does."""
        outline = self._outline
        self._starts.append(_Start(sequence, outline.last_index))
        last = Trim(outline.last_index, outline.last_term)
        return encode(last) + encode(Persist(outline.hard_state, ()))

    def _follow(self, write: Write) -> None:
        self._outline.take(write)
        match write:
            case Persist(entries=entries) if entries:
                lowest = min(entry.index for entry in entries)
                self._starts = [start for start in self._starts if start.last_index < lowest]
                assert self._starts, f"entry {lowest} comes before what the log begins with"
            case Trim(prefix_index=index):
                self._drop(index)
            case _:
                pass

    def _drop(self, prefix_index: LogIndex) -> None:
        """Let go the segments that a log trimmed up to there does not need."""
        begin = [start for start in self._starts if start.last_index <= prefix_index]
        if begin:
            self._starts = self._starts[self._starts.index(begin[-1]) :]
            self._files.drop_before(begin[-1].sequence)

    # ------------------------------------------------------------ opening
    def _read(self) -> WalContents:
        """Replay the records found into what the log says, and into this object's own state."""
        frames: list[bytes] = []
        begins_at: LogIndex | None = None
        for record in self._files.take_found():
            writes = decode(record.payload).writes
            if record.is_checkpoint:
                last, hard_state = writes
                assert isinstance(last, Trim), "a checkpoint begins with where the log then ended"
                if begins_at is None:
                    begins_at = last.prefix_index
                    frames += _beginning(last, hard_state)
                    self._outline.take(last)
                    self._outline.take(hard_state)
                self._starts.append(_Start(record.sequence, last.prefix_index))
                continue
            for write in writes:
                if isinstance(write, Trim) and write.prefix_index < (begins_at or NO_INDEX):
                    continue  # The log begins behind it: what it removed is not there any more.
                frames.append(encode(write))
                self._follow(write)
        return decode(b"".join(frames))


def _beginning(last: Trim, hard_state: Write) -> list[bytes]:
    """Return the frames of the checkpoint that the log begins with."""
    frames = [encode(last)] if last != NO_PREFIX else []
    if hard_state != Persist(NEW_HARD_STATE, ()):
        frames.append(encode(hard_state))
    return frames
