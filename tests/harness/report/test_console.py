"""What a run prints."""

from checkers.verdict import valid
from harness.plan import Plan, WorkloadPlan
from harness.report.console import plan_lines, verdict_lines


def test_one_is_not_many() -> None:
    plan = Plan(nodes=1, workload=WorkloadPlan(concurrency=1))

    assert list(plan_lines(plan))[1].startswith("  1 node, 1 client, 200 ops/s for 30 s; ")


def test_figures_stand_beside_an_answer_and_sentences_below_it() -> None:
    sentence = "process 6's acquire got 'lock0' with token 145 and still used it at op 839"
    verdict = valid("lock-exclusion", {"tenures": 3, "broken, but not promised": sentence})

    assert list(verdict_lines(verdict)) == [
        "checks",
        "  lock-exclusion  VALID  (tenures 3)",
        f"    broken, but not promised: {sentence}",
    ]
