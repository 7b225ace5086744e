"""A whole store as bytes: the format, and what installing one does and does not do."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.api.rpc_pb2 import CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.invariants import check_reloaded, check_store
from nodeimpl.mvcc.snapshot import (
    SnapshotCorruption,
    decode_snapshot,
    encode_snapshot,
    install_snapshot,
)
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

APPLIED = Applied(LogIndex(9), Term(3), b"members")
CONFIG = StoreConfig(compaction_batch_rows=1)


def sealed(applied: Applied = APPLIED, **rows: bytes) -> MemoryBackend:
    backend = MemoryBackend()
    for key, value in rows.items():
        backend.put(key.encode(), value)
    backend.seal(applied)
    return backend


def contents(backend: MemoryBackend) -> list[tuple[bytes, bytes]]:
    return list(backend.scan(b"", None))


def encoded(backend: MemoryBackend) -> bytes:
    return bytes(encode_snapshot(backend)[:])


def with_checksum(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def header(*, magic: bytes = b"QMS1", configuration_length: int = 0, rows: int = 0) -> bytes:
    return struct.pack(">4sQQIQ", magic, 9, 3, configuration_length, rows)


def row(key: bytes, value: bytes) -> bytes:
    return struct.pack(">II", len(key), len(value)) + key + value


# --------------------------------------------------------------------------------------- the bytes


def test_the_format_is_as_drawn() -> None:
    body = header(configuration_length=7, rows=2) + b"members" + row(b"a", b"1") + row(b"b", b"")
    assert encode_snapshot(sealed(b=b"", a=b"1")) == with_checksum(body)


def test_what_was_encoded_is_decoded() -> None:
    rows = ((b"a", b"1"), (b"b", b""))
    decoded = decode_snapshot(encode_snapshot(sealed(a=b"1", b=b"")))
    assert (decoded.applied, tuple(decoded.rows), tuple(decoded.rows)) == (APPLIED, rows, rows)


def test_equal_backends_give_equal_bytes_however_they_came_about() -> None:
    one, other = sealed(a=b"1", b=b"2"), MemoryBackend()
    for key, value in ((b"c", b"3"), (b"b", b"x"), (b"b", b"2"), (b"a", b"1")):
        other.put(key, value)
    other.delete(b"c")
    other.seal(APPLIED)
    assert encode_snapshot(one) == encode_snapshot(other)


def test_only_a_sealed_backend_can_be_encoded() -> None:
    backend = sealed(a=b"1")
    backend.put(b"b", b"2")
    with pytest.raises(AssertionError, match="seal first"):
        encode_snapshot(backend)


@given(
    st.dictionaries(st.binary(max_size=4), st.binary(max_size=4), max_size=5),
    st.binary(max_size=4),
)
def test_any_rows_come_back(rows: dict[bytes, bytes], configuration: bytes) -> None:
    backend = MemoryBackend()
    for key, value in rows.items():
        backend.put(key, value)
    backend.seal(Applied(LogIndex(5), Term(2), configuration))
    restored = MemoryBackend()
    install_snapshot(restored, encode_snapshot(backend))
    assert dict(contents(restored)) == rows
    assert restored.applied == backend.applied


def test_rows_are_read_a_piece_at_a_time_whatever_their_size() -> None:
    backend = MemoryBackend()
    sizes = [0, 1, (1 << 20) - 30, 1 << 20, 3 << 20, *range(1500)]
    for number, size in enumerate(sizes):
        backend.put(b"%08d" % number, bytes(size))
    backend.seal(APPLIED)
    assert list(decode_snapshot(encode_snapshot(backend)).rows) == contents(backend)


# ------------------------------------------------------------------------------------- corruption


@given(st.integers(0, 1_000_000), st.integers(0, 7))
def test_no_flipped_bit_passes(position: int, bit: int) -> None:
    data = bytearray(encoded(sealed(a=b"1", b=b"2")))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(SnapshotCorruption, match="checksum"):
        decode_snapshot(bytes(data))


@given(st.integers(1, 1_000_000))
def test_no_part_of_a_snapshot_passes_for_one(cut: int) -> None:
    data = encoded(sealed(a=b"1", b=b"2"))
    with pytest.raises(SnapshotCorruption):
        decode_snapshot(data[: -1 - cut % len(data)] if cut % len(data) else b"")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (header(magic=b"QMS2"), "format b'QMS2'"),
        (header(configuration_length=3), "configuration ends 3 bytes too late"),
        (header(rows=1), "row 0 of 1 is missing"),
        (header(rows=1) + row(b"a", b"1")[:-1], "row 0 ends 1 bytes too late"),
        (header(rows=1) + row(b"a", b"1") + b"xy", "2 bytes behind the last row"),
        (header(rows=2) + row(b"b", b"") + row(b"a", b""), "b'a' does not come after b'b'"),
        (header(rows=2) + row(b"a", b"") + row(b"a", b""), "b'a' does not come after b'a'"),
    ],
    ids=["version", "configuration", "missing", "short", "long", "order", "twice"],
)
def test_what_was_written_wrong_is_refused_though_its_checksum_is_right(
    body: bytes, reason: str
) -> None:
    with pytest.raises(SnapshotCorruption, match=reason):
        decode_snapshot(with_checksum(body))


def test_a_corrupt_snapshot_leaves_the_backend_alone() -> None:
    backend = sealed(a=b"old")
    with pytest.raises(SnapshotCorruption):
        install_snapshot(backend, encoded(sealed(a=b"new"))[:-1])
    assert (contents(backend), backend.applied, backend.is_sealed) == (
        [(b"a", b"old")],
        APPLIED,
        True,
    )


# -------------------------------------------------------------------------------------- installing


def test_a_snapshot_takes_the_place_of_everything() -> None:
    backend = sealed(Applied(LogIndex(4), Term(1)), a=b"old", z=b"old")
    backend.put(b"y", b"not even sealed")
    backend.commit(install_snapshot(backend, encode_snapshot(sealed(b=b"new"))))
    assert (contents(backend), backend.applied, backend.durable) == (
        [(b"b", b"new")],
        APPLIED,
        APPLIED,
    )


def test_a_crash_before_the_commit_leaves_what_was_there() -> None:
    before = Applied(LogIndex(4), Term(1))
    backend = sealed(before, a=b"old")
    backend.commit(backend.seal(before))
    backend.put(b"b", b"not sealed")
    install_snapshot(backend, encode_snapshot(sealed(c=b"new")))
    backend.put(b"d", b"after")
    backend.crash()
    assert (contents(backend), backend.applied) == ([(b"a", b"old")], before)


def test_a_crash_after_the_commit_leaves_the_snapshot() -> None:
    backend = sealed(Applied(LogIndex(4), Term(1)), a=b"old")
    backend.commit(install_snapshot(backend, encode_snapshot(sealed(c=b"new"))))
    backend.put(b"c", b"later")
    backend.crash()
    assert (contents(backend), backend.applied) == ([(b"c", b"new")], APPLIED)


def test_a_snapshot_older_than_the_store_is_not_installed() -> None:
    backend = sealed(Applied(LogIndex(10), Term(3)))
    with pytest.raises(AssertionError, match="only grows"):
        install_snapshot(backend, encode_snapshot(sealed()))


# ------------------------------------------------------------------------------------------ stores


def in_the_middle_of_a_compaction() -> tuple[Store, MemoryBackend]:
    """K: put at 2 and 3, deleted at 4, put at 5; compacted at 4, one row removed."""
    backend = MemoryBackend()
    store = Store(backend, CONFIG)
    store.apply(PutRequest(key=b"k", value=b"2"))
    store.apply(PutRequest(key=b"k", value=b"3"))
    store.apply(DeleteRangeRequest(key=b"k"))
    store.apply(PutRequest(key=b"k", value=b"5"))
    store.apply(CompactionRequest(revision=4))
    store.compact_step()
    backend.seal(APPLIED)
    return store, backend


def reinstalled(backend: MemoryBackend) -> tuple[Store, MemoryBackend]:
    again = MemoryBackend()
    again.commit(install_snapshot(again, encode_snapshot(backend)))
    return Store(again, CONFIG), again


def test_a_store_comes_back_as_it_was() -> None:
    store, backend = in_the_middle_of_a_compaction()
    restored, again = reinstalled(backend)
    check_reloaded(store.state, restored.state)
    check_store(restored.state)
    assert (restored.revision, restored.compact_revision, again.applied) == (5, 4, APPLIED)
    assert restored.hash_at(Revision(0)) == store.hash_at(Revision(0))
    for revision in range(6):
        request = RangeRequest(key=b"k", revision=revision)
        assert restored.read(request) == store.read(request)


def test_a_removal_under_way_goes_on_in_the_restored_store() -> None:
    store, backend = in_the_middle_of_a_compaction()
    restored, again = reinstalled(backend)
    assert restored.is_compacting
    while restored.compact_step() | store.compact_step():
        pass
    again.seal(APPLIED)
    backend.seal(APPLIED)
    assert encode_snapshot(again) == encode_snapshot(backend)
