"""Node logs in a report: around the conviction, whoever wrote them."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from harness.report.excerpt import Excerpt
from harness.report.logs import excerpts_of
from harness.report.recorded import convictions_of, load_run
from harness.store import RunDirectory
from nemesis.applied import Applied, Outcome, Phase
from nemesis.faults.clock import ClockBump

ZERO = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)


@pytest.fixture
def real(unlinearizable: Path, tmp_path: Path) -> Path:
    """Return the run as real daemons would have left it: no trace, but a log of ten lines a second.

    The tenth warns, and so does every tenth after it.
    """
    run = Path(shutil.copytree(unlinearizable, tmp_path / "run"))
    shutil.rmtree(run / "trace")
    lines = [
        f'{{"level": "{"info" if number % 10 else "warning"}", '
        f'"ts": "2026-11-26T11:00:{number // 10:02}.{number % 10}00000Z", "msg": "{number}"}}\n'
        for number in range(300)
    ]
    log = RunDirectory.open(run).node_path("n1") / "daemon.log"
    log.write_text("".join(lines))
    return run


def excerpts(path: Path) -> tuple[Excerpt, ...]:
    run = load_run(path)
    return excerpts_of(run, convictions_of(run.verdict)[0])


def test_a_real_nodes_log_is_shown_around_the_operations_in_conflict(real: Path) -> None:
    RunDirectory.open(real).note_zero(ZERO)

    near, warned, end = excerpts(real)

    assert near.title.startswith("n1: its log from ")
    stamps = [float(line.text[:15]) for line in near.lines if line.kind != "gap"]
    assert stamps == sorted(stamps)
    assert [line.kind for line in near.lines].count("moment") == 4
    assert warned.title == "n1: the last warnings and errors"
    assert [line.text[:15].strip() for line in warned.lines][-2:] == ["28.000000", "29.000000"]
    assert end.lines[-1].text.endswith('"msg": "299"}')


def test_the_end_is_shown_of_a_run_that_does_not_say_when_it_began(real: Path) -> None:
    warned, end = excerpts(real)

    assert len(warned.lines) == 30
    assert end.title == "n1: the end of its log"
    assert end.lines[-1].text.startswith('{"level"')


def test_a_clock_that_faults_bent_is_mentioned(real: Path) -> None:
    RunDirectory.open(real).note_zero(ZERO)
    run = load_run(real)
    bump = ClockBump(target="n1", offset_ns=10**9, hold_ns=10**9)
    applied = Applied(at_ns=0, id=1, phase=Phase.BEGIN, outcome=Outcome.DONE, fault=bump)
    bent = replace(run, schedule=msgspec.structs.replace(run.schedule, applied=(applied,)))

    near, *_ = excerpts_of(bent, convictions_of(bent.verdict)[0])

    assert near.title.endswith("by its own clock, which faults bent")


def test_simulated_nodes_are_shown_at_the_end_if_nobody_is_convicted(healthy: Path) -> None:
    [excerpt] = excerpts_of(load_run(healthy), None)

    assert excerpt.title == "What the nodes did at the end"
    text = (healthy / "trace" / "transitions.log").read_text().splitlines()
    assert [line.text for line in excerpt.lines] == text[-len(excerpt.lines) :]
