"""History files, whole and damaged."""

from pathlib import Path

import pytest

from checkers.history import Op, OpType
from checkers.history_file import (
    HistoryFileError,
    HistoryReader,
    encode_header,
    encode_op,
    load_history,
    write_history,
)

HEADER = encode_header({"workload": "register"})
INVOKE = Op(index=0, time=5, process=1, type=OpType.INVOKE, f="write", key="x", value=3)
OK = Op(index=1, time=9, process=1, type=OpType.OK, f="write", key="x", node="n2")


def written(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_the_lines_are_those_of_the_documentation() -> None:
    assert HEADER == b'{"quorate":"history","version":1,"about":{"workload":"register"}}\n'
    assert encode_op(INVOKE) == (
        b'{"index":0,"time":5,"process":1,"type":"invoke","f":"write","key":"x","value":3}\n'
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    write_history(path, [INVOKE, OK], {"seed": "7"})
    loaded = load_history(path)

    assert list(loaded.history) == [INVOKE, OK]
    assert loaded.header.about == {"seed": "7"}
    assert loaded.torn_line is None


def test_ops_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE), b"garbage\n")

    with HistoryReader(path) as reader:
        assert next(iter(reader)) == INVOKE


def test_a_last_line_without_newline_is_whole_if_it_is_an_op(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE), encode_op(OK).rstrip(b"\n"))

    assert list(load_history(path).history) == [INVOKE, OK]


def test_a_truncated_last_line_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE), encode_op(OK)[:20])

    with pytest.raises(HistoryFileError) as caught:
        load_history(path)

    assert str(caught.value) == (
        f"{path}:3: the last line is truncated: its writer was stopped in the middle of it."
        " The 1 ops before it are readable; to judge those, delete this line"
    )


def test_a_torn_tail_is_dropped_and_reported_if_allowed(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE), encode_op(OK)[:20])

    loaded = load_history(path, allow_torn_tail=True)

    assert list(loaded.history) == [INVOKE]
    assert loaded.torn_line == 3


def test_a_bad_line_in_the_middle_is_never_a_torn_tail(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE)[:20], b"\n", encode_op(OK))

    with pytest.raises(HistoryFileError, match=r"history.jsonl:2: is not an op: .*; it begins"):
        load_history(path, allow_torn_tail=True)


def test_a_last_line_that_ends_is_never_torn(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(INVOKE), b"garbage\n")

    with pytest.raises(HistoryFileError, match=r":3: is not an op: .*'garbage'"):
        load_history(path, allow_torn_tail=True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"\n", "is not an op"),
        (b"[1, 2]\n", "Expected `object`, got `array`"),
        (b'{"index":0}\n', "missing required field `time`"),
        (
            b'{"index":"0","time":0,"process":1,"type":"ok","f":"r"}\n',
            "Expected `int`, got `str` - at `$.index`",
        ),
        (
            b'{"index":0,"time":0,"process":1,"type":"done","f":"r"}\n',
            "Invalid enum value 'done' - at `$.type`",
        ),
        (
            b'{"index":0,"time":0,"process":1,"type":"invoke","f":"w","vlaue":1}\n',
            "Object contains unknown field `vlaue`",
        ),
        (b'{"index":0,"time":0,"process":1,"type":"invoke","f":"\xff"}\n', "is not an op"),
        (b"[" * 100_000 + b"\n", "is not an op"),
    ],
)
def test_a_line_that_is_no_op_is_refused_with_its_number(
    tmp_path: Path, line: bytes, says: str
) -> None:
    path = written(tmp_path, HEADER, line)

    with pytest.raises(HistoryFileError) as caught:
        load_history(path)

    assert caught.value.line == 2
    assert says in caught.value.message


def test_missing_lines_are_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, encode_op(OK))

    with pytest.raises(HistoryFileError, match=r":2: holds op 1; expected op 0: lines are missing"):
        load_history(path)


def test_ops_that_are_no_history_are_refused_with_their_line(tmp_path: Path) -> None:
    again = Op(index=1, time=9, process=1, type=OpType.INVOKE, f="read")
    path = written(tmp_path, HEADER, encode_op(INVOKE), encode_op(again))

    with pytest.raises(HistoryFileError, match=r":3: process 1 invokes 'read' while"):
        load_history(path)


def test_a_history_of_another_version_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"quorate":"history","version":2,"new":[]}\n')

    with pytest.raises(HistoryFileError, match=r":1: has version 2; expected version 1"):
        load_history(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"quorate":"watch","version":1}\n')

    with pytest.raises(HistoryFileError, match=r":1: is a file of kind 'watch'; expected"):
        load_history(path)


@pytest.mark.parametrize("first", [encode_op(INVOKE), b"hello\n", HEADER[:30], b"\x00\x01\n"])
def test_a_file_without_its_header_is_refused(tmp_path: Path, first: bytes) -> None:
    path = written(tmp_path, first)

    with pytest.raises(HistoryFileError, match=r':1: is not a header: .*expected the header {"quo'):
        load_history(path, allow_torn_tail=True)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)

    with pytest.raises(HistoryFileError, match=":1: the file is empty; expected the header"):
        load_history(path)


def test_a_file_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match=r"none.jsonl: cannot be opened: No such file"):
        load_history(tmp_path / "none.jsonl")


def test_a_line_without_end_is_refused_within_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, b"1" * (16 * 1024 * 1024 + 1))

    with pytest.raises(HistoryFileError, match=r":2: is longer than 16777216 bytes"):
        load_history(path, allow_torn_tail=True)


def test_a_header_alone_is_an_empty_history(tmp_path: Path) -> None:
    assert len(load_history(written(tmp_path, HEADER)).history) == 0
