"""The directory of one run."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness.errors import PlanError, RunDirectoryError
from harness.plan import Plan, WorkloadPlan
from harness.store import RunDirectory

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
PLAN = Plan(seed=7, workload=WorkloadPlan(name="kv"))


def test_a_run_is_named_for_time_workload_and_seed(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "runs", PLAN, NOON)

    assert run.path == tmp_path / "runs" / "20260301T120005Z-kv-seed7"


def test_a_run_is_named_in_utc(tmp_path: Path) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=5)))

    run = RunDirectory.create(tmp_path, PLAN, local)

    assert run.path.name == "20260301T120005Z-kv-seed7"
    assert run.header.started == "2026-03-01T12:00:05+00:00"


def test_equal_runs_of_one_second_are_numbered(tmp_path: Path) -> None:
    names = [RunDirectory.create(tmp_path, PLAN, NOON).path.name for _ in range(3)]

    assert names == [
        "20260301T120005Z-kv-seed7",
        "20260301T120005Z-kv-seed7-2",
        "20260301T120005Z-kv-seed7-3",
    ]


def test_a_run_can_be_opened_again(tmp_path: Path) -> None:
    created = RunDirectory.create(tmp_path, PLAN, NOON)

    opened = RunDirectory.open(created.path)

    assert opened == created
    assert opened.load_plan() == PLAN


def test_the_time_of_day_of_time_0_can_be_noted_and_is_kept_in_utc(tmp_path: Path) -> None:
    created = RunDirectory.create(tmp_path, PLAN, NOON)
    assert created.header.zero is None
    zero = datetime(2026, 3, 1, 17, 0, 7, 123456, tzinfo=timezone(timedelta(hours=5)))

    created.note_zero(zero)

    header = RunDirectory.open(created.path).header
    assert header.zero == zero
    assert header.started == created.header.started
    assert '"zero":"2026-03-01T12:00:07.123456Z"' in (created.path / "run.json").read_text()


def test_files_have_their_places(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, PLAN, NOON)

    places = [
        run.plan_path,
        run.schedule_path,
        run.history_path,
        run.results_path,
        run.trace_path("n1"),
        run.node_path("n2"),
    ]

    assert [place.relative_to(run.path).as_posix() for place in places] == [
        "plan.toml",
        "schedule.json",
        "history.jsonl",
        "results.json",
        "trace/n1.jsonl",
        "nodes/n2",
    ]
    assert run.trace_path("n1").parent.is_dir()
    assert run.node_path("n2").is_dir()


def test_schedule_and_results_are_replaced_whole(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, PLAN, NOON)
    run.write_schedule(b"{}")
    run.write_schedule(b'{"v":1}')
    run.write_results(b"[]")

    assert run.schedule_path.read_bytes() == b'{"v":1}'
    assert run.results_path.read_bytes() == b"[]"
    assert sorted(path.name for path in run.path.iterdir()) == [
        "plan.toml",
        "results.json",
        "run.json",
        "schedule.json",
    ]


def test_an_absent_directory_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="absent: no such directory"):
        RunDirectory.open(tmp_path / "absent")


def test_any_other_directory_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"is not a run directory: it has no run\.json"):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"quorate":"run","version":2,"started":""}',
            r"run\.json:1: has version 2; expected version 1, the only one this quorate reads",
        ),
        (
            '{"quorate":"history","version":1,"started":""}',
            r"run\.json:1: is the header of a 'history', not of a run",
        ),
        ("{", r"run\.json:1: not the header of a run: Input data was truncated"),
        ('{"quorate":"run"}', r"run\.json:1: not the header of a run: .*`started`"),
    ],
)
def test_a_run_of_another_kind_is_one_clear_line(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")

    with pytest.raises(RunDirectoryError, match=message) as caught:
        RunDirectory.open(tmp_path)

    assert caught.value.exit_code == 64


def test_a_spoilt_plan_is_reported_with_its_line(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, PLAN, NOON)
    run.plan_path.write_text("sed = 3\n", encoding="utf-8")

    with pytest.raises(PlanError, match=r"plan\.toml:1: unknown key 'sed'"):
        run.load_plan()


def test_where_no_directory_can_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file", encoding="utf-8")

    with pytest.raises(RunDirectoryError, match="cannot make a run directory here: File exists"):
        RunDirectory.create(tmp_path / "runs", PLAN, NOON)
