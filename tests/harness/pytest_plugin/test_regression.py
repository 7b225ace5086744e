"""Tests of real runs, with simulated ones in their place: which run ends the test, and how."""

from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.case import Case, as_texts
from harness.cli.session import Session, conduct
from harness.plan import Plan, WorkloadPlan
from harness.pytest_plugin import regression
from harness.pytest_plugin.regression import real_conviction
from nemesis.schedule import Schedule
from tests.simulation.trials import schedule_of

MUTANT = "version-survives-delete"
PLAN = Plan(nodes=1, workload=WorkloadPlan(name="kv", time_limit_s=1.0, rate=100.0))
PLAN_TEXT, SCHEDULE_TEXT, OPERATIONS_TEXT = as_texts(Case(plan=PLAN, schedule=schedule_of(PLAN)))
KIND = "mvcc-versions: impossible-version"


@pytest.fixture
def convict_in(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the runs in which the planted bug shows; to be added to."""
    numbers: list[int] = []
    runs = count(1)

    def pretended(plan: Plan, schedule: Schedule, out: Path, **_others: object) -> Session:
        mutant = plan.mutant if next(runs) in numbers else None
        return conduct(replace(plan, mutant=mutant), schedule, out)

    monkeypatch.setattr(regression, "conduct_real", pretended)
    return numbers


def told(out: Path, kind: str = KIND) -> str:
    return real_conviction(
        PLAN_TEXT, SCHEDULE_TEXT, OPERATIONS_TEXT, kind=kind, times=3, out=out, mutant=MUTANT
    )


def test_the_first_convicted_run_ends_it_and_is_kept(convict_in: list[int], tmp_path: Path) -> None:
    convict_in += [2, 3]

    story = told(tmp_path)

    [kept] = tmp_path.iterdir()
    assert story.startswith("run 2 of 3 is convicted\n")
    assert "mvcc-versions: " in story
    assert f"quorate replay {kept}" in story
    assert (kept / "report.html").is_file()


def test_nothing_is_told_or_kept_if_no_run_is_convicted(
    convict_in: list[int], tmp_path: Path
) -> None:
    convict_in.append(4)

    assert not told(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_conviction_of_another_kind_is_another_bug(convict_in: list[int], tmp_path: Path) -> None:
    convict_in += [1, 2, 3]

    assert not told(tmp_path, kind="lease-not-early")
