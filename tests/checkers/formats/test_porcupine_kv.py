"""Porcupine's key-value histories."""

from pathlib import Path

import pytest

from checkers.formats import porcupine_kv
from checkers.formats.detect import read_history
from checkers.history import History, Op, OpType
from checkers.history_file import HistoryFileError


def read(tmp_path: Path, text: str) -> History:
    path = tmp_path / "kv.txt"
    path.write_text(text)
    return porcupine_kv.read(path)


def test_lines_are_ops(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        '{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}\n'
        '{:process 1, :type :invoke, :f :get, :key "7", :value nil}\n'
        '{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}\n'
        '{:process 1, :type :ok, :f :get, :key "7", :value ""}\n',
    )

    assert list(history) == [
        Op(index=0, time=0, process=0, type=OpType.INVOKE, f="append", key="0", value="x 0 0 y"),
        Op(index=1, time=1, process=1, type=OpType.INVOKE, f="get", key="7"),
        Op(index=2, time=2, process=0, type=OpType.OK, f="append", key="0", value="x 0 0 y"),
        Op(index=3, time=3, process=1, type=OpType.OK, f="get", key="7", value=""),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{:process 0, :type :invoke, :f :read, :key "0", :value nil}', "its :f is 'read'"),
        ("{:process 0, :type :invoke, :f :get, :key 0, :value nil}", "at `$.key`"),
        ("{:process 0, :type :invoke, :f :get, :value nil}", "it has no :key"),
        ('{:process 0, :type :invoke, :f :put, :key "0"}', "it has no :value"),
        ('{:process 0, :type :ok, :f :get, :key "0", :valu "x"}', "it has no :value"),
        ('{:process 0, :type :invoke, :f :put, :key "0", :value 5}', "its :value is 5"),
        ('{:process 0, :type :ok, :f :get, :key "0", :value ""}', "has nothing in flight"),
        ("{:process 0, :type :ok, :f :get", "is not EDN at column 1"),
    ],
)
def test_a_line_that_is_no_op_is_refused_with_its_number(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(HistoryFileError) as caught:
        read(tmp_path, f"\n{line}\n")

    assert caught.value.line == 2
    assert says in caught.value.message


LINES = """\
{:process 0, :type :invoke, :f :put, :key "0", :value "é"}
{:process 0, :type :ok, :f :put, :key "0", :value "é"}
{:process 1, :type :invoke, :f :append, :key "1", :value "x"}
{:process 1, :type :info, :f :append, :key "1", :value "x"}
"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LINES.replace(", ", "\n"), id="a map over several lines"),
        pytest.param(f"[{LINES}]", id="a vector of them"),
        pytest.param(LINES.replace("{", "{:time 5, :node nil, "), id="more than is needed"),
        pytest.param(LINES.replace(':info, :f :append, :key "1", :value "x"',
                                   ':info, :f :append, :key "1"'), id="info without a value"),
        pytest.param('{:process :nemesis, :type :info, :f :kill, :key "-", :value {:n1 #{2}}}\n'
                     + LINES, id="a nemesis"),
        pytest.param("; a comment\n" + LINES.replace("}\n", "} ; done\n"), id="comments"),
    ],
)  # fmt: skip
def test_it_may_be_written_in_other_ways(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history"
    path.write_text(text)

    history = read_history(path)

    assert [(each.f, each.key, each.value, each.outcome) for each in history.operations()] == [
        ("put", "0", "é", OpType.OK),
        ("append", "1", "x", OpType.INFO),
    ]
