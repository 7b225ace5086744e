"""Small kv histories, each judged for one reason."""

import pytest

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability.revisions import etcd_linearizable
from checkers.verdict import Answer, Evidence, Verdict
from tests.checkers.kv_log import found, history_of, in_turn, kv


def judge(history: History, steps_max: int = 100_000) -> Verdict:
    """Return the checker's verdict."""
    return etcd_linearizable().check(history, Budget(steps_max=steps_max))


def conviction(history: History) -> Evidence:
    """Return the evidence against `history`."""
    verdict = judge(history)
    assert verdict.evidence is not None, "it is convicted, with evidence"
    return verdict.evidence


def put(key: str, value: str) -> dict[str, object]:
    """Return the request."""
    return {"key": key, "value": value}


ALL = {"key": "a", "range_end": "\0"}
A = {"key": "a"}

VALID = {
    "a read sees the write before it": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (1, "get", A, found(2, kv("a", "1", 2, 2, 1))),
    ),
    "an old read sees the past with the header of now": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("a", "2"), {"revision": 3}),
        (1, "get", {"key": "a", "revision": 2}, found(3, kv("a", "1", 2, 2, 1))),
    ),
    "a serializable read may lag": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (1, "get", {"key": "a", "serializable": True}, found(1)),
    ),
    "overlapping writes may take revisions in either order": history_of(
        (0, "invoke", "put", put("a", "1")),
        (1, "invoke", "put", put("a", "2")),
        (0, "ok", "put", {"revision": 3}),
        (1, "ok", "put", {"revision": 2}),
    ),
    "an unknown write may have happened": history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(2, kv("a", "1", 2, 2, 1))),
    ),
    "an unknown write may not have happened": history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(1)),
    ),
    "an unknown write may happen late": history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(1)),
        (1, "invoke", "put", put("b", "1")),
        (1, "ok", "put", {"revision": 3}),
    ),
    "an unknown write in flight at the end may have happened": history_of(
        (0, "invoke", "put", put("a", "1")),
        (1, "invoke", "put", put("b", "1")),
        (1, "ok", "put", {"revision": 3}),
    ),
    "an unanswered read means nothing": history_of(
        (0, "invoke", "get", A),
        (0, "info", "get", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(1)),
    ),
    "a failed write means nothing": history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "fail", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(1)),
    ),
    "a range sees a txn as a whole": in_turn(
        (
            0,
            "txn",
            {"success": [{"put": put("a", "1")}, {"put": put("b", "1")}]},
            {"revision": 2, "succeeded": True, "responses": [{"put": {}}, {"put": {}}]},
        ),
        (1, "range", ALL, found(2, kv("a", "1", 2, 2, 1), kv("b", "1", 2, 2, 1))),
    ),
    "of two unknown writes the version tells which happened": history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "put", put("b", "1")),
        (1, "info", "put", None),
        (2, "invoke", "put", put("a", "2")),
        (2, "ok", "put", {"revision": 3}),
        (2, "invoke", "range", ALL),
        (2, "ok", "range", found(3, kv("a", "2", 2, 3, 2))),
    ),
}

INVALID = {
    "revision-claimed-twice": history_of(
        (0, "invoke", "put", put("a", "1")),
        (1, "invoke", "put", put("a", "2")),
        (0, "ok", "put", {"revision": 2}),
        (1, "ok", "put", {"revision": 2}),
    ),
    "impossible-revision": in_turn((0, "put", put("a", "1"), {"revision": 1})),
    "real-time-order": in_turn((0, "put", put("a", "1"), {"revision": 2}), (1, "get", A, found(1))),
    "missing-revisions": in_turn(
        (0, "put", put("a", "1"), {"revision": 3}),
    ),
    "unexplained-revision": history_of(
        (0, "invoke", "put", put("b", "1")),
        (0, "info", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(2, kv("a", "1", 2, 2, 1))),
    ),
    "wrong-answer": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (1, "get", A, found(2, kv("a", "2", 2, 2, 1))),
    ),
}

WRONG_ANSWERS = {
    "a stale value": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("a", "2"), {"revision": 3}),
        (1, "get", A, found(3, kv("a", "1", 2, 2, 1))),
    ),
    "a wrong version": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("a", "2"), {"revision": 3}),
        (1, "get", A, found(3, kv("a", "2", 2, 3, 3))),
    ),
    "a version that survives a delete": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "delete", A, {"revision": 3, "deleted": 1}),
        (0, "put", put("a", "2"), {"revision": 4}),
        (1, "get", A, found(4, kv("a", "2", 2, 4, 2))),
    ),
    "a range that misses a key": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("b", "1"), {"revision": 3}),
        (1, "range", ALL, found(3, kv("b", "1", 3, 3, 1))),
    ),
    "a range that sees half a txn": in_turn(
        (
            0,
            "txn",
            {"success": [{"put": put("a", "1")}, {"put": put("b", "1")}]},
            {"revision": 2, "succeeded": True, "responses": [{"put": {}}, {"put": {}}]},
        ),
        (1, "range", ALL, found(2, kv("a", "1", 2, 2, 1))),
    ),
    "a count that ignores what the limit left out": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("b", "1"), {"revision": 3}),
        (1, "range", {**ALL, "limit": 1}, found(3, kv("a", "1", 2, 2, 1))),
    ),
    "an old read of new content": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "put", put("a", "2"), {"revision": 3}),
        (1, "get", {"key": "a", "revision": 2}, found(3, kv("a", "2", 2, 3, 2))),
    ),
    "a serializable read of what never was": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (1, "get", {"key": "a", "serializable": True}, found(2, kv("a", "3", 2, 2, 1))),
    ),
    "a delete of nothing that deleted something": in_turn(
        (0, "delete", A, {"revision": 2, "deleted": 1}),
    ),
    "a delete of something that deleted nothing": in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (0, "delete", A, {"revision": 2, "deleted": 0}),
    ),
    "a txn that took the wrong branch": in_turn(
        (
            0,
            "txn",
            {
                "compare": [{"key": "a", "target": "version", "result": "=", "value": 0}],
                "success": [{"put": put("a", "1")}],
            },
            {"revision": 1, "succeeded": False, "responses": []},
        ),
    ),
    "a txn that does not see its own write": in_turn(
        (
            0,
            "txn",
            {"success": [{"put": put("a", "1")}, {"range": A}]},
            {
                "revision": 2,
                "succeeded": True,
                "responses": [{"put": {}}, {"range": {"kvs": [], "count": 0}}],
            },
        ),
    ),
}


@pytest.mark.parametrize("story", VALID)
def test_a_linearizable_history_is_valid(story: str) -> None:
    assert judge(VALID[story]).answer is Answer.VALID


@pytest.mark.parametrize("kind", INVALID)
def test_a_contradiction_is_convicted_by_its_kind(kind: str) -> None:
    assert conviction(INVALID[kind]).facts["kind"] == kind


@pytest.mark.parametrize("story", WRONG_ANSWERS)
def test_a_wrong_answer_is_convicted(story: str) -> None:
    assert conviction(WRONG_ANSWERS[story]).facts["kind"] == "wrong-answer"


def test_a_serializable_read_is_bounded_by_its_return() -> None:
    history = in_turn(
        (0, "get", {"key": "a", "serializable": True}, found(2)),
        (1, "delete", A, {"revision": 2, "deleted": 1}),
    )
    assert conviction(history).facts["kind"] == "real-time-order"


def test_a_serializable_read_bounds_later_linearizable_ones() -> None:
    history = history_of(
        (0, "invoke", "put", put("a", "1")),
        (1, "invoke", "get", {"key": "a", "serializable": True}),
        (1, "ok", "get", found(2, kv("a", "1", 2, 2, 1))),
        (2, "invoke", "get", A),
        (2, "ok", "get", found(1)),
        (0, "ok", "put", {"revision": 2}),
    )
    assert conviction(history).operations == (1, 3)


def test_a_read_of_a_future_revision_cannot_be_answered() -> None:
    history = in_turn((0, "get", {"key": "a", "revision": 2}, found(1)))
    assert conviction(history).facts["kind"] == "impossible-revision"


def test_an_unknown_write_must_have_been_called_before_it_was_seen() -> None:
    history = history_of(
        (1, "invoke", "get", A),
        (1, "ok", "get", found(2, kv("a", "1", 2, 2, 1))),
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
    )
    assert conviction(history).facts["kind"] == "missing-revisions"


def test_one_unknown_write_cannot_fill_two_gaps() -> None:
    history = history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(3, kv("a", "1", 2, 3, 2))),
    )
    assert conviction(history).facts["kind"] == "missing-revisions"


def test_a_read_in_a_writing_txn_cannot_see_the_revision_that_the_txn_makes() -> None:
    history = in_turn(
        (
            0,
            "txn",
            {"success": [{"put": put("a", "1")}, {"range": {"key": "b", "revision": 2}}]},
            {
                "revision": 2,
                "succeeded": True,
                "responses": [{"put": {}}, {"range": {"kvs": [], "count": 0}}],
            },
        ),
    )
    assert conviction(history).facts["kind"] == "impossible-revision"


def test_a_limit_shows_another_key_when_an_unknown_delete_took_the_first() -> None:
    history = history_of(
        (0, "invoke", "put", put("c", "1")),
        (0, "info", "put", None),
        (1, "invoke", "delete", A),
        (1, "info", "delete", None),
        (2, "invoke", "put", put("a", "1")),
        (2, "ok", "put", {"revision": 2}),
        (2, "invoke", "put", put("b", "1")),
        (2, "ok", "put", {"revision": 3}),
        (2, "invoke", "range", {**ALL, "limit": 1}),
        (
            2,
            "ok",
            "range",
            {"revision": 4, "kvs": [kv("b", "1", 3, 3, 1)], "count": 1, "more": False},
        ),
    )
    assert judge(history).answer is Answer.VALID


def test_gaps_that_need_the_same_unknown_write_are_convicted() -> None:
    history = history_of(
        (0, "invoke", "put", put("a", "1")),
        (0, "info", "put", None),
        (1, "invoke", "put", put("b", "1")),
        (1, "info", "put", None),
        (2, "invoke", "range", ALL),
        (2, "ok", "range", found(3, kv("a", "1", 2, 3, 2))),
    )
    assert judge(history).answer is Answer.INVALID


def test_a_gap_is_told_apart_from_what_else_is_wrong() -> None:
    history = history_of(
        (0, "invoke", "put", put("b", "1")),
        (0, "info", "put", None),
        (1, "invoke", "put", put("a", "1")),
        (1, "ok", "put", {"revision": 3}),
        (1, "invoke", "get", A),
        (1, "ok", "get", found(3, kv("a", "2", 3, 3, 1))),
    )
    assert conviction(history).operations == (2, 4)


def test_the_story_of_a_stale_read_names_everybody() -> None:
    history = in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (3, "put", put("a", "2"), {"revision": 3}),
        (7, "get", A, found(3, kv("a", "1", 2, 2, 1))),
    )
    assert conviction(history).story == (
        "process 7's get a (0.004000 s to 0.005000 s) at revision 3 saw"
        " a = '1' (create_revision 2, mod_revision 2, version 1); expected"
        " a = '2' (create_revision 2, mod_revision 3, version 2), written by"
        " process 3's put a = '2' (0.002000 s to 0.003000 s); revision 2, which it saw, was"
        " process 0's put a = '1' (0.000000 s to 0.001000 s)"
    )


def test_the_operations_of_a_stale_read_are_read_and_writes() -> None:
    history = in_turn(
        (0, "put", put("a", "1"), {"revision": 2}),
        (3, "put", put("a", "2"), {"revision": 3}),
        (7, "get", A, found(3, kv("a", "1", 2, 2, 1))),
    )
    assert conviction(history).operations == (0, 2, 4)


def test_values_with_braces_do_not_disturb_the_story() -> None:
    history = in_turn(
        (0, "put", put("a", "{0}"), {"revision": 2}),
        (1, "get", A, found(2, kv("a", "{1}", 2, 2, 1))),
    )
    assert "saw a = '{1}'" in conviction(history).story


def test_a_history_of_something_else_is_unknown() -> None:
    history = in_turn((0, "conquer", {"revision": 3}, {}))
    assert judge(history).reason == (
        "cannot read the history: operation 0: 'conquer' is not an operation of etcd's"
        " key-value API"
    )


def test_a_history_without_answers_is_unknown() -> None:
    history = history_of((0, "invoke", "put", put("a", "1")), (0, "info", "put", None))
    assert judge(history).answer is Answer.UNKNOWN


def test_an_absurd_revision_is_convicted_without_counting_up_to_it() -> None:
    history = in_turn((0, "put", put("a", "1"), {"revision": 1 << 60}))
    assert conviction(history).facts["kind"] == "missing-revisions"
