"""Each promise about revisions, with a history that breaks it; and histories that keep them all."""

from random import Random

import pytest

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.mvcc import INVARIANTS, mvcc_invariants
from checkers.verdict import Answer
from tests.checkers.kv_log import Json, found, history_of, in_turn, kv
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
    ],
    "mvcc-no-empty-revision": [
        in_turn((0, "delete", GET_A, {"revision": 2, "deleted": 0})),
    ],
}


PUT_B = {"key": "b", "value": "1"}
WRITE_BOTH = {"success": [{"put": PUT_A}, {"put": PUT_B}]}


def txn_of_both(revision: int, *reads: Json) -> Json:
    return {
        "revision": revision,
        "succeeded": True,
        "responses": [{"put": {}}, {"put": {}}, *({"range": read} for read in reads)],
    }


def after_unknown(count: int, *steps: tuple[int, str, Json, Json]) -> History:
    """Return `steps`, one after the other, after so many puts of unknown outcome."""
    return history_of(
        *((100 + n, "invoke", "put", {"key": f"u{n}", "value": "1"}) for n in range(count)),
        *(
            (process, kind, f, value)
            for process, f, request, response in steps
            for kind, value in (("invoke", request), ("ok", response))
        ),
    )


def refused(error: str, *, compact: int, revision: int) -> History:
    """Return a put, a compaction, and a read of `revision` that is refused."""
    ops = after_unknown(0, (0, "put", PUT_A, {"revision": 2})).ops
    read = {"key": "a", "revision": revision}
    more = [
        (1, "invoke", "compact", {"revision": compact}, None),
        (1, "ok", "compact", {"revision": 2}, None),
        (0, "invoke", "get", read, None),
        (0, "fail", "get", None, error),
    ]
    return History(
        [
            *ops,
            *(
                Op(
                    index=at,
                    time=at * 1_000_000,
                    process=process,
                    type=OpType(kind),
                    f=f,
                    value=value,
                    error=error,
                )
                for at, (process, kind, f, value, error) in enumerate(more, start=len(ops))
            ),
        ]
    )


def hashed(process: int, value: int, compacted: int = 1) -> tuple[int, str, Json, Json]:
    answer = {"revision": 5, "hash": value, "compact_revision": compacted, "hash_revision": 5}
    return (process, "hash-kv", {"revision": 5}, answer)


ONLY = {
    "mvcc-real-time-order": after_unknown(
        3, (0, "get", GET_A, found(3)), (1, "get", GET_A, found(2))
    ),
    "mvcc-key-revisions": after_unknown(4, (0, "get", GET_A, found(3, kv("a", "1", 4, 4, 1)))),
    "mvcc-versions": after_unknown(4, (0, "get", GET_A, found(5, kv("a", "1", 3, 3, 2)))),
    "mvcc-one-content": after_unknown(
        4,
        (0, "get", GET_A, found(5, kv("a", "1", 3, 4, 2))),
        (1, "get", GET_A, found(5, kv("a", "2", 3, 4, 2))),
    ),
    "mvcc-one-write-per-revision": BROKEN["mvcc-one-write-per-revision"][0],
    "mvcc-no-empty-revision": in_turn((0, "delete", GET_A, {"revision": 2, "deleted": 0})),
    "mvcc-one-revision-per-txn": after_unknown(
        4,
        (0, "txn", WRITE_BOTH, txn_of_both(4)),
        (0, "get", {"key": "b"}, found(4, kv("b", "1", 3, 3, 1))),
    ),
    "mvcc-delete-starts-anew": after_unknown(
        4,
        (0, "delete", GET_A, {"revision": 4, "deleted": 1}),
        (0, "get", GET_A, found(5, kv("a", "1", 3, 5, 2))),
    ),
    "mvcc-history-as-replayed": in_turn(
        (0, "put", PUT_A, {"revision": 2}),
        (0, "put", PUT_B, {"revision": 3}),
        (0, "get", {"key": "a", "revision": 2}, found(3)),
    ),
    "mvcc-compaction-stands": after_unknown(
        4,
        (0, "get", {"key": "z"}, found(5)),
        (0, "compact", {"revision": 4}, {"revision": 5}),
        (1, "get", {"key": "z", "revision": 3}, found(5)),
    ),
    "mvcc-no-future-in-the-past": refused("future revision", compact=1, revision=2),
    "mvcc-equal-hashes": after_unknown(0, hashed(0, 7), hashed(1, 8)),
}
"""A history for each promise that breaks it, and no other."""


@pytest.mark.parametrize(("name", "history"), sorted(ONLY.items()))
def test_a_history_that_breaks_one_promise_is_convicted_by_that_alone(
    name: str, history: History
) -> None:
    verdict = mvcc_invariants().check(history, Budget())
    broken = [part.checker for part in verdict.parts if part.answer is Answer.INVALID]
    assert broken == [name]


def test_the_session_is_broken_by_a_process_whose_operations_nobody_else_ordered() -> None:
    """Whatever breaks the order of a session breaks that of real time: it is the weaker promise."""
    history = after_unknown(2, (0, "get", GET_A, found(3)), (0, "get", GET_A, found(2)))
    verdict = mvcc_invariants().check(history, Budget())
    broken = [part.checker for part in verdict.parts if part.answer is Answer.INVALID]
    assert broken == ["mvcc-session-order", "mvcc-real-time-order"]


def test_every_promise_has_a_history_that_breaks_it() -> None:
    names = {invariant.name for invariant in INVARIANTS}
    assert names - ONLY.keys() == {"mvcc-session-order"}


def test_what_was_compacted_is_refused_and_that_is_right() -> None:
    history = refused("compacted", compact=2, revision=1)
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID


def test_a_refusal_as_compacted_binds_later_reads() -> None:
    ops = refused("compacted", compact=1, revision=2).ops
    at = len(ops)
    read = {"key": "a", "revision": 1}
    more = [
        Op(index=at, time=at * 10**6, process=0, type=OpType.INVOKE, f="get", value=read),
        Op(index=at + 1, time=at * 10**6, process=0, type=OpType.OK, f="get", value=found(2)),
    ]
    verdict = mvcc_invariants().check(History([*ops, *more]), Budget())
    broken = [part.checker for part in verdict.parts if part.answer is Answer.INVALID]
    assert broken == ["mvcc-compaction-stands"]


def test_hashes_of_different_compactions_are_not_compared() -> None:
    history = after_unknown(0, hashed(0, 7), hashed(1, 8, compacted=2))
    assert mvcc_invariants().check(history, Budget()).answer is not Answer.INVALID


def test_a_txn_that_reads_what_it_put_sees_its_own_revision() -> None:
    request = {"success": [*WRITE_BOTH["success"], {"range": GET_A}]}
    seen = {"kvs": [kv("a", "1", 3, 3, 1)], "count": 1}
    history = after_unknown(4, (0, "txn", request, txn_of_both(4, seen)))
    verdict = mvcc_invariants().check(history, Budget())
    broken = [part.checker for part in verdict.parts if part.answer is Answer.INVALID]
    assert broken == ["mvcc-one-revision-per-txn"]


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
    history = in_turn((0, "conquer", {"revision": 3}, {}))
    assert mvcc_invariants().check(history, Budget()).answer is Answer.UNKNOWN


def test_an_unanswered_history_is_unknown() -> None:
    history = history_of((0, "invoke", "put", PUT_A), (0, "info", "put", None))
    assert INVARIANTS[0].check(history, Budget()).answer is Answer.UNKNOWN


@pytest.mark.parametrize("seed", range(40))
def test_a_store_that_does_everything_right_breaks_no_promise(seed: int) -> None:
    shape = Shape(op_count=300, process_count=6, key_count=4, refusable_txns=False)
    history = simulate(Random(seed), shape)
    assert mvcc_invariants().check(history, Budget()).answer is Answer.VALID
