"""Directories that are no run, or are spoilt, or come from another version: 64, and what is wrong.

For every command that takes the directory of a run.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.case import Case
from harness.cli.session import conduct
from harness.generator.listed import ListedOperation
from harness.plan import Plan, WorkloadPlan
from nemesis.schedule import Schedule
from tests.harness.cli.conftest import Quorate

COMMANDS = ("replay", "shrink", "check")

PLAN = Plan(workload=WorkloadPlan(time_limit_s=0.2, concurrency=1))
CASE = Case(
    plan=PLAN,
    schedule=Schedule(seed=1),
    operations=(ListedOperation(at_ns=1_000_000, thread=0, f="read", key="r0"),),
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return conduct(PLAN, CASE.schedule, folder, operations=CASE.operations).directory.path


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def replacing(name: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new, 1))

    return spoil


def removing(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def filling(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        (run / name).write_bytes(content)

    return spoil


SPOILT = {
    "no header": (removing("run.json"), "is not a run directory"),
    "another layout": (replacing("run.json", '"version":1', '"version":2'), "has version 2"),
    "something else": (replacing("run.json", '"run"', '"exploration"'), "'exploration'"),
    "a torn header": (filling("run.json", b'{"quorate":'), "run.json:1"),
    "no plan": (removing("plan.toml"), "cannot read the plan"),
    "a plan of another version": (replacing("plan.toml", "version = 1", "version = 2"), "version"),
    "a plan with an unknown key": (replacing("plan.toml", "seed =", "sead ="), "sead"),
    "a plan in bytes": (filling("plan.toml", b"\xff\xfe"), "not a plan"),
    "a newer schedule": (replacing("schedule.json", '"v":1', '"v":2'), "version 2"),
    "a torn schedule": (filling("schedule.json", b'{"v":1,"seed":'), "not valid JSON"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("spoil", "complaint"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_run_is_refused(
    quorate: Quorate, run: Path, command: str, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(run)
    outcome = quorate(command, str(run))
    assert outcome.code == 64
    assert complaint in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["replay", "shrink"])
@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (removing("schedule.json"), "cannot read the schedule"),
        (removing("operations.json"), "cannot read the operations"),
        (replacing("operations.json", '"v":1', '"v":2'), "version 2"),
        (replacing("operations.json", '"thread":0', '"thread":7'), "thread 7"),
    ],
)
def test_a_run_whose_faults_or_operations_are_gone_cannot_be_repeated(
    quorate: Quorate, run: Path, command: str, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(run)
    outcome = quorate(command, str(run))
    assert (outcome.code, complaint in outcome.err) == (64, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_directory_is_refused(quorate: Quorate, tmp_path: Path, command: str) -> None:
    (tmp_path / "folder").mkdir()
    assert quorate(command, str(tmp_path / "folder")).code == 64
    assert quorate(command, str(tmp_path / "missing")).code == 64
