"""The log on real files: segments, trimming, what is refused."""

import os
import threading
from pathlib import Path
from unittest.mock import patch

import pytest

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage import wal_files
from nodeimpl.storage.cipher import Cipher, CipherError
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.recovery import replay
from nodeimpl.storage.wal import Wal
from nodeimpl.storage.wal_files import WalDamagedError, WalForeignError
from nodeimpl.storage.wal_segment import SEGMENT_HEADER_BYTES
from tests.nodeimpl.storage.crashable import counted

SEGMENT_BYTES = 4096
SECRET = b"nobody may read this"


def opened(directory: Path, cipher: Cipher = PLAIN, *, member_id: int = 1) -> Wal:
    return Wal(
        directory,
        cluster_id=0xC1,
        member_id=member_id,
        cipher=cipher,
        segment_bytes=SEGMENT_BYTES,
    )


def entry(index: int, data: bytes = b"x" * 500) -> Entry:
    return Entry(Term(1), LogIndex(index), EntryKind.COMMAND, data)


def filled(directory: Path, count: int, cipher: Cipher = PLAIN) -> Wal:
    wal = opened(directory, cipher)
    wal.append(Persist(HardState(Term(1), None), ()))
    for index in range(1, count + 1):
        wal.append(Persist(None, (entry(index),)))
        wal.sync()
    return wal


def trim(index: int) -> Trim:
    return Trim(LogIndex(index), Term(1))


def spoil(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    filled(tmp_path, 20).close()
    wal = opened(tmp_path)
    found = [entry.index for write in wal.contents().writes for entry in _entries(write)]
    assert found == list(range(1, 21))
    assert wal.torn_tail is None
    wal.close()


def _entries(write: Persist | Trim) -> tuple[Entry, ...]:
    return write.entries if isinstance(write, Persist) else ()


def test_segments_are_preallocated_and_begun_when_one_is_full(tmp_path: Path) -> None:
    wal = filled(tmp_path, 20)
    sizes = [(tmp_path / name).stat().st_size for name in names(tmp_path)]
    assert len(sizes) == wal.file_count == 3
    assert min(sizes) >= SEGMENT_BYTES
    wal.close()


def test_trimming_deletes_whole_segments_with_the_next_sync(tmp_path: Path) -> None:
    wal = filled(tmp_path, 20)
    wal.append(trim(15))
    wal.sync()
    assert names(tmp_path) == ["0000000000000003.wal"]
    wal.close()
    wal = opened(tmp_path)
    recovered = replay(wal.contents(), Applied(LogIndex(15), Term(1)))
    assert recovered.prefix_index == 15
    assert [each.index for each in recovered.entries] == [16, 17, 18, 19, 20]
    assert recovered.hard_state == HardState(Term(1), None)
    wal.close()


def test_a_segment_behind_whose_beginning_the_log_was_truncated_cannot_come_first(
    tmp_path: Path,
) -> None:
    wal = filled(tmp_path, 8)
    assert wal.file_count == 2
    wal.append(Persist(None, (entry(5), entry(6), entry(7), entry(8), entry(9))))
    wal.append(trim(9))
    wal.sync()
    assert wal.file_count == 2
    wal.close()


@pytest.mark.parametrize("offset", [SEGMENT_HEADER_BYTES + 5, SEGMENT_HEADER_BYTES + 800, 3])
def test_damage_to_what_was_durable_is_refused(tmp_path: Path, offset: int) -> None:
    filled(tmp_path, 20).close()
    spoil(tmp_path / "0000000000000002.wal", offset)
    with pytest.raises(WalDamagedError, match="were durable"):
        opened(tmp_path)


def test_a_missing_segment_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, 20).close()
    (tmp_path / "0000000000000002.wal").unlink()
    with pytest.raises(WalDamagedError, match="were durable"):
        opened(tmp_path)


def test_a_torn_tail_is_cut_and_told(tmp_path: Path) -> None:
    wal = filled(tmp_path, 3)
    end = wal.size_bytes
    wal.append(Persist(None, (entry(4),)))
    wal.close()
    path = tmp_path / "0000000000000001.wal"
    content = path.read_bytes()
    path.write_bytes(content[: end + 100].ljust(len(content), b"\0"))
    wal = opened(tmp_path)
    assert wal.torn_tail is not None
    assert (wal.torn_tail.file, wal.torn_tail.offset) == (path.name, end)
    assert path.read_bytes()[end:].strip(b"\0") == b""
    wal.append(Persist(None, (entry(4),)))
    wal.close()
    wal = opened(tmp_path)
    assert len(wal.contents().writes) == 5
    wal.close()


def test_the_log_of_another_member_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, 1).close()
    with pytest.raises(WalForeignError, match="member 1 of cluster c1, not to member 2"):
        opened(tmp_path, member_id=2)


def test_a_file_that_is_no_segment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.wal").write_bytes(b"")
    with pytest.raises(WalDamagedError, match="not named as a segment"):
        opened(tmp_path)


def test_an_entry_larger_than_a_segment_is_kept(tmp_path: Path) -> None:
    wal = opened(tmp_path)
    wal.append(Persist(HardState(Term(1), None), (entry(1, b"y" * 3 * SEGMENT_BYTES), entry(2))))
    wal.append(Persist(None, (entry(3),)))
    wal.close()
    wal = opened(tmp_path)
    assert len(wal.contents().writes) == 2
    wal.close()


def test_a_log_whose_disk_was_full_is_not_used_any_more(tmp_path: Path) -> None:
    wal = opened(tmp_path)
    with (
        patch.object(os, "pwrite", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space left"),
    ):
        wal.append(Persist(None, (entry(1),)))
    with pytest.raises(AssertionError, match="must be opened anew"):
        wal.append(Persist(None, (entry(1),)))
    with pytest.raises(AssertionError, match="must be opened anew"):
        wal.sync()
    wal.close()


def test_a_failed_sync_is_not_tried_again(tmp_path: Path) -> None:
    wal = opened(tmp_path)
    number = wal.append(Persist(None, (entry(1),)))
    with (
        patch.object(os, "fdatasync", side_effect=OSError(5, "Input/output error")),
        pytest.raises(OSError, match="Input/output"),
    ):
        wal.sync()
    assert wal.durable < number
    with pytest.raises(AssertionError, match="must be opened anew"):
        wal.sync()
    wal.close()


def test_the_name_of_a_new_segment_is_durable_before_its_records_are(tmp_path: Path) -> None:
    wal = filled(tmp_path, 5)
    done: list[str] = []
    with (
        patch.object(os, "fdatasync", side_effect=lambda _: done.append("records")),
        patch.object(wal_files, "sync_directory", side_effect=lambda _: done.append("names")),
    ):
        while wal.file_count == 1:
            wal.append(Persist(None, (entry(6),)))
        before = wal.durable
        durable = wal.sync()
        wal.sync()
    assert done == ["records", "records", "names", "records"]
    assert durable > before
    wal.close()


def test_syncs_in_a_thread_cover_what_was_appended_before_them(tmp_path: Path) -> None:
    wal = opened(tmp_path)
    done = threading.Event()
    claims: list[tuple[int, int]] = []

    def sync() -> None:
        while not done.is_set():
            claims.append((wal.sync(), wal.durable))

    thread = threading.Thread(target=sync)
    thread.start()
    for index in range(1, 301):
        wal.append(Persist(HardState(Term(1), None), (entry(index),)))
        if index % 50 == 0:
            wal.append(trim(index - 10))
    done.set()
    thread.join()
    wal.sync()
    assert claims == sorted(claims)
    assert wal.file_count == len(names(tmp_path)) <= 4
    wal.close()
    wal = opened(tmp_path)
    recovered = replay(wal.contents(), Applied(LogIndex(290), Term(1)))
    assert (recovered.prefix_index, recovered.last_index) == (290, 300)
    wal.close()


def test_the_files_hold_nothing_in_the_clear(tmp_path: Path) -> None:
    cipher = Providers((AesGcm("key1", bytes(32), counted),))
    wal = opened(tmp_path, cipher)
    wal.append(Persist(HardState(Term(1), None), (entry(1, SECRET),)))
    wal.close()
    assert [path for path in tmp_path.iterdir() if SECRET in path.read_bytes()] == []
    wal = opened(tmp_path, cipher)
    assert _entries(wal.contents().writes[0])[0].data == SECRET
    wal.close()


def test_a_wrong_key_is_told(tmp_path: Path) -> None:
    filled(tmp_path, 1, Providers((AesGcm("key1", bytes(32), counted),))).close()
    with pytest.raises(CipherError, match="wrong key"):
        opened(tmp_path, Providers((AesGcm("key1", b"1" * 32, counted),)))
    with pytest.raises(CipherError, match="no provider for that is configured"):
        opened(tmp_path)
