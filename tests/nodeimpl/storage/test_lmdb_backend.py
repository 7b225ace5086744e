"""What the LMDB backend promises beyond the contract (`test_backend_contract`)."""

import threading
from pathlib import Path

import lmdb
import pytest

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.snapshot import decode_snapshot, encode_snapshot, install_snapshot
from nodeimpl.storage import directories
from nodeimpl.storage.cipher import Cipher, CipherError
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Identity, Providers
from nodeimpl.storage.lmdb_backend import LmdbBackend
from nodeimpl.storage.lmdb_file import BackendDamagedError, BackendFullError
from tests.nodeimpl.storage.crashable import counted

LARGE = 1_572_864

OLD = AesGcm("old", bytes(32), counted)
NEW = AesGcm("new", bytes(31) + b"1", counted)


def at(index: int) -> Applied:
    return Applied(LogIndex(index), Term(1))


def opened(directory: Path, cipher: Cipher = PLAIN, map_bytes: int = 1 << 26) -> LmdbBackend:
    return LmdbBackend(directory / "backend.mdb", cipher, map_bytes=map_bytes)


def filled(backend: LmdbBackend, count: int, value: bytes) -> None:
    for number in range(count):
        backend.put(b"%06d" % number, value)
    backend.commit(backend.seal(at(1)))


def test_it_remembers_sizes_and_counts(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 10, b"1234")
    backend.delete(b"000003")
    backend.commit(backend.seal(at(2)))
    backend.close()
    backend = opened(tmp_path)
    assert (backend.size_bytes(), backend.row_count()) == (90, 9)
    backend.close()


def test_values_of_the_largest_request_are_kept(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 3, b"x" * LARGE)
    backend.close()
    backend = opened(tmp_path)
    assert backend.get(b"000002") == b"x" * LARGE
    backend.close()


def test_the_file_grows_beyond_its_map(tmp_path: Path) -> None:
    backend = opened(tmp_path, map_bytes=1 << 20)
    for number in range(8):
        backend.put(b"%d" % number, bytes(LARGE))
        backend.commit(backend.seal(at(number)))
    assert [len(value) for _, value in backend.scan(b"", None)] == [LARGE] * 8
    backend.close()


def test_a_restore_grows_its_file_too(tmp_path: Path) -> None:
    backend = opened(tmp_path, map_bytes=1 << 20)
    backend.commit(backend.restore(at(5), ((b"%d" % n, bytes(LARGE)) for n in range(60))))
    backend.close()
    backend = opened(tmp_path, map_bytes=1 << 20)
    assert (backend.row_count(), backend.applied.index) == (60, 5)
    backend.close()


def test_it_does_not_grow_under_a_snapshot_that_is_read(tmp_path: Path) -> None:
    backend = opened(tmp_path, map_bytes=1 << 20)
    filled(backend, 10, b"")
    snapshot = backend.scan(b"", None)
    backend.put(b"large", bytes(LARGE))
    point = backend.seal(at(2))
    with pytest.raises(BackendFullError, match="1 snapshots of it are being read"):
        backend.commit(point)
    del snapshot
    backend.commit(point)
    assert backend.durable == at(2)
    backend.close()


def test_the_node_goes_on_while_a_commit_is_written(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    backend.put(b"a", b"1")
    backend.put(b"b", b"1")
    point = backend.seal(at(1))
    work = backend.begin_commit(point)
    assert work is not None
    thread = threading.Thread(target=work.write)
    thread.start()
    backend.put(b"a", b"2")
    backend.delete(b"b")
    backend.put(b"c", b"2")
    seen_meanwhile = list(backend.scan(b"", None))
    thread.join()
    seen_before_finish = list(backend.scan(b"", None))
    backend.finish_commit(work)
    assert seen_meanwhile == seen_before_finish == [(b"a", b"2"), (b"c", b"2")]
    assert list(backend.scan(b"", None)) == seen_meanwhile
    backend.commit(backend.seal(at(2)))
    backend.close()
    backend = opened(tmp_path)
    assert list(backend.scan(b"", None)) == seen_meanwhile
    backend.close()


def test_a_scan_is_a_snapshot(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 100, b"old")
    backend.put(b"000050", b"sealed")
    expected = [(b"%06d" % n, b"sealed" if n == 50 else b"old") for n in range(100)]
    snapshot = backend.scan(b"", None)
    first = next(snapshot)
    for number in range(100):
        backend.delete(b"%06d" % number)
    backend.commit(backend.seal(at(2)))
    backend.defragment()
    assert [first, *snapshot] == expected
    assert list(backend.scan(b"", None)) == []
    backend.close()


@pytest.mark.parametrize("rewrite", [False, True])
def test_defragmentation_shrinks_the_file(tmp_path: Path, *, rewrite: bool) -> None:
    backend = opened(tmp_path)
    filled(backend, 5_000, bytes(500))
    for number in range(100, 5_000):
        backend.delete(b"%06d" % number)
    backend.commit(backend.seal(at(2)))
    before = (tmp_path / "backend.mdb").stat().st_size
    assert backend.in_use_bytes() < before / 10
    rows = list(backend.scan(b"", None))
    backend.put(b"later", b"not committed yet")
    backend.defragment(rewrite=rewrite)
    after = (tmp_path / "backend.mdb").stat().st_size
    assert after < before / 10
    assert backend.file_bytes() == after
    assert list(backend.scan(b"", None)) == [*rows, (b"later", b"not committed yet")]
    backend.close()
    backend = opened(tmp_path)
    assert list(backend.scan(b"", None)) == rows
    backend.close()


def test_writes_go_on_while_the_file_is_copied(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 100, b"old")
    work = backend.begin_defragment()
    thread = threading.Thread(target=work.write)
    thread.start()
    backend.put(b"new", b"1")
    point = backend.seal(at(2))
    thread.join()
    backend.finish_defragment(work)
    backend.commit(point)
    backend.close()
    backend = opened(tmp_path)
    assert (backend.row_count(), backend.get(b"new"), backend.applied) == (101, b"1", at(2))
    backend.close()


def test_rows_are_appended_to_full_pages(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 10_000, bytes(100))
    assert backend.file_bytes() < 1.3 * backend.size_bytes()
    backend.close()


def test_what_a_crash_left_half_done_is_removed(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 10, b"kept")
    backend.close()
    (tmp_path / "backend.mdb.1.tmp").write_bytes(b"half a copy")
    (tmp_path / "backend.mdb.1.tmp-lock").write_bytes(b"")
    backend = opened(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backend.mdb", "backend.mdb-lock"]
    assert backend.row_count() == 10
    backend.close()


def test_two_restores_before_one_commit_leave_the_second(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    filled(backend, 10, b"")
    first = backend.restore(at(2), [(b"first", b"")])
    second = backend.restore(at(3), [(b"second", b"")])
    backend.commit(first)
    backend.commit(second)
    backend.close()
    backend = opened(tmp_path)
    assert ([key for key, _ in backend.scan(b"", None)], backend.applied) == ([b"second"], at(3))
    backend.close()


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backend.mdb").write_bytes(b"not one of ours" * 1000)
    with pytest.raises(BackendDamagedError, match="MDB_INVALID"):
        opened(tmp_path)


def test_no_value_is_in_the_file_in_the_clear(tmp_path: Path) -> None:
    backend = opened(tmp_path, Providers((OLD,)))
    filled(backend, 100, b"SECRET")
    backend.commit(backend.restore(at(2), [(b"%06d" % n, b"SECRET") for n in range(100)]))
    backend.put(b"more", b"SECRET")
    backend.commit(backend.seal(at(3)))
    backend.defragment()
    backend.close()
    found = [path.name for path in tmp_path.iterdir() if b"SECRET" in path.read_bytes()]
    assert found == []


def test_a_missing_key_is_told_at_the_start(tmp_path: Path) -> None:
    backend = opened(tmp_path, Providers((OLD,)))
    filled(backend, 1, b"")
    backend.close()
    with pytest.raises(CipherError, match=r"'quorate:enc:aesgcm:v1:old'.*only.*'quorate.*new'"):
        opened(tmp_path, Providers((NEW,)))


def test_rewriting_moves_everything_to_the_first_key(tmp_path: Path) -> None:
    backend = opened(tmp_path, PLAIN)
    filled(backend, 10, b"v")
    backend.close()
    backend = opened(tmp_path, Providers((OLD, Identity())))
    backend.put(b"later", b"v")
    backend.commit(backend.seal(at(2)))
    backend.close()
    backend = opened(tmp_path, Providers((NEW, OLD, Identity())))
    assert backend.row_count() == 11
    backend.defragment(rewrite=True)
    backend.close()
    backend = opened(tmp_path, Providers((NEW,)))
    assert [value for _, value in backend.scan(b"", None)] == [b"v"] * 11
    backend.close()


def test_a_value_moved_to_another_row_is_refused(tmp_path: Path) -> None:
    backend = opened(tmp_path, Providers((OLD,)))
    backend.put(b"mine", b"1 coin")
    backend.put(b"theirs", b"1000 coins")
    backend.commit(backend.seal(at(1)))
    backend.close()
    with (
        lmdb.open(str(tmp_path / "backend.mdb"), subdir=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        stored = transaction.get(b"\x01theirs")
        assert stored is not None
        transaction.put(b"\x01mine", stored)
    backend = opened(tmp_path, Providers((OLD,)))
    with pytest.raises(CipherError, match="mine"):
        backend.get(b"mine")
    backend.close()


def test_a_state_to_be_sent_is_as_of_when_it_was_asked_for(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path / "db")
    for number in range(3_000):
        backend.put(b"%05d" % number, b"then")
    backend.commit(backend.seal(at(1)))
    state = encode_snapshot(backend)
    first = state[0:50]
    for number in range(0, 3_000, 2):
        backend.delete(b"%05d" % number)
        backend.put(b"later%d" % number, b"now")
    backend.commit(backend.seal(at(2)))
    decoded = decode_snapshot(state)
    assert state[0:50] == first
    assert decoded.applied == at(1)
    assert list(decoded.rows) == [(b"%05d" % number, b"then") for number in range(3_000)]


def test_a_state_that_arrives_is_taken_over_from_its_file(tmp_path: Path) -> None:
    source = LmdbBackend(tmp_path / "source")
    for number in range(3_000):
        source.put(b"%05d" % number, bytes(300))
    source.seal(at(5))
    sent, target = encode_snapshot(source), LmdbBackend(tmp_path / "target")
    arriving = target.spool()
    while part := sent[len(arriving) : len(arriving) + 100_000]:
        arriving.extend(bytes(part))
    target.commit(install_snapshot(target, arriving))
    assert list(target.scan(b"", None)) == list(source.scan(b"", None))
    assert target.durable == at(5)


def test_it_is_behind_while_a_point_waits_to_be_committed(tmp_path: Path) -> None:
    backend = opened(tmp_path)
    backend.put(b"k", b"v")
    seen = [backend.is_behind]
    point = backend.seal(at(1))
    seen.append(backend.is_behind)
    backend.commit(point)
    assert [*seen, backend.is_behind] == [False, True, False]


def test_a_new_file_is_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []

    def synced(path: Path) -> None:
        done.append(("sync", path.name))
        directories.sync_file(path)

    def replaced(source: Path, target: Path) -> None:
        done.append(("replace", target.name))
        directories.replace_durably(source, target)

    monkeypatch.setattr("nodeimpl.storage.lmdb_file.sync_file", synced)
    monkeypatch.setattr("nodeimpl.storage.lmdb_file.replace_durably", replaced)
    opened(tmp_path).close()
    opened(tmp_path).close()

    assert done == [("sync", "backend.mdb.new"), ("replace", "backend.mdb")]


def test_a_file_that_was_torn_as_it_was_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "backend.mdb.new").write_bytes(bytes(2_560))
    backend = opened(tmp_path)
    filled(backend, 3, b"x")
    backend.close()

    assert not (tmp_path / "backend.mdb.new").exists()
