"""What a plan allows the judgement to spend."""

import pytest

from checkers.history import History
from checkers.verdict import Answer
from harness.plan import CheckPlan, Plan
from harness.trial import judge
from tests.checkers.linearizability.rows import history, ok

COUNT = 16
MANY, FEW = 6, 3
"""Values of a history that is hard, and of one that is hardest to remember."""


def hard_history(values: int) -> History:
    """Return a wrong history of one register, of which a search must try many orders."""
    swaps = [
        ok(
            "cas",
            [n % values, (n + n // values % (values - 1) + 1) % values],
            at=(n + 2, COUNT + n + 2),
            key="x",
        )
        for n in range(COUNT)
    ]
    end = 2 * COUNT + 2
    return history(
        ok("write", 0, at=(0, 1), key="x"),
        *swaps,
        ok("read", at=(end, end + 1), result=0, key="x"),
    )


@pytest.mark.parametrize(
    ("checks", "values", "reason"),
    [
        (CheckPlan(steps_max=100), MANY, "100 steps were not enough"),
        (CheckPlan(memory_mb_max=1), FEW, "1 MB were not enough to remember what was tried"),
    ],
)
def test_unknown_says_which_limit_of_the_plan_was_reached(
    checks: CheckPlan, values: int, reason: str
) -> None:
    verdict = judge(Plan(checks=checks), hard_history(values))

    assert verdict.answer is Answer.UNKNOWN
    assert reason in verdict.reason


def test_within_its_limits_the_judgement_is_exact() -> None:
    assert judge(Plan(), hard_history(MANY)).answer is Answer.INVALID
