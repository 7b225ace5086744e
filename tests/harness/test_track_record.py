"""The plans of the track record: each can be read, and is expected to find something."""

import tomllib
from pathlib import Path

import pytest

from harness.plan_file import load_plan
from harness.schedules import schedule_for

PLANS = Path(__file__).parents[2] / "histories" / "plans"
EXPECTED = tomllib.loads((PLANS / "expected.toml").read_text())["plan"]
WITHOUT = {"etcd-15271.toml"}
"""Plans that have not found their bug yet; docs/TRACK_RECORD.md says why."""


@pytest.mark.parametrize("path", sorted(PLANS.glob("etcd-*.toml")), ids=lambda path: path.stem)
def test_a_plan_of_the_track_record_can_be_run(path: Path) -> None:
    plan = load_plan(path)

    assert plan.system == "etcd"
    assert plan.environment == "local"
    assert plan.daemon.version is not None
    assert schedule_for(plan, path.parent).applied == ()


def test_every_plan_has_its_expectation() -> None:
    listed = {entry["file"] for entry in EXPECTED}
    there = {path.name for path in PLANS.glob("etcd-*.toml")}

    assert listed == there - WITHOUT
    assert all(entry["affected"] and entry["checker"] for entry in EXPECTED)
    assert not any({*entry["affected"]} & {*entry["fixed"]} for entry in EXPECTED)
