"""Whatever is written is read as it was."""

from hypothesis import given

from nemesis.schedule import Schedule
from nemesis.schedule_file import parse_schedule, write_schedule
from tests.nemesis.fault_strategies import NODES, schedules


@given(schedules)
def test_a_schedule_survives_being_written(schedule: Schedule) -> None:
    assert parse_schedule(write_schedule(schedule), path="x", nodes=NODES) == schedule
