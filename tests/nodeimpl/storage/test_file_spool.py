"""A state's bytes in a file without a name."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodeimpl.storage import file_spool
from nodeimpl.storage.cipher import CipherError
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.file_spool import FileSpool

BLOCK = 10
SECRET = Providers((AesGcm("key1", bytes(32), os.urandom),))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_spool, "BLOCK_BYTES", BLOCK)


@settings(deadline=None)
@given(
    arriving=st.lists(st.binary(max_size=25), max_size=6),
    parts=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=6),
    is_secret=st.booleans(),
)
def test_every_part_is_as_it_arrived(
    tmp_path_factory: pytest.TempPathFactory,
    arriving: list[bytes],
    parts: list[tuple[int, int]],
    is_secret: bool,  # noqa: FBT001 - Hypothesis'
) -> None:
    cipher = SECRET if is_secret else PLAIN
    spool = FileSpool(tmp_path_factory.getbasetemp(), cipher)
    whole = bytearray()
    for data in arriving:
        spool.extend(data)
        whole.extend(data)
        for start, stop in parts:
            assert spool[start:stop] == whole[start:stop]
    assert (len(spool), spool[:]) == (len(whole), bytes(whole))


def test_pieces_are_taken_no_sooner_than_they_are_asked_for(tmp_path: Path) -> None:
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield b"%07d" % number

    spool = FileSpool(tmp_path, PLAIN, pieces())
    assert taken == []
    assert spool[0:8] == b"00000000"
    assert taken == [0, 1]
    assert spool[0:4] == b"0000", "what was read can be read again"
    assert taken == [0, 1]
    assert spool[63:90] == b"0000009"
    assert len(spool) == 70


def test_nothing_of_it_has_a_name_and_no_secret_is_in_the_clear(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, SECRET)
    spool.extend(b"nobody shall read this" * 100)
    assert list(tmp_path.iterdir()) == []
    spool._file.seek(0)
    assert b"nobody" not in spool._file.read()
    assert spool[:6] == b"nobody"


def test_a_block_that_the_disk_has_spoilt_is_an_error(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, SECRET)
    spool.extend(b"x" * (3 * BLOCK))
    spool._file.seek(5)
    spool._file.write(b"?")
    with pytest.raises(CipherError):
        spool[0:1]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_file_goes_with_the_spool(tmp_path: Path) -> None:
    before = open_files()
    spools = [FileSpool(tmp_path, PLAIN) for _ in range(5)]
    assert open_files() == before + 5
    spools.clear()
    assert open_files() == before
