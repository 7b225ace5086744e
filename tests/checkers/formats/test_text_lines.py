"""Lines of files: numbered, bounded, and heard of."""

from pathlib import Path

import pytest

from checkers.formats.text_lines import byte_lines, text_lines
from checkers.heard_file import unheard
from checkers.history_file import HistoryFileError


def test_lines_are_numbered_and_keep_their_newline(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("\ufeffä\n\nlast".encode())

    assert list(text_lines(path, unheard)) == [(1, "ä\n"), (2, "\n"), (3, "last")]


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\nb\xff\n")

    with pytest.raises(HistoryFileError, match=r"file:2: is not text"):
        list(text_lines(path, unheard))


def test_a_line_may_have_the_limit_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234\n12345\n")

    lines = byte_lines(path, unheard, bytes_max=5)

    assert next(lines) == (1, b"1234\n")
    with pytest.raises(HistoryFileError, match=r"file:2: is longer than 5 bytes"):
        next(lines)


def test_all_bytes_are_heard_of_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234\n12345\n")
    heard: list[int] = []

    list(byte_lines(path, heard.append))

    assert sum(heard) == 11


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match="cannot be opened"):
        list(byte_lines(tmp_path, unheard))
