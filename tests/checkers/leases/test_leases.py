"""Each promise about leases: a history that breaks it, and that nothing else objects to."""

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import NEMESIS, History, Op, OpType
from checkers.leases.checker import PROMISES, LeaseChecker
from checkers.leases.lifetime import Bounds
from checkers.verdict import Answer, Verdict
from checkers.watch_history import Create, Created, Delivery, Event, EventKind, WatchRecord
from tests.checkers.timeline import Row, history_of, kinds

TTL = 3
GRANT = Row(0, 0.1, 0, "lease-grant", {"ttl": TTL}, {"revision": 1, "id": 7, "ttl": TTL})
ATTACH = Row(0.2, 0.3, 0, "put", {"key": "a", "value": "1", "lease": 7}, {"revision": 2})
ATTACH_B = Row(0.3, 0.4, 0, "put", {"key": "b", "value": "1", "lease": 7}, {"revision": 3})


def keep_alive(call_s: float, ret_s: float, ttl: int = TTL) -> Row:
    return Row(
        call_s, ret_s, 1, "lease-keep-alive", {"id": 7}, {"revision": 3, "id": 7, "ttl": ttl}
    )


def get(call_s: float, key: str = "a", *, found: bool, revision: int = 9) -> Row:
    kv = {"key": key, "value": "1", "create_revision": 2, "mod_revision": 2, "version": 1}
    kvs = [kv | {"lease": 7}] if found else []
    answer = {"revision": revision, "kvs": kvs, "count": len(kvs)}
    return Row(call_s, call_s + 0.1, 2, "get", {"key": key}, answer)


def time_to_live(call_s: float, ttl: int, granted: int = TTL) -> Row:
    answer = {"revision": 3, "id": 7, "ttl": ttl, "granted_ttl": granted}
    return Row(call_s, call_s + 0.1, 3, "lease-time-to-live", {"id": 7}, answer)


def revoke(call_s: float, outcome: OpType = OpType.OK, error: str | None = None) -> Row:
    answer = {"revision": 3} if outcome is OpType.OK else None
    return Row(call_s, call_s + 0.1, 4, "lease-revoke", {"id": 7}, answer, error, outcome)


def deletions(*events: tuple[float, int, str]) -> list[WatchRecord]:
    records: list[WatchRecord] = [
        Create(time=0, watcher=0, stream=0, key="a", range_end="z", start_revision=4),
        Created(time=0, watcher=0, revision=1),
    ]
    for seconds, revision, key in events:
        event = Event(EventKind.DELETE, key, revision)
        records.append(
            Delivery(time=round(seconds * 1e9), watcher=0, revision=revision, events=(event,))
        )
    return records


def judge(*rows: Row, records: list[WatchRecord] | None = None) -> Verdict:
    checker = LeaseChecker(records=records or [], bounds=Bounds(outlive_ns=10**9))
    return checker.check(history_of(rows), Budget())


EARLY = {"lease-not-early": "lease-died-early"}
LATE = {"lease-not-late": "lease-outlived"}
ROSE = {"lease-stays-gone": "lease-rose"}
PIECES = {"lease-whole": "lease-in-pieces"}


@pytest.mark.parametrize(
    ("rows", "records", "convicted"),
    [
        pytest.param([GRANT, ATTACH, get(1.0, found=False)], [], EARLY, id="key gone"),
        pytest.param([GRANT, time_to_live(1.0, -1, 0)], [], EARLY, id="no time to live"),
        pytest.param(
            [GRANT, revoke(1.0, OpType.FAIL, "lease not found")],
            [],
            EARLY,
            id="revoke finds nothing",
        ),
        pytest.param([GRANT, keep_alive(1, 1.1, 0)], [], EARLY, id="keep-alive finds nothing"),
        pytest.param(
            [GRANT, ATTACH, keep_alive(2.0, 2.1)],
            deletions((4.0, 4, "a")),
            EARLY,
            id="deleted though a keep-alive invoked before returned TTL > 0 (etcd 15247)",
        ),
        pytest.param(
            [
                GRANT,
                Row(
                    1,
                    1.1,
                    0,
                    "put",
                    {"key": "a", "value": "", "lease": 7},
                    None,
                    "lease not found",
                    OpType.FAIL,
                ),
            ],
            [],
            EARLY,
            id="put finds nothing",
        ),
        pytest.param([GRANT, ATTACH, get(9.0, found=True)], [], LATE, id="key still there"),
        pytest.param([GRANT, time_to_live(9.0, 1)], [], LATE, id="still has time"),
        pytest.param(
            [GRANT, ATTACH, get(4.0, found=False), get(4.2, found=True)], [], ROSE, id="key back"
        ),
        pytest.param(
            [GRANT, revoke(0.5), keep_alive(1.0, 1.1)], [], ROSE, id="kept alive when revoked"
        ),
        pytest.param(
            [GRANT, revoke(0.5), time_to_live(1.0, 2)], [], ROSE, id="has time when revoked"
        ),
        pytest.param(
            [GRANT, ATTACH, ATTACH_B],
            deletions((4.0, 4, "a"), (4.1, 5, "b")),
            PIECES,
            id="two revisions",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                ATTACH_B,
                Row(
                    3.5,
                    3.6,
                    2,
                    "range",
                    {"key": "a", "range_end": "z"},
                    {"revision": 9, "kvs": [{"key": "b", "lease": 7}], "count": 1},
                ),
            ],
            [],
            PIECES,
            id="half of its keys",
        ),
        pytest.param(
            [GRANT, time_to_live(1.0, 3, 4)], [], {"lease-ttl": "impossible-ttl"}, id="granted"
        ),
        pytest.param(
            [GRANT, keep_alive(1, 1.1, 5)], [], {"lease-ttl": "impossible-ttl"}, id="more time"
        ),
    ],
)
def test_an_anomaly_breaks_its_promise_and_no_other(
    rows: list[Row], records: list[WatchRecord], convicted: dict[str, str]
) -> None:
    assert kinds(judge(*rows, records=records)) == convicted


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([GRANT, ATTACH, get(3.2, found=False)], id="dies in its time"),
        pytest.param([GRANT, ATTACH, get(2.9, found=False)], id="a fast clock"),
        pytest.param([GRANT, ATTACH, keep_alive(2, 2.1), get(4.9, found=True)], id="is renewed"),
        pytest.param([GRANT, ATTACH, get(4.0, found=True)], id="a little late"),
        pytest.param(
            [GRANT, ATTACH, revoke(0.5, OpType.INFO), get(1.0, found=False)],
            id="a revocation of unknown outcome",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                keep_alive(1, 1.1)._replace(outcome=OpType.INFO, answer=None),
                get(20.0, found=True),
            ],
            id="a keep-alive of unknown outcome",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                Row(0.5, 0.6, 3, "delete", {"key": "a"}, {"revision": 3, "deleted": 1}),
                get(1.0, found=False),
            ],
            id="a client deleted the key",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                Row(0.5, 0.6, 3, "delete", {"key": "", "range_end": "\0"}, outcome=OpType.INFO),
                get(1.0, found=False),
            ],
            id="a client may have deleted the key",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                Row(0.5, 0.6, 3, "put", {"key": "a", "value": "2"}, {"revision": 3}),
                Row(
                    9,
                    9.1,
                    3,
                    "get",
                    {"key": "a"},
                    {"revision": 3, "kvs": [{"key": "a", "lease": 0}], "count": 1},
                ),
            ],
            id="a put without the lease let the key go",
        ),
        pytest.param(
            [
                GRANT,
                ATTACH,
                Row(
                    9,
                    9.1,
                    2,
                    "get",
                    {"key": "a", "serializable": True},
                    {"revision": 2, "kvs": [{"key": "a", "lease": 7}], "count": 1},
                ),
            ],
            id="a stale read proves nothing",
        ),
        pytest.param(
            [GRANT, ATTACH, revoke(3.3), keep_alive(3.35, 3.6), get(3.9, found=False)],
            id="a keep-alive at the same time as the revocation",
        ),
    ],
)
def test_what_may_happen_is_valid(rows: list[Row]) -> None:
    assert judge(*rows).answer is Answer.VALID


def test_all_keys_of_a_lease_in_one_revision_are_valid() -> None:
    records = deletions((4.0, 4, "a"), (4.0, 4, "b"))

    assert judge(GRANT, ATTACH, ATTACH_B, records=records).answer is Answer.VALID


AGAIN = Row(5, 5.1, 0, "lease-grant", {"ttl": TTL, "id": 7}, GRANT.answer)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([GRANT, keep_alive(4, 4.1, 0), AGAIN, keep_alive(6, 6.1)], id="rises"),
        pytest.param([GRANT, ATTACH, AGAIN, get(5.5, found=False)], id="loses its keys"),
        pytest.param([GRANT, keep_alive(4.9, 5.05, 0), AGAIN], id="at the same time"),
        pytest.param([GRANT, revoke(1), AGAIN._replace(call_s=2, ret_s=2.1)], id="when revoked"),
        pytest.param(
            [
                GRANT,
                AGAIN._replace(outcome=OpType.INFO, answer=None),
                keep_alive(9, 9.1, 0),
                keep_alive(9.2, 9.3),
            ],
            id="perhaps, and who knows when",
        ),
    ],
)
def test_an_id_that_is_granted_again_is_another_lease(rows: list[Row]) -> None:
    assert kinds(judge(*rows)) == {}


def test_an_id_that_is_granted_again_dies_early_all_the_same() -> None:
    assert kinds(judge(GRANT, AGAIN, time_to_live(5.5, -1, 0))) == EARLY


def kept(call_s: float, key: str = "a") -> Row:
    put = {"key": key, "value": "2", "ignore_lease": True}
    return Row(call_s, call_s + 0.1, 5, "put", put, {"revision": 8})


def test_a_put_that_keeps_the_lease_saw_it_there() -> None:
    assert kinds(judge(GRANT, ATTACH, revoke(1.0), kept(2.0))) == ROSE
    assert kinds(judge(GRANT, ATTACH, kept(2.0), revoke(3.0))) == {}


def test_a_put_that_keeps_the_lease_leaves_its_key_on_it() -> None:
    assert kinds(judge(GRANT, ATTACH, kept(0.5), get(1.0, found=False))) == EARLY


def disturbed(*rows: Row, at_s: float) -> History:
    """Return a history in which the nemesis did something, last at this time."""
    ops = list(history_of(rows).ops)
    time = round(at_s * 1e9)
    place = sum(op.time < time for op in ops)
    fault = Op(index=0, time=time, process=NEMESIS, type=OpType.INFO, f="kill")
    ops.insert(place, fault)
    return History(msgspec.structs.replace(op, index=at) for at, op in enumerate(ops))


@pytest.mark.parametrize(
    ("fault_s", "seen_s", "is_late"), [(6.0, 5.0, False), (2.0, 6.1, False), (2.0, 6.3, True)]
)
def test_a_fault_counts_as_a_renewal_and_only_what_comes_after_the_last_is_late(
    fault_s: float, seen_s: float, *, is_late: bool
) -> None:
    history = disturbed(GRANT, ATTACH, get(seen_s, found=True), at_s=fault_s)
    checker = LeaseChecker(bounds=Bounds(outlive_ns=10**9))

    assert kinds(checker.check(history, Budget())) == (LATE if is_late else {})


def test_without_a_bound_no_lease_is_late() -> None:
    history = history_of([GRANT, ATTACH, get(99.0, found=True)])

    assert LeaseChecker().check(history, Budget()).answer is Answer.VALID


def test_every_promise_has_an_anomaly() -> None:
    shown = {*EARLY, *LATE, *ROSE, *PIECES, "lease-ttl"}

    assert shown == {name for name, _ in PROMISES}


def test_a_malformed_answer_is_unknown() -> None:
    assert judge(GRANT._replace(answer={"id": "x"})).answer is Answer.UNKNOWN
