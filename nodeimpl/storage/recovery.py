"""From the log's bytes back to what the node must not have forgotten (Raft Figure 2)."""

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.messages import Entry, HardState
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.wal_format import WalContents, WalCorruption, decode


def recover(data: bytes, applied_index: LogIndex) -> Recovered:
    """Return what a node finds at its start: a log file's bytes, and how far its store has come.

    A torn tail is left out; whoever appends to the file must cut it there first
    (`decode(data).torn_tail`). Raises `WalCorruption` if the bytes are not what was written, and
    `RecoveredStateError` if the log lacks entries that the store has applied.
    """
    return replay(decode(data), applied_index)


def replay(contents: WalContents, applied_index: LogIndex) -> Recovered:
    """Return the last hard state, and the log that the writes add up to.

    An entry replaces the one of its index and all behind it, as `Persist` says. Raises
    `WalCorruption` for an entry that leaves a gap.
    """
    hard_state = HardState(current_term=Term(0), voted_for=None)
    entries: list[Entry] = []
    for number, persist in enumerate(contents.persists):
        hard_state = persist.hard_state or hard_state
        for entry in persist.entries:
            if not 1 <= entry.index <= len(entries) + 1:
                raise WalCorruption(
                    contents.offsets[number],
                    f"entry {entry.index} leaves a gap: the log ends at {len(entries)}",
                )
            del entries[entry.index - 1 :]
            entries.append(entry)
    return Recovered(hard_state=hard_state, entries=tuple(entries), commit_index=applied_index)
