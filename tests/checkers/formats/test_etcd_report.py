"""Reports of etcd's robustness tests, as kv histories."""

import json
from pathlib import Path

import pytest

from checkers.checker import Budget
from checkers.choose import checker_named, model_of
from checkers.formats.detect import Format, detect, read_history
from checkers.history import History, OpType
from checkers.history_file import HistoryFileError
from checkers.verdict import Answer

Json = dict[str, object]


def put(key: str, value: str) -> Json:
    step = {"Type": "put-operation", "Put": {"Key": key, "Value": {"Value": value, "Hash": 0}}}
    return {"Type": "txn", "Txn": {"Conditions": None, "OperationsOnSuccess": [step]}}


def get(key: str) -> Json:
    return {"Type": "range", "Range": {"Start": key, "End": "", "Limit": 0, "Revision": 0}}


def wrote(revision: int) -> Json:
    results = [{"KVs": None, "Count": 0, "Deleted": 0}]
    return {"Txn": {"Failure": False, "Results": results}, "Revision": revision, "Error": ""}


def found(revision: int, *kvs: tuple[str, str, int]) -> Json:
    shown = [{"Key": k, "Value": {"Value": v}, "ModRevision": r} for k, v, r in kvs]
    return {"Range": {"KVs": shown, "Count": len(shown)}, "Revision": revision}


def operation(client: int, span: tuple[int, int], asked: Json, answer: Json) -> Json:
    call, returned = span
    return {
        "ClientId": client, "Input": asked, "Call": call, "Output": answer, "Return": returned,
    }  # fmt: skip


def report(tmp_path: Path, *operations: Json) -> Path:
    """Write a report whose watch saw x at revisions 2 and 3."""
    events = [{"Type": "put-operation", "Key": "x", "Revision": revision} for revision in (2, 3)]
    for folder in ("client-1", "client-2"):
        (tmp_path / folder).mkdir()
    watch = {"Request": {"Key": ""}, "Responses": [{"Events": events, "Revision": 3}]}
    (tmp_path / "client-1" / "watch.json").write_text(json.dumps(watch) + "\n")
    lines = "".join(json.dumps(each) + "\n" for each in operations)
    (tmp_path / "client-2" / "operations.json").write_text(lines)
    return tmp_path


def judge(history: History) -> Answer:
    model = model_of(history)
    assert model == "etcd"
    return checker_named(model).check(history, Budget()).answer


def test_a_report_is_told_from_its_folders_and_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        operation(1, (10, 30), put("x", "a"), wrote(2)),
        operation(2, (20, 40), get("x"), found(2, ("x", "a", 2))),
    )

    history = read_history(path)

    assert detect(path) is Format.ETCD_REPORT
    assert [(op.process, op.type, op.f, op.time) for op in history] == [
        (1, OpType.INVOKE, "put", 10),
        (2, OpType.INVOKE, "get", 20),
        (1, OpType.OK, "put", 30),
        (2, OpType.OK, "get", 40),
    ]
    assert history.operations()[1].result == {
        "revision": 2,
        "kvs": [{"key": "x", "value": "a", "create_revision": 2, "mod_revision": 2, "version": 1}],
        "count": 1,
        "more": False,
    }
    assert judge(history) is Answer.VALID


def test_a_stale_read_in_a_report_is_convicted(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        operation(1, (10, 20), put("x", "a"), wrote(2)),
        operation(1, (30, 40), put("x", "b"), wrote(3)),
        operation(2, (50, 60), get("x"), found(2, ("x", "a", 2))),
    )

    assert judge(read_history(path)) is Answer.INVALID


def test_an_error_leaves_its_operation_in_flight(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        operation(1, (10, 0), put("x", "a"), {"Error": "timed out", "Revision": 0}),
        operation(2, (50, 60), get("x"), found(2, ("x", "a", 2))),
    )

    history = read_history(path)

    assert history.operations()[0].outcome is OpType.INFO
    assert judge(history) is Answer.VALID


def test_a_read_of_what_no_watch_saw_is_left_out(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        operation(1, (10, 20), put("y", "a"), wrote(2)),
        operation(2, (50, 60), get("y"), found(2, ("y", "a", 2))),
    )

    assert [each.f for each in read_history(path).operations()] == ["put"]


def test_a_conditional_transaction_keeps_its_compare_and_its_answers(tmp_path: Path) -> None:
    step = {"Type": "put-operation", "Put": {"Key": "x", "Value": {"Hash": 77}}}
    read = {"Type": "range-operation", "Range": {"Start": "x", "End": ""}}
    asked: Json = {
        "Type": "txn",
        "Txn": {
            "Conditions": [{"Key": "x", "ExpectedRevision": 2}],
            "OperationsOnSuccess": [step],
            "OperationsOnFailure": [read],
        },
    }
    answer: Json = {
        "Txn": {"Failure": True, "Results": [{"KVs": [], "Count": 0}]},
        "Revision": 1,
    }

    (txn,) = read_history(report(tmp_path, operation(1, (1, 2), asked, answer))).operations()

    assert txn.value == {
        "compare": [{"key": "x", "target": "mod", "result": "=", "value": 2}],
        "success": [{"put": {"key": "x", "value": "hash:77"}}],
        "failure": [{"range": {"key": "x"}}],
    }
    assert txn.result == {
        "revision": 1,
        "succeeded": False,
        "responses": [{"range": {"kvs": [], "count": 0, "more": False}}],
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("garbage", "operations.json:1: is not an operation of etcd's robustness tests"),
        (
            json.dumps(operation(1, (1, 2), {"Type": "leaseRevoke"}, {"Revision": 2})),
            "operations.json:1: holds a 'leaseRevoke', which is not judged here",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_file_and_line(
    tmp_path: Path, line: str, says: str
) -> None:
    path = report(tmp_path)
    (path / "client-2" / "operations.json").write_text(line + "\n")

    with pytest.raises(HistoryFileError) as caught:
        read_history(path)
    assert says in str(caught.value)
