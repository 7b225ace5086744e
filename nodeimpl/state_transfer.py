"""The store's state as a leader hands it to a follower that is too far behind (Raft §7)."""

from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.snapshot import Snapshot as StoreSnapshot
from nodeimpl.mvcc.snapshot import SnapshotCorruption, decode_snapshot
from nodeimpl.raft.messages import Snapshot


def content_of(snapshot: Snapshot) -> StoreSnapshot | None:
    """Return what a leader's snapshot holds; None if it is damaged or not what it is said to be."""
    try:
        content = decode_snapshot(snapshot.data)
    except SnapshotCorruption:
        return None
    said = Applied(
        snapshot.last_included_index, snapshot.last_included_term, snapshot.configuration
    )
    return content if content.applied == said else None
