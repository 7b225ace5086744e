"""The contract of `mvcc.backend.Backend`, and what a crash leaves: of every backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied, Backend
from tests.nodeimpl.storage.crashable import KINDS, CrashableBackend, ReopenedBackend


@pytest.fixture(params=sorted(KINDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CrashableBackend]:
    kind: str = request.param
    made = KINDS[kind](tmp_path)
    yield made
    if isinstance(made, ReopenedBackend):
        made.inner.close()


def contents(backend: Backend) -> list[tuple[bytes, bytes]]:
    return list(backend.scan(b"", None))


def test_a_new_backend_is_empty_and_has_applied_nothing(backend: CrashableBackend) -> None:
    assert (contents(backend), backend.applied.index, backend.size_bytes()) == ([], 0, 0)


def test_writes_are_read_at_once(backend: CrashableBackend) -> None:
    backend.put(b"k", b"v")
    assert backend.get(b"k") == b"v"
    backend.delete(b"k")
    assert backend.get(b"k") is None


def test_removing_what_is_not_there_does_nothing(backend: CrashableBackend) -> None:
    backend.delete(b"absent")
    assert contents(backend) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (b"", None, [b"a", b"b", b"c"]),
        (b"b", None, [b"b", b"c"]),
        (b"a", b"c", [b"a", b"b"]),
        (b"aa", b"bb", [b"b"]),
        (b"b", b"b", []),
        (b"c", b"a", []),
    ],
)
def test_a_scan_is_in_key_order_without_its_end(
    backend: CrashableBackend, start: bytes, end: bytes | None, expected: list[bytes]
) -> None:
    backend.put(b"c", b"")
    backend.put(b"a", b"")
    backend.put(b"b", b"")
    assert [key for key, _ in backend.scan(start, end)] == expected


def test_size_counts_the_bytes_of_keys_and_values(backend: CrashableBackend) -> None:
    backend.put(b"key", b"value")
    backend.put(b"key", b"v")
    backend.put(b"other", b"12")
    backend.delete(b"other")
    assert backend.size_bytes() == 4


def test_what_was_not_committed_is_lost_in_a_crash(backend: CrashableBackend) -> None:
    backend.put(b"k", b"v")
    backend.seal(Applied(LogIndex(3), Term(1)))
    backend.crash()
    assert (contents(backend), backend.applied.index, backend.size_bytes()) == ([], 0, 0)


def test_what_was_committed_survives_with_its_applied_index(backend: CrashableBackend) -> None:
    backend.put(b"k", b"v")
    backend.commit(backend.seal(Applied(LogIndex(3), Term(1))))
    backend.crash()
    assert (contents(backend), backend.applied.index) == ([(b"k", b"v")], 3)


def test_a_commit_covers_its_point_and_nothing_written_later(backend: CrashableBackend) -> None:
    backend.put(b"k", b"1")
    point = backend.seal(Applied(LogIndex(1), Term(1)))
    backend.put(b"k", b"2")
    backend.seal(Applied(LogIndex(2), Term(1)))
    backend.put(b"k", b"3")
    backend.commit(point)
    assert (backend.get(b"k"), backend.applied.index) == (b"3", 2)
    assert backend.durable.index == 1
    backend.crash()
    assert (backend.get(b"k"), backend.applied.index) == (b"1", 1)


def test_a_commit_covers_every_point_before_it(backend: CrashableBackend) -> None:
    backend.put(b"a", b"")
    backend.seal(Applied(LogIndex(1), Term(1)))
    backend.put(b"b", b"")
    backend.commit(backend.seal(Applied(LogIndex(2), Term(1))))
    backend.crash()
    assert [key for key, _ in contents(backend)] == [b"a", b"b"]


def test_a_deletion_and_an_overwriting_are_undone(backend: CrashableBackend) -> None:
    backend.put(b"a", b"kept")
    backend.put(b"b", b"kept")
    backend.commit(backend.seal(Applied(LogIndex(1), Term(1))))
    backend.delete(b"a")
    backend.put(b"b", b"lost")
    backend.delete(b"b")
    backend.put(b"b", b"lost, too")
    backend.crash()
    assert contents(backend) == [(b"a", b"kept"), (b"b", b"kept")]


def test_a_second_crash_changes_nothing(backend: CrashableBackend) -> None:
    backend.put(b"a", b"kept")
    backend.commit(backend.seal(Applied(LogIndex(1), Term(1))))
    backend.put(b"b", b"lost")
    backend.crash()
    backend.crash()
    assert contents(backend) == [(b"a", b"kept")]


def test_a_point_committed_twice_is_committed(backend: CrashableBackend) -> None:
    point = backend.seal(Applied(LogIndex(1), Term(1)))
    backend.commit(point)
    backend.commit(point)
    assert backend.durable.index == 1


def test_the_applied_index_does_not_go_back(backend: CrashableBackend) -> None:
    backend.seal(Applied(LogIndex(5), Term(1)))
    with pytest.raises(AssertionError, match="applied index 4 after 5"):
        backend.seal(Applied(LogIndex(4), Term(1)))


def test_a_backend_is_no_longer_sealed_when_it_is_written_to(backend: CrashableBackend) -> None:
    backend.put(b"k", b"v")
    assert not backend.is_sealed


def test_a_backend_is_sealed_when_new_and_after_a_seal(backend: CrashableBackend) -> None:
    assert backend.is_sealed
    backend.put(b"k", b"v")
    backend.seal(Applied(LogIndex(1), Term(1)))
    backend.delete(b"absent")
    assert backend.is_sealed


def test_term_and_configuration_are_committed_with_the_index(backend: CrashableBackend) -> None:
    kept = Applied(LogIndex(1), Term(1), b"one")
    backend.commit(backend.seal(kept))
    backend.seal(Applied(LogIndex(2), Term(2), b"two"))
    assert (backend.applied.configuration, backend.durable) == (b"two", kept)
    backend.crash()
    assert backend.applied == kept


def test_a_restore_replaces_everything(backend: CrashableBackend) -> None:
    backend.put(b"old", b"")
    backend.commit(backend.restore(Applied(LogIndex(7), Term(1)), [(b"a", b"1"), (b"b", b"22")]))
    assert contents(backend) == [(b"a", b"1"), (b"b", b"22")]
    assert (backend.durable.index, backend.size_bytes(), backend.is_sealed) == (7, 5, True)


def test_a_restore_not_committed_is_undone_with_what_came_before_and_after_it(
    backend: CrashableBackend,
) -> None:
    backend.put(b"kept", b"")
    backend.commit(backend.seal(Applied(LogIndex(1), Term(1))))
    backend.put(b"before", b"")
    backend.restore(Applied(LogIndex(7), Term(1)), [(b"kept", b"other")])
    backend.delete(b"kept")
    backend.crash()
    assert (contents(backend), backend.applied.index) == ([(b"kept", b"")], 1)


def test_keys_removed_and_put_again_are_scanned_once_and_in_order(
    backend: CrashableBackend,
) -> None:
    for number in range(8):
        backend.put(b"%d" % number, b"")
    for number in (1, 3, 5, 7, 0):
        backend.delete(b"%d" % number)
    for number in (5, 1, 9):
        backend.put(b"%d" % number, b"")
    assert [key for key, _ in contents(backend)] == [b"1", b"2", b"4", b"5", b"6", b"9"]
