"""Options of requests, txns in txns, leases and refusals: one right and one wrong history each."""

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.linearizability.revisions import etcd_linearizable
from checkers.verdict import Answer
from tests.checkers.kv_log import Json, found, history_of, in_turn, kv

Step = tuple[int, str, Json, Json]

A1 = kv("a", "2", 2, 2, 1)
B1 = kv("b", "1", 3, 4, 2)
C1 = kv("c", "1", 5, 5, 1)
FILLED: tuple[Step, ...] = (
    (0, "put", {"key": "a", "value": "2"}, {"revision": 2}),
    (0, "put", {"key": "b", "value": "0"}, {"revision": 3}),
    (0, "put", {"key": "b", "value": "1"}, {"revision": 4}),
    (0, "put", {"key": "c", "value": "1"}, {"revision": 5}),
)
ALL = {"key": "a", "range_end": "z"}
A = {"key": "a"}
PUT_A = {"key": "a", "value": "9"}
TOUCH_A = {"key": "a", "value": "", "ignore_value": True}
"""A put that keeps the value."""


def judged(history: History) -> Answer:
    """Return the checker's answer."""
    return etcd_linearizable().check(history, Budget(steps_max=100_000)).answer


def after_filling(*entries: Step) -> History:
    """Return a history in which a, b and c are there, and then `entries` happen in turn."""
    return in_turn(*FILLED, *entries)


def ranged(options: Json, *kvs: Json, count: int = 3, more: bool = False) -> History:
    """Return that a range of all with `options` showed `kvs`."""
    shown = {"revision": 5, "kvs": list(kvs), "count": count, "more": more}
    return after_filling((1, "range", {**ALL, **options}, shown))


def blank(shown: Json) -> Json:
    """Return a key without its value."""
    return {**shown, "value": ""}


def compared(*, succeeded: bool, **compare: object) -> History:
    """Return that a txn with this compare, and no steps, took a branch."""
    answer = {"revision": 5, "succeeded": succeeded, "responses": []}
    return after_filling((1, "txn", {"compare": [compare]}, answer))


def nested(*, inner_succeeded: bool) -> History:
    """Return that a txn put a, and a txn within it asked whether a was what it had been before."""
    compare = {"key": "a", "target": "value", "result": "=", "value": "2"}
    inner = {"compare": [compare], "success": [], "failure": []}
    request = {"success": [{"put": PUT_A}, {"txn": inner}]}
    answers = [{"put": {}}, {"txn": {"succeeded": inner_succeeded, "responses": []}}]
    answer = {"revision": 6, "succeeded": True, "responses": answers}
    return after_filling((1, "txn", request, answer))


def leased(*entries: Step, lease: int = 7) -> History:
    """Return that a was put on a lease, and then `entries` happen in turn."""
    return in_turn(
        (0, "lease-grant", {"ttl": 3, "id": lease}, {"revision": 1, "id": lease, "ttl": 3}),
        (0, "put", {**PUT_A, "lease": lease}, {"revision": 2}),
        (0, "put", {"key": "b", "value": "1", "lease": lease}, {"revision": 3}),
        *entries,
    )


def refused(error: str, f: str = "get") -> History:
    """Return that revision 5 was seen, and then a request for revision 5 was refused."""
    ops = history_of((1, "invoke", f, {**A, "revision": 5}), (1, "fail", f, None)).ops
    filled = in_turn(*FILLED).ops
    moved = [
        op.__class__(
            index=len(filled) + op.index,
            time=10**9 + op.index,
            process=op.process,
            type=op.type,
            f=op.f,
            value=op.value,
            error=error if op.type is OpType.FAIL else None,
        )
        for op in ops
    ]
    return History([*filled, *moved])


def kept_in_txn(key: str) -> History:
    """Return that a txn put a anew, and kept the value of `key`."""
    steps = [{"put": PUT_A}, {"put": {**TOUCH_A, "key": key}}]
    answer = {"revision": 6, "succeeded": True, "responses": [{"put": {}}, {"put": {}}]}
    return after_filling((1, "txn", {"success": steps}, answer))


def kept_by_nobody_knows(value: str) -> History:
    """Return that a put of unknown outcome may have kept the value of a, which then was `value`."""
    filled = in_turn(*FILLED).ops
    ops = history_of((7, "invoke", "put", TOUCH_A)).ops
    seen = in_turn((1, "get", A, found(6, kv("a", value, 2, 6, 2)))).ops
    return History(
        msgspec.structs.replace(op, index=at, time=at)
        for at, op in enumerate([*filled, *ops, *seen])
    )


PAIRS: dict[str, tuple[History, History]] = {
    "a descending range": (
        ranged({"sort_order": "descend"}, C1, B1, A1),
        ranged({"sort_order": "descend"}, A1, B1, C1),
    ),
    "a range by version, of which equal ones may come in any order": (
        ranged({"sort_target": "version"}, C1, A1, B1),
        ranged({"sort_target": "version"}, B1, A1, C1),
    ),
    "a range by value, cut among equal ones": (
        ranged({"sort_target": "value", "sort_order": "ascend", "limit": 1}, C1, more=True),
        ranged({"sort_target": "value", "sort_order": "ascend", "limit": 1}, A1, more=True),
    ),
    "a sort that shows a key twice": (
        ranged({"sort_target": "version"}, A1, C1, B1),
        ranged({"sort_target": "version"}, A1, A1, B1),
    ),
    "a sort target without an order, which sorts what the limit left and one more": (
        ranged({"sort_target": "value", "limit": 1}, B1, more=True),
        ranged({"sort_target": "value", "limit": 1}, C1, more=True),
    ),
    "keys only": (
        ranged({"keys_only": True}, blank(A1), blank(B1), blank(C1)),
        ranged({"keys_only": True}, A1, blank(B1), blank(C1)),
    ),
    "a count": (ranged({"count_only": True}), ranged({"count_only": True}, count=2)),
    "a count that shows keys": (
        ranged({"count_only": True}),
        ranged({"count_only": True}, A1, B1, C1),
    ),
    "a least mod_revision": (
        ranged({"min_mod_revision": 4}, B1, C1),
        ranged({"min_mod_revision": 4}, C1),
    ),
    "a greatest mod_revision": (
        ranged({"max_mod_revision": 4}, A1, B1),
        ranged({"max_mod_revision": 4}, A1, B1, C1),
    ),
    "a least create_revision": (
        ranged({"min_create_revision": 3}, B1, C1),
        ranged({"min_create_revision": 3}, A1, B1, C1),
    ),
    "a greatest create_revision, cut": (
        ranged({"max_create_revision": 3, "limit": 1}, A1, more=True),
        ranged({"max_create_revision": 3, "limit": 1}, A1, more=False),
    ),
    "a limit that leaves some out": (
        ranged({"limit": 2}, A1, B1, more=True),
        ranged({"limit": 2}, A1, B1, more=False),
    ),
    "what a put found": (
        after_filling((1, "put", {**PUT_A, "prev_kv": True}, {"revision": 6, "prev_kv": A1})),
        after_filling((1, "put", {**PUT_A, "prev_kv": True}, {"revision": 6})),
    ),
    "a put that keeps the value": (
        after_filling(
            (1, "put", TOUCH_A, {"revision": 6}), (1, "get", A, found(6, kv("a", "2", 2, 6, 2)))
        ),
        after_filling(
            (1, "put", TOUCH_A, {"revision": 6}), (1, "get", A, found(6, kv("a", "", 2, 6, 2)))
        ),
    ),
    "a put that keeps the value, of a key that must be there": (
        after_filling((1, "put", TOUCH_A, {"revision": 6})),
        after_filling((1, "put", {**TOUCH_A, "key": "x"}, {"revision": 6})),
    ),
    "a put in a txn that keeps the value of a key, which must be there": (
        kept_in_txn("b"),
        kept_in_txn("x"),
    ),
    "a put of unknown outcome that keeps the value": (
        kept_by_nobody_knows("2"),
        kept_by_nobody_knows("9"),
    ),
    "a put that keeps the lease, or not": (
        leased(
            (0, "put", {**PUT_A, "ignore_lease": True}, {"revision": 4}),
            (0, "get", A, found(4, {**kv("a", "9", 2, 4, 2), "lease": 7})),
        ),
        leased(
            (0, "put", PUT_A, {"revision": 4}),
            (0, "get", A, found(4, {**kv("a", "9", 2, 4, 2), "lease": 7})),
        ),
    ),
    "what a delete took": (
        after_filling(
            (
                1,
                "delete",
                {**ALL, "prev_kv": True},
                {"revision": 6, "deleted": 3, "prev_kvs": [A1, B1, C1]},
            )
        ),
        after_filling(
            (
                1,
                "delete",
                {**ALL, "prev_kv": True},
                {"revision": 6, "deleted": 3, "prev_kvs": [A1, B1, {**C1, "version": 2}]},
            )
        ),
    ),
    "a compare of all keys of a range, one of which is not so": (
        compared(succeeded=False, **ALL, target="version", result="=", value=1),
        compared(succeeded=True, **ALL, target="version", result="=", value=1),
    ),
    "a compare of a range without keys, as of one that is absent": (
        compared(succeeded=True, key="x", range_end="z", target="create", result="=", value=0),
        compared(succeeded=False, key="x", range_end="z", target="create", result="=", value=0),
    ),
    "a compare of values of a range without keys": (
        compared(succeeded=False, key="x", range_end="z", target="value", result="!=", value="1"),
        compared(succeeded=True, key="x", range_end="z", target="value", result="!=", value="1"),
    ),
    "a compare of the lease": (
        compared(succeeded=True, key="a", target="lease", result="=", value=0),
        compared(succeeded=False, key="a", target="lease", result="=", value=0),
    ),
    "a txn in a txn, whose compares see what was before both": (
        nested(inner_succeeded=True),
        nested(inner_succeeded=False),
    ),
    "a key on a lease": (
        leased((1, "get", A, found(3, {**kv("a", "9", 2, 2, 1), "lease": 7}))),
        leased((1, "get", A, found(3, kv("a", "9", 2, 2, 1)))),
    ),
    "a revocation, with which all keys go at once": (
        leased((0, "lease-revoke", {"id": 7}, {"revision": 4}), (1, "range", ALL, found(4))),
        leased((0, "lease-revoke", {"id": 7}, {"revision": 5}), (1, "range", ALL, found(5))),
    ),
    "a revocation that leaves no key behind": (
        leased((0, "lease-revoke", {"id": 7}, {"revision": 4}), (1, "get", {"key": "b"}, found(4))),
        leased((0, "lease-revoke", {"id": 7}, {"revision": 3})),
    ),
    "a revocation after the lease had ended": (
        leased((1, "range", ALL, found(4)), (0, "lease-revoke", {"id": 7}, {"revision": 4})),
        leased((1, "range", ALL, found(4)), (0, "lease-revoke", {"id": 7}, {"revision": 5})),
    ),
    "an end that nobody asked for, in one revision": (
        leased((1, "range", ALL, found(4))),
        leased((1, "range", ALL, found(5))),
    ),
    "an end that takes all keys or none": (
        leased((1, "get", A, found(4)), (1, "get", {"key": "b"}, found(4))),
        leased(
            (1, "get", A, found(4)),
            (1, "get", {"key": "b"}, found(4, {**kv("b", "1", 3, 3, 1), "lease": 7})),
        ),
    ),
    "an end of a key that was taken off the lease": (
        leased(
            (1, "put", {"key": "b", "value": "2"}, {"revision": 4}),
            (1, "range", ALL, found(5, kv("b", "2", 3, 4, 2))),
        ),
        leased(
            (1, "put", {"key": "b", "value": "2"}, {"revision": 4}), (1, "range", ALL, found(5))
        ),
    ),
    "one end for each grant": (
        leased(
            (1, "range", ALL, found(4)),
            (0, "lease-grant", {"ttl": 3, "id": 7}, {"revision": 4, "id": 7, "ttl": 3}),
            (0, "put", {**PUT_A, "lease": 7}, {"revision": 5}),
            (1, "range", ALL, found(6)),
        ),
        leased(
            (1, "range", ALL, found(4)),
            (0, "put", {**PUT_A, "lease": 7}, {"revision": 5}),
            (1, "range", ALL, found(6)),
        ),
    ),
    "a refusal of what does not exist yet": (
        History(refused("future revision").ops[:8]),
        refused("future revision"),
    ),
    "a compaction to what does not exist yet": (
        History(refused("future revision", "compact").ops[:8]),
        refused("future revision", "compact"),
    ),
    "a compaction, below which nothing is read": (
        after_filling(
            (0, "compact", {"revision": 4}, {"revision": 5}),
            (1, "get", {**A, "revision": 4}, found(5, A1)),
        ),
        after_filling(
            (0, "compact", {"revision": 4}, {"revision": 5}),
            (1, "get", {**A, "revision": 3}, found(5, A1)),
        ),
    ),
}
"""What is right, and the same a little wrong."""


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_what_is_right_is_valid(name: str) -> None:
    assert judged(PAIRS[name][0]) is Answer.VALID


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_what_is_a_little_wrong_is_convicted(name: str) -> None:
    assert judged(PAIRS[name][1]) is Answer.INVALID


def test_a_lease_that_nobody_granted_may_end_as_often_as_it_is_used() -> None:
    put = {**PUT_A, "lease": 9}
    history = in_turn(
        (0, "put", put, {"revision": 2}),
        (1, "get", A, found(3)),
        (0, "put", put, {"revision": 4}),
        (1, "get", A, found(5)),
    )
    assert judged(history) is Answer.VALID


@pytest.mark.parametrize(
    ("asked", "expected"), [(4, Answer.INVALID), (5, Answer.INVALID), (6, Answer.VALID)]
)
def test_what_nobody_asked_to_compact_is_not_refused_as_compacted(
    asked: int, expected: Answer
) -> None:
    *filled, invoke, refusal = refused("compacted").ops
    compact = history_of((0, "invoke", "compact", {"revision": asked})).ops[0]
    ops = [*filled, msgspec.structs.replace(compact, time=10**9), invoke, refusal]
    history = History(msgspec.structs.replace(op, index=at) for at, op in enumerate(ops))
    checker = etcd_linearizable(compacts_itself=False)
    assert checker.check(history, Budget()).answer is expected
    assert judged(history) is Answer.VALID
