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


LEASE = 9
UNKNOWN: Json = {"Error": "timed out", "Revision": 0}
GRANTED: Json = {"LeaseGrant": {"LeaseID": LEASE}, "Revision": 1}
REVOKED: Json = {"LeaseRevoke": {}, "Revision": 4}


def lease(what: str, number: int = LEASE) -> Json:
    return {"Type": f"lease{what}", f"Lease{what}": {"LeaseID": number}}


def put_on(number: int, value: str) -> Json:
    step = {
        "Type": "put-operation",
        "Put": {"Key": "x", "Value": {"Value": value, "Hash": 0}, "LeaseID": number},
    }
    return {"Type": "txn", "Txn": {"Conditions": None, "OperationsOnSuccess": [step]}}


def leased(tmp_path: Path, *operations: Json) -> History:
    """Return a report in which x was put, put again as "b", and deleted, as a watch saw."""
    path = report(tmp_path, operation(1, (1, 2), lease("Grant"), GRANTED), *operations)
    events: list[Json] = [
        {"Type": "put-operation", "Key": "x", "Value": {"Value": value}, "Revision": revision}
        for revision, value in ((2, "a"), (3, "b"))
    ]
    events.append({"Type": "delete-operation", "Key": "x", "Revision": 4})
    watch = {"Request": {"Key": ""}, "Responses": [{"Events": events, "Revision": 4}]}
    (path / "client-1" / "watch.json").write_text(json.dumps(watch) + "\n")
    return read_history(path)


def judge_etcd(history: History) -> Answer:
    return checker_named("etcd").check(history, Budget()).answer


@pytest.mark.parametrize("answer", [REVOKED, UNKNOWN])
@pytest.mark.parametrize(("number", "expected"), [(LEASE, Answer.VALID), (0, Answer.INVALID)])
def test_keys_go_with_the_lease_they_were_put_on(
    tmp_path: Path, number: int, expected: Answer, answer: Json
) -> None:
    history = leased(
        tmp_path,
        operation(1, (10, 20), put("x", "a"), wrote(2)),
        operation(1, (30, 40), put_on(number, "b"), wrote(3)),
        operation(2, (45, 48), get("x"), found(3, ("x", "b", 3))),
        operation(1, (50, 60), lease("Revoke"), answer),
        operation(2, (70, 80), get("x"), found(4)),
    )
    wanted = {"key": "x", "value": "b", "create_revision": 2, "mod_revision": 3, "version": 2}
    seen = next(each.result for each in history.operations() if each.f == "get")

    assert isinstance(seen, dict)
    assert seen["kvs"] == [wanted | ({"lease": number} if number else {})]
    assert judge_etcd(history) is expected


@pytest.mark.parametrize(("other", "is_told"), [(LEASE, True), (8, False)])
def test_the_lease_of_a_put_of_unknown_outcome_is_told_by_its_value(
    tmp_path: Path, other: int, *, is_told: bool
) -> None:
    history = leased(
        tmp_path,
        operation(1, (10, 20), put("x", "a"), wrote(2)),
        operation(1, (30, 0), put_on(LEASE, "b"), UNKNOWN),
        operation(3, (31, 0), put_on(other, "b"), UNKNOWN),
        operation(2, (45, 48), get("x"), found(3, ("x", "b", 3))),
    )

    reads = [each for each in history.operations() if each.f == "get"]

    assert len(reads) == is_told
    assert judge_etcd(history) is Answer.VALID


def test_a_grant_that_was_not_answered_has_no_id_and_is_left_out(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        operation(1, (10, 0), lease("Grant", 0), UNKNOWN),
        operation(1, (30, 40), put("x", "a"), wrote(2)),
    )

    assert [each.f for each in read_history(path).operations()] == ["put"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("garbage", "operations.json:1: is not an operation of etcd's robustness tests"),
        (
            json.dumps(operation(1, (1, 2), {"Type": "leaseRenew"}, {"Revision": 2})),
            "operations.json:1: holds a 'leaseRenew', which is not judged here",
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
