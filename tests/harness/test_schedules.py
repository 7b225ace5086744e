"""The schedule of a plan."""

from pathlib import Path

import msgspec
import pytest

from harness.errors import HarnessError
from harness.plan import FaultPlan, Plan
from harness.schedules import schedule_for

PRESSURE = FaultPlan(packages=("kill", "pressure"))


def test_the_simulation_refuses_what_only_machines_can_have() -> None:
    with pytest.raises(HarnessError, match="pressure takes real machines"):
        schedule_for(Plan(faults=PRESSURE), None)


@pytest.mark.parametrize(
    ("do", "fields"),
    [
        ("cpu_pressure", ',"target":"n1","share":0.1,"hold_ms":1'),
        ("exhaust_quota", ',"hold_ms":1'),
        ("restore_cluster", ""),
    ],
)
def test_it_refuses_it_in_a_schedule_file_too(tmp_path: Path, do: str, fields: str) -> None:
    (tmp_path / "schedule.json").write_text(
        f'{{"v":1,"seed":1,"events":[{{"id":1,"at_ms":1,"do":"{do}"{fields}}}]}}'
    )
    with pytest.raises(HarnessError, match=f"{do} takes real machines"):
        schedule_for(Plan(faults=FaultPlan(schedule="schedule.json")), tmp_path)


def test_real_daemons_can_have_it() -> None:
    plan = msgspec.structs.replace(Plan(faults=PRESSURE, seed=4), environment="local")
    drawn = [asked.fault.do for asked in schedule_for(plan, None).asked]

    assert {"cpu_pressure", "memory_pressure"} & set(drawn)
