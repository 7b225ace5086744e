"""Several checkers as one."""

from dataclasses import dataclass

import pytest

from checkers.checker import Budget, compose
from checkers.history import History
from checkers.verdict import Answer, Evidence, Verdict, invalid, valid

EMPTY = History([])
BUDGET = Budget(steps_max=10)
EVIDENCE = Evidence(operations=(0,), story="op 0 is wrong")


@dataclass(frozen=True)
class Says:
    """A checker with its mind made up."""

    name: str
    verdict: Verdict

    def check(self, history: History, budget: Budget) -> Verdict:  # noqa: ARG002 - made up
        return self.verdict


@dataclass(frozen=True)
class Raises:
    """A checker with a bug."""

    name: str
    error: Exception

    def check(self, history: History, budget: Budget) -> Verdict:  # noqa: ARG002 - it crashes
        raise self.error


def test_every_checker_is_asked_and_the_worst_answer_counts() -> None:
    good, bad = valid("good"), invalid("bad", "stale read", EVIDENCE)

    verdict = compose("all", [Says("good", good), Says("bad", bad)]).check(EMPTY, BUDGET)

    assert (verdict.checker, verdict.answer) == ("all", Answer.INVALID)
    assert verdict.parts == (good, bad)


def test_a_checker_that_crashes_is_unknown_with_its_exception() -> None:
    checker = compose("all", [Raises("odd", KeyError("x")), Says("good", valid("good"))])

    verdict = checker.check(EMPTY, BUDGET)

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason == "odd: the checker crashed: KeyError: 'x'"
    assert verdict.parts[1] == valid("good")


def test_a_crash_does_not_hide_a_conviction() -> None:
    bad = invalid("bad", "stale read", EVIDENCE)

    verdict = compose("all", [Raises("odd", RecursionError()), Says("bad", bad)]).check(
        EMPTY, BUDGET
    )

    assert verdict.answer is Answer.INVALID


def test_a_broken_assertion_stops_us() -> None:
    with pytest.raises(AssertionError, match="our own bug"):
        compose("all", [Raises("odd", AssertionError("our own bug"))]).check(EMPTY, BUDGET)


def test_no_checkers_do_not_pass() -> None:
    assert compose("all", []).check(EMPTY, BUDGET).answer is Answer.UNKNOWN


def test_a_budget_has_at_least_one_step() -> None:
    with pytest.raises(AssertionError, match="without a step"):
        Budget(steps_max=0)
