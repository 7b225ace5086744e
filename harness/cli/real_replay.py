"""Driving a run on real daemons again: the same faults and operations, and how alike it was."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from checkers.history import History
from checkers.history_file import load_history
from checkers.verdict import Answer, Verdict, from_json_value
from harness.cli.real_session import RealResults, RealSession
from harness.cli.run import print_real_session, run_plan
from harness.conviction import kinds_of
from harness.errors import RunDirectoryError
from harness.generator.listed import ListedOperation, listed
from harness.likeness import likeness
from harness.plan import Plan
from harness.schedules import read_schedule
from harness.store import RunDirectory
from harness.trial import judge
from nemesis.applied import Outcome, Phase
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a run on real daemons left behind."""

    plan: Plan
    schedule: Schedule
    history: History
    kinds: tuple[str, ...]
    """Of its convictions."""

    def operations(self) -> tuple[ListedOperation, ...]:
        """Return what its clients asked for under load."""
        workload = self.plan.workload
        until_ns = round(workload.time_limit_s * SECOND)
        return tuple(listed(self.history.ops, concurrency=workload.concurrency, until_ns=until_ns))


def recorded(directory: RunDirectory) -> Recorded:
    """Return what is in the directory of a run, however that ended.

    Raises `UsageError`, or what `checkers` and `nemesis` raise, if it cannot be read.
    """
    plan = directory.load_plan()
    schedule = read_schedule(directory.schedule_path, plan)
    history = load_history(directory.history_path, allow_torn_tail=True).history
    verdict = _recorded_verdict(directory)
    if verdict is None:
        verdict = judge(plan, history, (), schedule)
    return Recorded(plan=plan, schedule=schedule, history=history, kinds=kinds_of(verdict))


def _recorded_verdict(directory: RunDirectory) -> Verdict | None:
    """Return the verdict of the run; None if it was interrupted before there was one."""
    path = directory.results_path
    if not path.exists():
        return None
    try:
        return from_json_value(msgspec.json.decode(path.read_bytes(), type=RealResults).verdict)
    except (msgspec.DecodeError, ValueError) as error:
        raise RunDirectoryError(f"not the results of a run: {error}", path=path) from error


def drive_again(directory: RunDirectory, out: Path, times: int) -> Answer:
    """Run the recorded operations under the recorded schedule again, so many times."""
    before = recorded(directory)
    answers: list[Answer] = []
    recurred = 0
    for number in range(1, times + 1):
        if times > 1:
            click.echo(f"time {number} of {times}")
        session = run_plan(before.plan, before.schedule, out, operations=before.operations())
        assert isinstance(session, RealSession), "only simulations have sessions of another kind"
        print_real_session(session)
        for line in _comparison_lines(before, session):
            click.echo(line)
        answers.append(session.result.verdict.answer)
        recurred += _recurs(before, session)
    if times > 1:
        what = ", ".join(before.kinds) or "no conviction"
        click.echo(f"recurred: {recurred} of {times} ({recurred / times:.0%}): {what}")
    return max(answers)


def _recurs(before: Recorded, session: RealSession) -> bool:
    """Say whether one of the kinds of convictions recurs, or again there is none."""
    kinds = kinds_of(session.result.verdict)
    if not before.kinds:
        return not kinds
    return any(kind in before.kinds for kind in kinds)


def _comparison_lines(before: Recorded, session: RealSession) -> Iterator[str]:
    result = session.result
    concurrency = before.plan.workload.concurrency
    alike = likeness(before.history, result.history, concurrency=concurrency)
    yield f"alike: {alike.line()}"
    then, now = _done(before.schedule), _done(result.outcome.schedule)
    yield f"faults: {then} begun then, {now} now"
    if _recurs(before, session):
        yield f"replay: the verdict recurs ({', '.join(before.kinds) or 'nobody is convicted'})"
    else:
        now_kinds = ", ".join(kinds_of(result.verdict)) or "nobody is convicted"
        then_kinds = ", ".join(before.kinds) or "nobody was convicted"
        yield f"replay: the verdict does not recur (then: {then_kinds}; now: {now_kinds})"


def _done(schedule: Schedule) -> int:
    return sum(
        applied.phase is Phase.BEGIN and applied.outcome is Outcome.DONE
        for applied in schedule.applied
    )
