"""Jepsen's and Knossos' EDN histories, and what their ops mean."""

from pathlib import Path

import pytest

from checkers.formats import jepsen_edn
from checkers.history import NEMESIS, History, Op, OpType
from checkers.history_file import HistoryFileError


def read(tmp_path: Path, text: str) -> History:
    path = tmp_path / "history.edn"
    path.write_text(text)
    return jepsen_edn.read(path)


def test_a_vector_of_maps_is_a_history(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        """; a comment
        [{:process 4, :type :invoke, :f :write, :value 2}
         {:process 4, :type :ok, :f :write, :value 2}]""",
    )

    assert list(history) == [
        Op(index=0, time=0, process=4, type=OpType.INVOKE, f="write", value=2),
        Op(index=1, time=1, process=4, type=OpType.OK, f="write", value=2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "({:process 1, :type :invoke, :f :read, :value nil})",
        "{:process 1, :type :invoke, :f :read, :value nil}\n",
        "[#jepsen.history.Op{:index 7, :process 1, :type :invoke, :f :read, :value nil}]",
        '[{:f "read" :process 1 :type :invoke :extra #{1}}]',
    ],
)
def test_it_may_be_written_in_other_ways(tmp_path: Path, text: str) -> None:
    assert list(read(tmp_path, text)) == [
        Op(index=0, time=0, process=1, type=OpType.INVOKE, f="read")
    ]


def test_times_are_kept_and_never_fall(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        """[{:process 1, :type :invoke, :f :read, :time 50}
            {:process 2, :type :invoke, :f :read, :time 40}
            {:process 1, :type :ok, :f :read, :value 1 :time 60}]""",
    )

    assert [op.time for op in history] == [50, 50, 60]


def test_faults_are_the_nemesis_and_no_operations(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        '[{:process :nemesis, :type :info, :f :stop, :value "fully connected"}]',
    )

    assert history.operations() == ()
    assert [(op.process, op.f) for op in history.nemesis_ops()] == [(NEMESIS, "stop")]


def test_a_failed_cas_did_not_happen_and_proves_nothing(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        """[{:process 1, :type :invoke, :f :cas, :value [2 1]}
            {:process 1, :type :fail, :f :cas, :value [2 1]}]""",
    ).operations()

    assert operation.value == [2, 1]
    assert operation.outcome is OpType.FAIL
    assert operation.error is None


def test_a_read_of_nil_has_learnt_nothing(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        """[{:process 1, :type :invoke, :f :read, :value nil}
            {:process 1, :type :ok, :f :read, :value nil}]""",
    ).operations()

    assert operation.outcome is OpType.FAIL
    assert operation.error == jepsen_edn.NIL_READ


def test_errors_are_kept_as_text(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        """[{:process 1, :type :invoke, :f :write, :value 3}
            {:process 1, :type :fail, :f :write, :value 3, :error [:unavailable nil]}
            {:process 1, :type :invoke, :f :write, :value 3}
            {:process 1, :type :info, :f :write, :value 3, :error :conn-lost}]""",
    )

    assert [operation.error for operation in history.operations()] == [
        '["unavailable",null]',
        "conn-lost",
    ]


def test_transactions_get_elles_names(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        """[{:process 3, :type :invoke, :f :txn, :value [[:read :x nil] [:write :y 2]]}
            {:process 3, :type :ok, :f :txn, :value [[:read :x 1] [:write :y 2]]}]""",
    ).operations()

    assert operation.value == [["r", "x", None], ["w", "y", 2]]
    assert operation.result == [["r", "x", 1], ["w", "y", 2]]


def test_elle_abbreviates_process_and_f(tmp_path: Path) -> None:
    (operation,) = read(
        tmp_path,
        """{:index 0 :type :invoke :value [[:append 253 1] [:r 255 nil]]}
           {:index 1 :type :ok     :value [[:append 253 1] [:r 255 [1 3]]]}""",
    ).operations()

    assert (operation.process, operation.f) == (0, "txn")
    assert operation.result == [["append", 253, 1], ["r", 255, [1, 3]]]


def test_independent_values_are_taken_apart(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        """[{:process 1, :type :invoke, :f :write, :value [:x 3]}
            {:process 2, :type :invoke, :f :read, :value [7 nil]}
            {:process :nemesis, :type :info, :f :start, :value nil}
            {:process 1, :type :ok, :f :write, :value [:x 3]}
            {:process 2, :type :ok, :f :read, :value [7 4]}
            {:process 2, :type :invoke, :f :cas, :value [7 [4 5]]}]""",
    )

    assert [(op.key, op.value) for op in history.client_ops()] == [
        ("x", 3),
        ("7", None),
        ("x", 3),
        ("7", 4),
        ("7", [4, 5]),
    ]


def test_a_cas_alone_is_no_key_and_value(tmp_path: Path) -> None:
    (op,) = read(tmp_path, "[{:process 1, :type :invoke, :f :cas, :value [4 5]}]")

    assert (op.key, op.value) == (None, [4, 5])


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[1\n 2]", 1, "Expected `object`, got `int`"),
        ("\n[{:process 1 :f :read}]", 2, "is not an operation: Object missing required field"),
        ("{:type :done :f :read}", 1, "Invalid enum value 'done'"),
        ("{:type :ok\n :process [1] :f :read}", 1, "at `$.process`"),
        ("{:type :ok :process true :f :read}", 1, "at `$.process`"),
        ("{:type :invoke :process 1 :f :txn :value 3}", 1, "a transaction's value is no vector"),
        ("{:type :invoke :process 1 :f :txn :value [3]}", 1, "holds something else"),
        ("[{:type :ok\n :process 1", 1, "is not EDN at column 2: '{' is never closed"),
        ("[{:type :ok :process 1 :f :read}]", 1, "has nothing in flight"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(HistoryFileError) as caught:
        read(tmp_path, text)

    assert says in caught.value.message
    assert caught.value.line == line


def test_a_file_without_operations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match="holds no operation"):
        read(tmp_path, "[]")


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    path.write_bytes(b"[\n\xff]")

    with pytest.raises(HistoryFileError, match=r"history.edn:2: is not text"):
        jepsen_edn.read(path)
