"""The `auth` workload, rehearsed against a store that never fails."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.authorisation import DENIED
from checkers.checker import Budget, compose
from checkers.history import History, OpType
from checkers.verdict import Answer
from harness.client import Client
from harness.plan import Plan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.auth import AuthWorkload

WORKLOAD = AuthWorkload()
PLAN = Plan(workload=WorkloadPlan(name="auth", time_limit_s=5.0, rate=300.0))


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of five seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=10))


def test_a_faultless_store_is_valid(history: History) -> None:
    checker = compose("auth", WORKLOAD.checkers(PLAN))
    assert checker.check(history, Budget()).answer is Answer.VALID


def test_users_are_made_before_they_try_anything(history: History) -> None:
    first, *others = history.operations()
    assert (first.f, first.outcome) == ("enable", OpType.OK)
    assert all(other.f != "enable" for other in others)


def test_what_is_tried_is_permitted_as_often_as_not(history: History) -> None:
    tried = [each for each in history.operations() if each.f == "as-user"]
    denied = sum(each.error is not None and each.error.endswith(DENIED) for each in tried)
    done = sum(each.outcome is OpType.OK for each in tried)
    assert len(tried) > 1000
    assert denied + done == len(tried)
    assert 0.2 < done / len(tried) < 0.8


def test_root_gives_and_takes(history: History) -> None:
    counts = Counter(each.f for each in history.operations() if each.outcome is OpType.OK)
    assert counts["grant"] > counts["revoke"] > 10
