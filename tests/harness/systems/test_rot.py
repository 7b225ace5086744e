"""Bits of logs whose loss checksums must tell, held to the readers of these very logs."""

from pathlib import Path
from random import Random

import pytest

from checkers.raft.etcd_wal import Segment, WalCorruption, read_wal
from harness.systems.rot import Rot, choose_rot, has_rot
from nodeimpl.storage.encryption.providers import PLAIN
from nodeimpl.storage.wal_files import WalDamagedError, WalFiles
from tests.checkers.raft.etcd_log import entry, segments, state

SEEDS = range(40)


def flipped(content: bytes, rot: Rot) -> bytes:
    changed = bytearray(content)
    for at, bits in rot.bits:
        changed[at] ^= bits
    return bytes(changed)


def keep_etcd(folder: Path, *segments_: Segment) -> None:
    (folder / "member" / "wal").mkdir(parents=True)
    for each in segments_:
        (folder / "member" / "wal" / each.name).write_bytes(each.content)


@pytest.mark.parametrize("bits", [1, 16])
def test_etcd_must_tell_whatever_bits_are_chosen(tmp_path: Path, bits: int) -> None:
    records = [entry(index, 1, bytes([index]) * 700) for index in range(1, 6)]
    first, last = segments(records, [*records, state(2, 1, 5)])
    keep_etcd(tmp_path, first, last)

    for seed in SEEDS:
        rot = choose_rot("etcd", tmp_path, bits, Random(seed))
        assert rot is not None
        assert (rot.file, rot.bit_count) == (f"member/wal/{last.name}", bits)
        with pytest.raises(WalCorruption, match="checksum is wrong") as found:
            read_wal([first, Segment(last.name, flipped(last.content, rot))])
        assert not found.value.may_be_torn


def test_no_bit_is_flipped_that_would_let_a_record_look_torn(tmp_path: Path) -> None:
    looks_torn = bytes(1200)  # It has a whole sector of zeros.
    nearly = (b"\x01" + bytes(511)) * 3  # One more bit, and it would look so, too.
    (log,) = segments([entry(1, 1, looks_torn), entry(2, 1, nearly), entry(3, 1, b"y")])
    keep_etcd(tmp_path, log)

    for seed in SEEDS:
        rot = choose_rot("etcd", tmp_path, 1_000, Random(seed))
        assert rot is not None
        with pytest.raises(WalCorruption) as found:
            read_wal([Segment(log.name, flipped(log.content, rot))])
        assert not found.value.may_be_torn


def test_a_log_of_one_record_or_none_cannot_rot(tmp_path: Path) -> None:
    (log,) = segments([])  # It has a record of who its member is.
    keep_etcd(tmp_path, log)

    assert choose_rot("etcd", tmp_path, 3, Random(1)) is None
    assert choose_rot("nodeimpl", tmp_path / "nothing", 3, Random(1)) is None


def log_of_ours(folder: Path) -> WalFiles:
    folder.mkdir(parents=True, exist_ok=True)
    return WalFiles(
        folder,
        cluster_id=1,
        member_id=2,
        cipher=PLAIN,
        checkpoint=lambda _: b"checkpoint",
        segment_bytes=1 << 16,
    )


def test_our_node_must_tell_whatever_bits_are_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "member" / "wal"
    log = log_of_ours(folder)
    for number in range(5):
        log.append(b"%d" % number * 50)
        log.sync()
    log.append(b"the last, which knows that all before it were durable")
    log.close()
    (path,) = folder.iterdir()
    content = path.read_bytes()

    for seed in SEEDS:
        rot = choose_rot("nodeimpl", tmp_path, 3, Random(seed))
        assert rot is not None
        assert rot.bit_count == 3
        path.write_bytes(flipped(content, rot))
        with pytest.raises(WalDamagedError):
            log_of_ours(folder)
        path.write_bytes(content)
    log_of_ours(folder).close()


def test_what_our_node_never_called_durable_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "member" / "wal"
    log = log_of_ours(folder)
    log.append(b"one")
    log.append(b"two")
    log.close()
    (path,) = folder.iterdir()
    one = path.read_bytes().index(b"one")

    for seed in SEEDS:
        rot = choose_rot("nodeimpl", tmp_path, 1, Random(seed))
        assert rot is not None
        assert rot.bits[0][0] < one


def test_only_logs_that_are_known_can_rot() -> None:
    assert has_rot("etcd")
    assert has_rot("nodeimpl")
    assert not has_rot("another")
