"""The test that comes of a real run: what it says, and that it asks for just that case."""

import inspect
import runpy
from pathlib import Path

from msgspec.structs import replace

from harness.case import Case, from_texts
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from harness.pytest_plugin.regression import real_conviction
from harness.shrink.measured import Measured
from harness.shrink.pytest_file import file_name_of, real_pytest_file
from tests.simulation.trials import schedule_of

KIND = "etcd-linearizability: wrong-answer"
PLAN = Plan(environment="local", mutant="version-survives-delete", nodes=1)
CASE = Case(
    plan=PLAN,
    schedule=schedule_of(PLAN, '{"id":1,"at_ms":5,"do":"pause","target":"n1","hold_ms":9}'),
    operations=(ListedOperation(at_ns=1_000_000, thread=0, f="read", key="r1"),),
)


def written(folder: Path, case: Case = CASE) -> Path:
    path = folder / file_name_of(KIND)
    path.write_text(real_pytest_file(case, KIND, Measured(convicted=2, runs=3)))
    return path


def test_it_says_how_often_the_bug_was_seen_and_how_sure_it_is(tmp_path: Path) -> None:
    text = " ".join(written(tmp_path).read_text().split())

    assert "1 fault, 1 operation and 1 node are enough, on real daemons (nodeimpl, local)" in text
    assert "2 of 3 runs failed when `quorate shrink` wrote this" in text
    assert "5 runs miss a bug with a probability of at most 5%" in text
    assert "TIMES = 5" in text


def test_it_asks_for_the_case_the_kind_and_so_many_runs(tmp_path: Path) -> None:
    read = runpy.run_path(str(written(tmp_path)))
    asked: list[object] = []
    test = read["test_etcd_linearizability_wrong_answer"]

    def convicts_nobody(*texts: object, **how: object) -> str:
        inspect.signature(real_conviction).bind(*texts, **how)
        asked.extend([*texts, how])
        return ""

    test.__globals__["real_conviction"] = convicts_nobody
    test(tmp_path)

    plan, schedule, operations, how = asked
    assert how == {"kind": KIND, "times": 5, "out": tmp_path, "mutant": PLAN.mutant}
    case = from_texts(str(plan), str(schedule), str(operations))
    assert case.operations == CASE.operations
    assert case.schedule.asked == CASE.schedule.asked
    assert (case.plan.environment, case.plan.nodes, case.plan.mutant) == ("local", 1, None)


def test_without_a_planted_bug_none_is_named(tmp_path: Path) -> None:
    case = replace(CASE, plan=replace(PLAN, mutant=None))

    assert "mutant" not in written(tmp_path, case).read_text().lower()
