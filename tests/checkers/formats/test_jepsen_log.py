"""Jepsen's logs of etcd, and what their ops mean."""

from pathlib import Path

import pytest

from checkers.formats import jepsen_log
from checkers.history import CAS_MISMATCH, NEMESIS, History, Op, OpType
from checkers.history_file import HistoryFileError


def read(tmp_path: Path, text: str) -> History:
    path = tmp_path / "jepsen.log"
    path.write_text(text)
    return jepsen_log.read(path)


def test_lines_are_ops(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n"
        "INFO  jepsen.util - 2\t:invoke\t:write\t4\n"
        "INFO  jepsen.util - 0\t:ok\t:read\tnil\n"
        "INFO  jepsen.util - 2\t:ok\t:write\t4\n",
    )

    assert list(history) == [
        Op(index=0, time=0, process=0, type=OpType.INVOKE, f="read"),
        Op(index=1, time=1, process=2, type=OpType.INVOKE, f="write", value=4),
        Op(index=2, time=2, process=0, type=OpType.OK, f="read"),
        Op(index=3, time=3, process=2, type=OpType.OK, f="write", value=4),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "INFO jepsen.util - 3 :invoke :cas [3 0]",
        "INFO  jepsen.util -   3\t \t:invoke   :cas\t\t[3  0]   \r",
        "2014-06-01 12:00:00,123{GMT} INFO [worker 3] jepsen.util - 3\t:invoke\t:cas\t[3 0]",
        "INFO [2020-01-01 10:00:00] jepsen worker 3 - jepsen.util 3\t:invoke\t:cas\t[3 0]",
    ],
)
def test_blanks_and_prefixes_may_vary(tmp_path: Path, line: str) -> None:
    assert list(read(tmp_path, line)) == [
        Op(index=0, time=0, process=3, type=OpType.INVOKE, f="cas", value=[3, 0])
    ]


def test_a_cas_that_failed_without_an_error_found_another_value(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        "INFO jepsen.util - 1\t:invoke\t:cas\t[0 3]\nINFO jepsen.util - 1\t:fail\t:cas\t[0 3]\n",
    ).operations()

    assert operation.outcome is OpType.FAIL
    assert operation.error == CAS_MISMATCH


def test_a_cas_that_failed_with_an_error_did_not_happen(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        "INFO jepsen.util - 1\t:invoke\t:cas\t[0 3]\n"
        "INFO jepsen.util - 1\t:fail\t:cas\t[0 3]\t:connection-refused\n",
    ).operations()

    assert operation.error == "connection-refused"


@pytest.mark.parametrize(
    ("f", "value", "op_type"),
    [("write", "3", OpType.INFO), ("cas", "[1 2]", OpType.INFO), ("read", "nil", OpType.FAIL)],
)
def test_a_time_out_is_an_error_not_a_value(
    tmp_path: Path, f: str, value: str, op_type: OpType
) -> None:
    (operation,) = read(
        tmp_path,
        f"INFO jepsen.util - 1\t:invoke\t:{f}\t{value}\n"
        f"INFO jepsen.util - 1\t:{op_type}\t:{f}\t:timed-out\n",
    ).operations()

    assert (operation.outcome, operation.error) == (op_type, "timed-out")
    assert operation.completion is not None
    assert operation.completion.value is None


def test_the_nemesis_is_heard(tmp_path: Path) -> None:
    history = read(tmp_path, 'INFO jepsen.util - :nemesis\t:info\t:start\t"Cut off [n1 n2]"\n')

    assert [(op.process, op.f, op.value) for op in history.nemesis_ops()] == [
        (NEMESIS, "start", "Cut off [n1 n2]")
    ]


def test_lines_of_others_are_passed_over(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "INFO  jepsen.core - Worker 0 starting\n"
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n"
        "java.lang.IllegalStateException: no leader\n"
        "INFO  jepsen.util - 0\t:ok\t:read\t1\n",
    )

    assert [op.type for op in history] == [OpType.INVOKE, OpType.OK]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("INFO jepsen.util - 0\t:inv", "is not an operation; expected process"),
        ("INFO jepsen.util - 0\t:invoke\t:cas\t[3 ", "holds a value that cannot be read"),
        ("INFO jepsen.util - 0\t:invoke\t:read\t1 2 3", "holds more than a value and an error"),
        ("INFO jepsen.util - 0\t:invoke\t:write\t" + "[" * 9999 + "]" * 9999, "nested too deep"),
        ("INFO jepsen.util - 0\t:ok\t:read\t1", "has nothing in flight"),
    ],
)
def test_a_line_that_is_no_op_is_refused_with_its_number(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(HistoryFileError) as caught:
        read(tmp_path, f"INFO  jepsen.core - Worker 0 starting\n{line}\n")

    assert caught.value.line == 2
    assert says in caught.value.message
