"""Options of key-value requests: asked of our node through the client, and judged."""

from collections.abc import Callable

import pytest

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.mvcc import mvcc_invariants
from checkers.verdict import Answer
from harness.client import Client
from harness.etcd_client import KvClient
from harness.rehearsal import Pretender

ALL = {"key": "a", "range_end": "z"}
_PUT = {"key": "a", "value": "3", "prev_kv": True}
REQUESTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("put", {"key": "a", "value": "1"}),
    ("put", {"key": "b", "value": "1", "prev_kv": True}),
    ("put", {"key": "a", "value": "2", "prev_kv": True}),
    ("put", {"key": "c", "value": "0"}),
    ("range", {**ALL, "sort_order": "descend", "limit": 2}),
    ("range", {**ALL, "sort_target": "version", "sort_order": "descend"}),
    ("range", {**ALL, "sort_target": "create", "limit": 1}),
    ("range", {**ALL, "sort_target": "mod", "sort_order": "ascend", "keys_only": True}),
    ("range", {**ALL, "sort_target": "value", "limit": 1}),
    ("range", {**ALL, "count_only": True, "limit": 1}),
    ("range", {**ALL, "min_mod_revision": 4, "limit": 1}),
    ("range", {**ALL, "max_mod_revision": 3}),
    ("range", {**ALL, "min_create_revision": 3}),
    ("range", {**ALL, "max_create_revision": 3, "keys_only": True}),
    ("get", {"key": "a", "min_mod_revision": 9}),
    (
        "txn",
        {
            "compare": [{**ALL, "target": "version", "result": ">", "value": 0}],
            "success": [
                {"put": _PUT},
                {
                    "txn": {
                        "compare": [{"key": "a", "target": "value", "result": "=", "value": "2"}],
                        "success": [{"range": ALL}, {"delete": {"key": "b", "prev_kv": True}}],
                    }
                },
            ],
        },
    ),
    (
        "txn",
        {
            "compare": [{"key": "a", "target": "lease", "result": "!=", "value": 0}],
            "failure": [{"range": {**ALL, "count_only": True}}],
        },
    ),
    ("delete", {**ALL, "prev_kv": True}),
    ("get", {"key": "a", "revision": 99}),
    ("compact", {"revision": 4}),
    ("get", {"key": "a", "revision": 3}),
    ("compact", {"revision": 3}),
)


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of `REQUESTS`, one after another."""
    pretend = new_store(KvClient(timeout_ns=1))
    ops: list[Op] = []
    for f, value in REQUESTS:
        time = len(ops)
        invoke = Op(index=time, time=time, process=0, type=OpType.INVOKE, f=f, value=value)
        done = pretend(invoke).completion
        ops += [
            invoke,
            Op(
                index=time + 1,
                time=time,
                process=0,
                type=done.type,
                f=f,
                value=done.value,
                error=done.error,
            ),
        ]
    return History(ops)


def test_our_node_answers_every_option_as_the_checkers_expect(history: History) -> None:
    assert etcd_linearizable().check(history, Budget()).answer is Answer.VALID
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID


def test_only_what_must_be_refused_is_and_it_says_why(history: History) -> None:
    failed = [(each.f, each.error) for each in history.operations() if each.outcome is OpType.FAIL]
    assert failed == [("get", "future revision"), ("get", "compacted"), ("compact", "compacted")]


def test_what_was_there_before_is_recorded_where_it_was_asked_for(history: History) -> None:
    results = [each.result for each in history.operations() if isinstance(each.result, dict)]
    before = [result["prev_kv"]["value"] for result in results if "prev_kv" in result]
    [gone] = [result["prev_kvs"] for result in results if "prev_kvs" in result]
    assert before == ["1"]
    assert [kv["key"] for kv in gone] == ["a", "c"]


def test_a_txn_in_a_txn_is_recorded_with_its_answers(history: History) -> None:
    [first, _] = [each.result for each in history.operations() if each.f == "txn"]
    assert isinstance(first, dict)
    put, inner = first["responses"]
    assert put["put"]["prev_kv"]["value"] == "2"
    assert inner["txn"]["succeeded"]
    assert [sorted(answer) for answer in inner["txn"]["responses"]] == [["range"], ["delete"]]
