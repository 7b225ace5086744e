"""From the log's bytes back to what the node must not have forgotten (Raft Figure 2, §7)."""

from dataclasses import dataclass, field
from typing import Final

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.log import NO_INDEX, NO_TERM
from nodeimpl.raft.messages import Entry, HardState
from nodeimpl.raft.state import NEW_HARD_STATE, Recovered
from nodeimpl.storage.wal_format import WalContents, WalCorruption, decode, encode

NO_PREFIX: Final = Trim(NO_INDEX, NO_TERM)
"""Where a log begins of which nothing was trimmed."""


def recover(data: bytes, applied: Applied) -> Recovered:
    """Return what a node finds at its start: a log file's bytes, and how far its store has come.

    A torn tail is left out; whoever appends to the file must cut it there first
    (`decode(data).torn_tail`). Raises `WalCorruption` if the bytes are not what was written, and
    `RecoveredStateError` if the store lacks entries that the log has forgotten.
    """
    return replay(decode(data), applied)


def replay(contents: WalContents, applied: Applied) -> Recovered:
    """Return the last hard state, and the log that the writes and the store add up to.

    The store may be ahead of the log: a crash came when a snapshot had been committed and its
    `Trim` had not been written. Then the log goes on where the store is, and the driver must
    write the `Trim` before anything else (`implied_trim`).

    Raises `WalCorruption` for an entry that leaves a gap, and for a prefix that grows shorter.
    """
    log = _replay(contents)
    if log.prefix.prefix_index < applied.index and not log.matches(applied.index, applied.term):
        log.trim(Trim(applied.index, applied.term))
    return Recovered(
        hard_state=log.hard_state,
        entries=tuple(log.entries),
        commit_index=applied.index,
        prefix_index=log.prefix.prefix_index,
        prefix_term=log.prefix.prefix_term,
        configuration=applied.configuration,
    )


def implied_trim(contents: WalContents, recovered: Recovered) -> Trim | None:
    """Return the `Trim` that these contents lack to add up to `recovered`; None if they do."""
    written = next((write for write in reversed(contents.writes) if isinstance(write, Trim)), None)
    trim = Trim(recovered.prefix_index, recovered.prefix_term)
    return None if trim == (written or NO_PREFIX) else trim


def compacted(data: bytes) -> bytes:
    """Return the shortest log file that adds up to the same as `data`, without a torn tail.

    Raises `WalCorruption` if the bytes are not what was written.
    """
    log = _replay(decode(data))
    file = encode(log.prefix) if log.prefix.prefix_index else b""
    if log.entries or log.hard_state != NEW_HARD_STATE:
        file += encode(Persist(log.hard_state, tuple(log.entries)))
    return file


@dataclass(slots=True)
class _Log:
    """What the writes so far add up to."""

    hard_state: HardState = NEW_HARD_STATE
    prefix: Trim = NO_PREFIX
    entries: list[Entry] = field(default_factory=list)

    @property
    def last_index(self) -> LogIndex:
        """The index of the last entry; that of the prefix if there is none."""
        return LogIndex(self.prefix.prefix_index + len(self.entries))

    def matches(self, index: LogIndex, term: Term) -> bool:
        """Return whether the log is known to hold an entry of `term` at `index`."""
        place = index - self.prefix.prefix_index - 1
        if place == -1:
            return term == self.prefix.prefix_term
        return 0 <= place < len(self.entries) and self.entries[place].term == term

    def trim(self, prefix: Trim) -> None:
        """Forget what stands up to the prefix; all, if the last of it is not here (Raft §7)."""
        if self.matches(prefix.prefix_index, prefix.prefix_term):
            del self.entries[: prefix.prefix_index - self.prefix.prefix_index]
        else:
            self.entries.clear()
        self.prefix = prefix


def _replay(contents: WalContents) -> _Log:
    log = _Log()
    for number, write in enumerate(contents.writes):
        match write:
            case Persist(hard_state=hard_state, entries=entries):
                log.hard_state = hard_state or log.hard_state
                for entry in entries:
                    if not log.prefix.prefix_index < entry.index <= log.last_index + 1:
                        raise WalCorruption(
                            contents.offsets[number],
                            f"entry {entry.index} leaves a gap: the log holds "
                            f"{log.prefix.prefix_index + 1}..{log.last_index}",
                        )
                    del log.entries[entry.index - log.prefix.prefix_index - 1 :]
                    log.entries.append(entry)
            case Trim(prefix_index=index):
                if index < log.prefix.prefix_index:
                    raise WalCorruption(
                        contents.offsets[number],
                        f"trimmed up to {index}, but before up to {log.prefix.prefix_index}",
                    )
                log.trim(write)
    return log
