"""Driving a run on real daemons again: the same faults and operations, and how alike it was."""

from collections.abc import Iterator
from pathlib import Path

import click

from checkers.verdict import Answer
from harness.cli.real_session import RealSession
from harness.cli.run import print_real_session, run_plan
from harness.conviction import kinds_of
from harness.generator.listed import ListedOperation, listed
from harness.likeness import likeness
from harness.report.recorded import Recorded, load_run
from harness.store import RunDirectory
from nemesis.applied import Outcome, Phase
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND


def operations_of(run: Recorded) -> tuple[ListedOperation, ...]:
    """Return what clients asked for under load."""
    workload = run.plan.workload
    until_ns = round(workload.time_limit_s * SECOND)
    return tuple(listed(run.history.ops, concurrency=workload.concurrency, until_ns=until_ns))


def drive_again(directory: RunDirectory, out: Path, times: int) -> Answer:
    """Run the recorded operations under the recorded schedule again, so many times."""
    before = load_run(directory.path)
    answers: list[Answer] = []
    recurred = 0
    for number in range(1, times + 1):
        if times > 1:
            click.echo(f"time {number} of {times}")
        session = run_plan(before.plan, before.schedule, out, operations=operations_of(before))
        assert isinstance(session, RealSession), "only simulations have sessions of another kind"
        print_real_session(session)
        for line in _comparison_lines(before, session):
            click.echo(line)
        answers.append(session.result.verdict.answer)
        recurred += _recurs(before, session)
    if times > 1:
        what = ", ".join(kinds_of(before.verdict)) or "no conviction"
        click.echo(f"recurred: {recurred} of {times} ({recurred / times:.0%}): {what}")
    return max(answers)


def _recurs(before: Recorded, session: RealSession) -> bool:
    """Say whether one of the kinds of convictions recurs, or again there is none."""
    kinds = kinds_of(session.result.verdict)
    if not kinds_of(before.verdict):
        return not kinds
    return any(kind in kinds_of(before.verdict) for kind in kinds)


def _comparison_lines(before: Recorded, session: RealSession) -> Iterator[str]:
    result = session.result
    concurrency = before.plan.workload.concurrency
    alike = likeness(before.history, result.history, concurrency=concurrency)
    yield f"alike: {alike.line()}"
    then, now = _done(before.schedule), _done(result.outcome.schedule)
    yield f"faults: {then} begun then, {now} now"
    then_kinds = ", ".join(kinds_of(before.verdict)) or "nobody is convicted"
    if _recurs(before, session):
        yield f"replay: the verdict recurs ({then_kinds})"
    else:
        now_kinds = ", ".join(kinds_of(result.verdict)) or "nobody is convicted"
        yield f"replay: the verdict does not recur (then: {then_kinds}; now: {now_kinds})"


def _done(schedule: Schedule) -> int:
    return sum(
        applied.phase is Phase.BEGIN and applied.outcome is Outcome.DONE
        for applied in schedule.applied
    )
