"""What must hold of a store at any time, and between two times. For tests and oracles.

Each function raises `AssertionError` naming the key and revision. `check_store` reads everything:
its cost grows with the store.
"""

import msgspec

from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.ids import Revision
from nodeimpl.mvcc.compaction import Superseded
from nodeimpl.mvcc.facts import facts_hash
from nodeimpl.mvcc.key_index import KeyIndex
from nodeimpl.mvcc.leases import NO_LEASE, load_leases
from nodeimpl.mvcc.rows import (
    CHANGES_END,
    CHANGES_START,
    change_of,
    put_row,
    read_compaction_mark,
    read_finished_revision,
    row_of,
)
from nodeimpl.mvcc.state import FIRST_REVISION, NO_COMPACTION, StoreState, chain_since
from nodeimpl.mvcc.store_hash import StoreHash


class Milestone(msgspec.Struct, frozen=True):
    """Where a store stood at some time."""

    revision: Revision
    compact_revision: Revision
    finished_compact_revision: Revision
    hash: int


def milestone(state: StoreState) -> Milestone:
    """Return where the store stands now."""
    return Milestone(
        state.revision, state.compaction.revision, state.finished_compaction, state.hash
    )


def check_step(before: Milestone, after: Milestone) -> None:
    """Check two milestones of one store with one command between them."""
    assert before.revision <= after.revision <= before.revision + 1, (
        f"revision {before.revision} became {after.revision}: one command writes one revision"
    )
    assert after.compact_revision >= before.compact_revision, (
        f"compact_revision fell from {before.compact_revision} to {after.compact_revision}"
    )
    assert before.revision != after.revision or before.hash == after.hash, (
        f"the hash changed from {before.hash} to {after.hash} within revision {after.revision}"
    )
    assert before.finished_compact_revision == after.finished_compact_revision, (
        f"removal went from {before.finished_compact_revision} to "
        f"{after.finished_compact_revision} within a command"
    )


def check_removal_step(before: Milestone, after: Milestone) -> None:
    """Check two milestones of one store with one batch of removal between them."""
    now = (after.revision, after.compact_revision, after.hash)
    assert (before.revision, before.compact_revision, before.hash) == now, (
        f"removal changed what can be read: {before} became {after}"
    )
    assert after.finished_compact_revision >= before.finished_compact_revision, (
        f"finished_compact_revision fell from {before.finished_compact_revision} to "
        f"{after.finished_compact_revision}"
    )


def check_agreement(one: Milestone, other: Milestone) -> None:
    """Check two stores of one cluster: at equal revisions they have seen the same changes."""
    assert one.revision != other.revision or one.hash == other.hash, (
        f"two stores at revision {one.revision} have hashes {one.hash} and {other.hash}"
    )


def check_contents(one: StoreHash, other: StoreHash) -> None:
    """Check what two stores of one cluster hold, however far either has come with removal."""
    comparable = (one.revision, one.compact_revision) == (other.revision, other.compact_revision)
    assert not comparable or one.hash == other.hash, (
        f"two stores compacted at {one.compact_revision} hold at revision {one.revision} what "
        f"hashes to {one.hash} and {other.hash}"
    )


def check_reloaded(state: StoreState, reloaded: StoreState) -> None:
    """Check a store made from the rows of another: by a restart, or by way of a snapshot."""
    assert milestone(state) == milestone(reloaded), (
        f"a store at {milestone(state)} came back at {milestone(reloaded)}"
    )
    assert state.leases.by_id == reloaded.leases.by_id, (
        f"leases {state.leases.by_id} came back as {reloaded.leases.by_id}"
    )
    assert state.facts.hash == reloaded.facts.hash, "the facts came back as others"
    histories, again = dict(state.index.histories()), dict(reloaded.index.histories())
    for key in sorted(histories.keys() | again.keys()):
        assert histories.get(key) == again.get(key), (
            f"{key!r} was known as {histories.get(key)}, and came back as {again.get(key)}"
        )


def check_store(state: StoreState) -> None:
    """Check the whole of one store: its index, its rows, and that each describes the other."""
    known = 0
    for key, key_index in state.index.histories():
        check_generations(key, key_index)
        _check_records(state, key, key_index)
        known += len(key_index.places())
    rows = [row for row, _ in state.backend.scan(CHANGES_START, CHANGES_END)]
    assert len(rows) == known, f"the backend holds {len(rows)} changes, the index knows {known}"
    _check_position(state)
    _check_removal(state)
    _check_leases(state)


def check_generations(key: bytes, key_index: KeyIndex) -> None:
    """Check one key's history: its changes only go forward, its lives do not overlap."""
    generations = key_index.generations
    changes = [(place.main, place.sub) for place in key_index.places()]
    assert changes, f"{key!r} is indexed but nothing is known of it"
    assert changes == sorted(set(changes)), f"{key!r} changed at {changes}, not forward"
    assert not any(generation.is_empty for generation in generations[:-1]), (
        f"{key!r} has an empty generation that is not its last"
    )
    for generation in generations:
        assert generation.version >= len(generation.mains), (
            f"{key!r} has version {generation.version} after {len(generation.mains)} changes"
        )
        assert generation.is_empty or generation.created <= generation.mains[0], (
            f"{key!r} was created at {generation.created}, after {generation.mains[0]}"
        )


def _check_records(state: StoreState, key: bytes, key_index: KeyIndex) -> None:
    """Check that every change of a key lies in its row, and that versions count up by one."""
    previous: KeyValue | None = None
    for place in key_index.places():
        record = state.backend.get(row_of(place))
        assert record is not None, f"{key!r}: no row holds change {place.main}.{place.sub}"
        kv = KeyValue.FromString(record)
        where = f"{key!r} at {place.main}.{place.sub}"
        assert kv.key == key, f"{where}: the row holds {kv.key!r}"
        assert kv.mod_revision == place.main, f"{where}: the row says {kv.mod_revision}"
        assert place.is_tombstone == (kv.version == 0), f"{where}: version {kv.version}"
        if not place.is_tombstone:
            _check_succession(where, previous, kv)
        previous = kv
    if previous is not None and previous.version:
        found = key_index.find(state.revision)
        assert found is not None, f"{key!r} was put last, but the index finds nothing"
        assert (found.created, found.version) == (previous.create_revision, previous.version), (
            f"{key!r}: the index says created {found.created} version {found.version}, the row "
            f"created {previous.create_revision} version {previous.version}"
        )


def _check_succession(where: str, previous: KeyValue | None, kv: KeyValue) -> None:
    """Check a put against the change before it, None if that is not known (any more)."""
    if previous is None:
        assert (kv.version == 1) == (kv.create_revision == kv.mod_revision), (
            f"{where}: version {kv.version} of a key created at {kv.create_revision}"
        )
        return
    expected_version = previous.version + 1  # A tombstone's version is 0.
    expected_created = previous.create_revision if previous.version else kv.mod_revision
    assert kv.version == expected_version, (
        f"{where}: version {kv.version}, expected {expected_version}"
    )
    assert kv.create_revision == expected_created, (
        f"{where}: created at {kv.create_revision}, expected {expected_created}"
    )


def _check_position(state: StoreState) -> None:
    """Check that the store stands where its rows say."""
    mark = read_compaction_mark(state.backend) or NO_COMPACTION
    assert mark == state.compaction, f"compaction {state.compaction}, but the row says {mark}"
    assert mark.revision <= state.revision, f"compacted {mark.revision}, at {state.revision}"
    assert state.revision >= FIRST_REVISION, f"revision {state.revision}"
    expected = chain_since(state.backend, mark)
    assert state.hash == expected, f"hash {state.hash}, but the rows add up to {expected}"


def _check_leases(state: StoreState) -> None:
    """Check that every key lives by the lease its row names, and that the rows tell of all."""
    leases = state.leases
    for key, key_index in state.index.histories():
        found = key_index.find(state.revision)
        lease = KeyValue.FromString(state.record(found)).lease if found is not None else NO_LEASE
        attached = leases.lease_of.get(key, NO_LEASE)
        assert attached == lease, f"{key!r} lives by lease {attached}, but its row says {lease}"
    for key, lease_id in leases.lease_of.items():
        assert lease_id in leases.by_id, f"{key!r} lives by lease {lease_id}, which has ended"
        assert key in leases.by_id[lease_id].keys, f"lease {lease_id} does not know {key!r}"
    attached_count = sum(len(lease.keys) for lease in leases.by_id.values())
    assert attached_count == len(leases.lease_of), (
        f"leases know {attached_count} keys, and {len(leases.lease_of)} keys have one"
    )
    written = load_leases(state.facts, dict(leases.lease_of))
    assert written.by_id == leases.by_id, f"leases {leases.by_id}, but the rows say {written.by_id}"
    assert written.grant_count == leases.grant_count, "grants are counted in their row"
    expected = facts_hash(state.backend)
    assert state.facts.hash == expected, f"hash {state.facts.hash} of facts, found {expected}"


def _check_removal(state: StoreState) -> None:
    """Check that what is left to remove is what the rows say, and that the rest is gone."""
    scheduled, finished = state.compaction.revision, state.finished_compaction
    written = read_finished_revision(state.backend)
    assert finished == (NO_COMPACTION.revision if written is None else written), (
        f"removal finished {finished}, but the row says {written}"
    )
    assert finished <= scheduled, f"removal finished {finished}, scheduled was {scheduled}"
    assert (state.removal is None) == (finished == scheduled), (
        f"compacted at {scheduled}, removal finished {finished}, left to do: {state.removal}"
    )
    _check_removed(state, put_row(Revision(finished + 1), 0), finished)
    if state.removal is not None:
        until = state.removal.until
        assert finished < until <= scheduled, (
            f"rows are removed for {until}, finished {finished}, scheduled {scheduled}"
        )
        _check_removed(state, state.removal.next_row, until)


def _check_removed(state: StoreState, end: bytes, at: Revision) -> None:
    """Check that no row before `end` is superseded at `at`."""
    superseded = Superseded(state.index, at)
    for row, record in state.backend.scan(CHANGES_START, end):
        key = KeyValue.FromString(record).key
        assert not superseded.holds(key, change_of(row)), (
            f"{key!r}: row {change_of(row)} is superseded at {at} and should be gone"
        )
