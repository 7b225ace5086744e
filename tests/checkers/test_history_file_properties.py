"""What is written is read; whatever is cut off, the rest survives."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.history import Op, OpType
from checkers.history_file import HistoryFileError, HistoryReader, load_history, write_history

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INT64 = st.integers(-(2**63), 2**63 - 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def op_lists(draw: st.DrawFn) -> list[Op]:
    """Ops that any file may hold, whether or not they are a history."""
    return [
        Op(
            index=index,
            time=draw(st.integers(0, 2**62)),
            process=draw(st.integers(0, 9) | TEXT),
            type=draw(st.sampled_from(OpType)),
            f=draw(TEXT),
            key=draw(st.none() | TEXT),
            value=draw(PLAIN),
            node=draw(st.none() | TEXT),
            error=draw(st.none() | TEXT),
        )
        for index in range(draw(st.integers(0, 5)))
    ]


@given(op_lists())
def test_ops_survive_a_file(ops: list[Op]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "history.jsonl")

        write_history(path, ops)

        with HistoryReader(path) as reader:
            assert list(reader) == ops


@given(op_lists(), st.data())
def test_a_file_cut_anywhere_keeps_every_whole_line(ops: list[Op], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "history.jsonl")
        write_history(path, ops)
        content = path.read_bytes()
        header_size = content.index(b"\n") + 1
        kept = content[: data.draw(st.integers(header_size, len(content)))]
        path.write_bytes(kept)

        with HistoryReader(path, allow_torn_tail=True) as reader:
            read = list(reader)

        whole_count = kept.count(b"\n") - 1
        assert read[:whole_count] == ops[:whole_count]
        assert len(read) - whole_count in {0, 1}


@given(st.binary(max_size=80))
def test_no_bytes_make_the_reader_fail_otherwise(garbage: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "history.jsonl")
        write_history(path, [])
        with path.open("ab") as file:
            file.write(garbage + b"\n")

        with pytest.raises(HistoryFileError) as caught:
            load_history(path)
        assert caught.value.line is not None
