"""Each promise about revisions, with a history that breaks it; and histories that keep them all."""

from random import Random

import pytest

from checkers.checker import Budget
from checkers.history import History
from checkers.mvcc import INVARIANTS, mvcc_invariants
from checkers.verdict import Answer
from tests.checkers.kv_log import found, history_of, in_turn, kv
from tests.checkers.linearizability.kv_histories import Shape, simulate

PUT_A = {"key": "a", "value": "1"}
GET_A = {"key": "a"}

BROKEN = {
    "mvcc-session-order": [
        in_turn((0, "put", PUT_A, {"revision": 3}), (0, "get", GET_A, found(2))),
    ],
    "mvcc-real-time-order": [
        in_turn((0, "put", PUT_A, {"revision": 3}), (1, "get", GET_A, found(2))),
        in_turn((0, "get", GET_A, found(3)), (1, "put", PUT_A, {"revision": 3})),
        in_turn(
            (0, "get", {"key": "a", "serializable": True}, found(3)), (1, "get", GET_A, found(2))
        ),
    ],
    "mvcc-key-revisions": [
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 4, 3, 1)))),
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 6, 6, 1)))),
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 1, 3, 2)))),
        in_turn((0, "get", {"key": "a", "revision": 3}, found(5, kv("a", "1", 4, 4, 1)))),
    ],
    "mvcc-versions": [
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 3, 3, 2)))),
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 3, 5, 1)))),
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 3, 5, 4)))),
        in_turn((0, "get", GET_A, found(5, kv("a", "1", 3, 3, 0)))),
    ],
    "mvcc-one-content": [
        in_turn(
            (0, "get", GET_A, found(5, kv("a", "1", 3, 4, 2))),
            (1, "range", {"key": "a", "range_end": "c"}, found(5, kv("a", "2", 3, 4, 2))),
        ),
        in_turn(
            (0, "get", GET_A, found(5, kv("a", "1", 3, 4, 2))),
            (
                1,
                "txn",
                {"success": [{"range": {"key": "a"}}]},
                {
                    "revision": 5,
                    "succeeded": True,
                    "responses": [{"range": {"kvs": [kv("a", "1", 2, 4, 2)], "count": 1}}],
                },
            ),
        ),
    ],
    "mvcc-one-write-per-revision": [
        history_of(
            (0, "invoke", "put", PUT_A),
            (1, "invoke", "put", PUT_A),
            (0, "ok", "put", {"revision": 2}),
            (1, "ok", "put", {"revision": 2}),
        ),
        in_turn((0, "delete", GET_A, {"revision": 2, "deleted": 0})),
    ],
}


@pytest.mark.parametrize(
    ("name", "history"),
    [(name, history) for name, histories in sorted(BROKEN.items()) for history in histories],
)
def test_a_broken_promise_is_convicted_by_its_name(name: str, history: History) -> None:
    verdict = mvcc_invariants().check(history, Budget())
    broken = [part.checker for part in verdict.parts if part.answer is Answer.INVALID]
    assert name in broken


def test_the_evidence_names_both_operations_and_their_revisions() -> None:
    history = in_turn((0, "put", PUT_A, {"revision": 3}), (1, "get", GET_A, found(2)))
    verdict = mvcc_invariants().check(history, Budget())
    evidence = [part.evidence for part in verdict.parts if part.checker == "mvcc-real-time-order"]
    assert evidence[0] is not None
    assert evidence[0].operations == (0, 2)
    assert evidence[0].story == (
        "process 0's put a = '1' (0.000000 s to 0.001000 s) with revision 3 had returned when"
        " process 1's get a (0.002000 s to 0.003000 s) with revision 2"
    )


def test_a_serializable_read_may_see_the_past() -> None:
    history = in_turn(
        (0, "put", PUT_A, {"revision": 2}),
        (0, "get", {"key": "a", "serializable": True}, found(1)),
    )
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID


def test_revisions_of_unknown_writes_are_no_surprise() -> None:
    history = history_of(
        (0, "invoke", "put", PUT_A),
        (0, "info", "put", None),
        (1, "invoke", "delete", GET_A),
        (1, "ok", "delete", {"revision": 3, "deleted": 1}),
    )
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID


def test_an_unreadable_history_is_unknown() -> None:
    history = in_turn((0, "compact", {"revision": 3}, {}))
    assert mvcc_invariants().check(history, Budget()).answer is Answer.UNKNOWN


def test_an_unanswered_history_is_unknown() -> None:
    history = history_of((0, "invoke", "put", PUT_A), (0, "info", "put", None))
    assert INVARIANTS[0].check(history, Budget()).answer is Answer.UNKNOWN


@pytest.mark.parametrize("seed", range(40))
def test_a_store_that_does_everything_right_breaks_no_promise(seed: int) -> None:
    shape = Shape(op_count=300, process_count=6, key_count=4, refusable_txns=False)
    history = simulate(Random(seed), shape)
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID
