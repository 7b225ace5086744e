"""What a trial comes to in numbers, where it was cut short."""

import pytest

from checkers.history import History, Op, OpType
from checkers.verdict import Evidence, Verdict, invalid, valid
from harness.compare.figures import measure
from harness.plan import Plan, WorkloadPlan
from nodeimpl.ids import MILLISECOND

PLAN = Plan(workload=WorkloadPlan(time_limit_s=30.0))
CONVICTED = invalid("raft", "two leaders", Evidence(operations=(), story="two leaders"))


def half_a_second_of_reads() -> History:
    """Return 50 reads, one every 10 ms, the last answered at 500 ms."""
    types = (OpType.INVOKE, OpType.OK)
    return History(
        [
            Op(index=place, time=(place + 1) * 5 * MILLISECOND, process=1, type=types[place % 2],
               f="read", key="r")
            for place in range(100)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "ok_per_s"), [(CONVICTED, 100.0), (valid("raft"), 50 / 30)], ids=["cut", "whole"]
)
def test_a_rate_is_that_of_the_time_that_the_load_lasted(verdict: Verdict, ok_per_s: float) -> None:
    measured = measure(PLAN, "plan", half_a_second_of_reads(), (), roles=(), verdict=verdict)

    assert measured.trial.ok_per_s == pytest.approx(ok_per_s)
