"""Breaches of what nobody promised: told, with the reason, and not held against the store."""

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.lock import lock_exclusion
from checkers.lock_loss import how_it_was_lost
from checkers.not_promised import NotPromised
from checkers.verdict import Answer

CHECKER = NotPromised(checker=lock_exclusion(), because="leases end", explain=how_it_was_lost)
SECOND = 1_000_000_000


def acquired(index: int, at_s: int, process: int, token: int) -> list[Op]:
    value = {"lock": "a", "lease": process}
    got = {"revision": token, "key": f"a/{process}", "token": token}
    ask = Op(
        index=index,
        time=at_s * SECOND,
        process=process,
        type=OpType.INVOKE,
        f="acquire",
        value=value,
    )
    return [
        ask,
        Op(index=index + 1, time=ask.time, process=process, type=OpType.OK, f="acquire", value=got),
    ]


def granted(index: int, at_s: int, process: int) -> list[Op]:
    time, f = at_s * SECOND, "lease-grant"
    answer = {"revision": 1, "id": process, "ttl": 2}
    return [
        Op(index=index, time=time, process=process, type=OpType.INVOKE, f=f, value={"ttl": 1}),
        Op(index=index + 1, time=time, process=process, type=OpType.OK, f=f, value=answer),
    ]


def used(index: int, at_s: int, process: int, token: int) -> list[Op]:
    value = {"lock": "a", "key": f"a/{process}", "token": token, "value": 1}
    time, f = at_s * SECOND, "unguarded"
    return [
        Op(index=index, time=time, process=process, type=OpType.INVOKE, f=f, value=value),
        Op(index=index + 1, time=time, process=process, type=OpType.OK, f=f, value={"revision": 9}),
    ]


def test_two_holders_are_told_of_with_whose_lease_had_ended() -> None:
    history = History(
        [*granted(0, 1, 1), *acquired(2, 1, 1, 3), *acquired(4, 5, 2, 6), *used(6, 6, 1, 3)]
    )
    assert lock_exclusion().check(history, Budget()).answer is Answer.INVALID
    verdict = CHECKER.check(history, Budget())
    assert verdict.answer is Answer.VALID
    assert verdict.details["not promised because"] == "leases end"
    assert "had got it with token 6" in str(verdict.details["broken, but not promised"])
    why = str(verdict.details["why it came about"])
    assert "process 1 last had its lease renewed, for 2 s, 4.0 s before" in why


def test_where_no_renewal_is_known_nobody_knows() -> None:
    history = History([*acquired(2, 1, 1, 3), *acquired(4, 5, 2, 6), *used(6, 6, 1, 3)])
    details = CHECKER.check(history, Budget()).details
    assert details["why it came about"] == "nobody knows whose lease had ended"


def test_what_is_unknown_of_it_leaves_no_doubt_of_the_store() -> None:
    verdict = CHECKER.check(History([]), Budget())
    assert verdict.answer is Answer.VALID
    assert verdict.details == {"not promised, and unknown": "no lock was ever acquired"}


def test_what_holds_all_the_same_is_the_checkers_own() -> None:
    valid = CHECKER.check(History(acquired(0, 1, 1, 3)), Budget())
    assert (valid.answer, valid.details) == (Answer.VALID, {"tenures": 1, "writes": 0})
    assert CHECKER.name == "lock-exclusion"
