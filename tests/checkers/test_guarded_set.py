"""Sets that the holders of locks add to: what is lost, with a fence and without one."""

import pytest

from checkers.checker import Budget
from checkers.guarded_set import GuardedSet
from checkers.history import History, Op, OpType
from checkers.verdict import Answer

FENCED, PLAIN = GuardedSet("fenced", is_fenced=True), GuardedSet("plain", is_fenced=False)


def history(f: str, *, shown: list[int], outcome: OpType = OpType.OK) -> History:
    value = {"lock": "a", "key": "a/1", "token": 2, "set": "s", "value": 5}
    ops = [
        Op(index=3, time=3, process=0, type=OpType.INVOKE, f=f, value=value),
        Op(index=4, time=4, process=0, type=outcome, f=f),
        Op(index=5, time=5, process=1, type=OpType.INVOKE, f="read", key="s"),
        Op(index=6, time=6, process=1, type=OpType.OK, f="read", key="s", value=shown),
        Op(index=7, time=7, process=1, type=OpType.INVOKE, f="read", key="other"),
        Op(index=8, time=8, process=1, type=OpType.OK, f="read", key="other", value=[9]),
    ]
    return History(ops)


@pytest.mark.parametrize(("checker", "f"), [(FENCED, "guarded"), (PLAIN, "unguarded")])
def test_an_addition_that_is_gone_convicts_and_points_to_it(checker: GuardedSet, f: str) -> None:
    assert checker.check(history(f, shown=[5]), Budget()).answer is Answer.VALID
    verdict = checker.check(history(f, shown=[]), Budget())
    assert verdict.answer is Answer.INVALID
    assert verdict.evidence is not None
    assert verdict.evidence.operations == (3, 5)


def test_an_addition_of_the_other_kind_does_not_count() -> None:
    assert FENCED.check(history("unguarded", shown=[]), Budget()).answer is Answer.UNKNOWN


def test_an_addition_that_failed_and_is_seen_convicts() -> None:
    verdict = FENCED.check(history("guarded", shown=[5], outcome=OpType.FAIL), Budget())
    assert verdict.answer is Answer.INVALID
