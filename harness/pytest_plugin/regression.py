"""For the tests that `quorate shrink` writes of real runs: whether a trial still fails, and how.

The counterpart of `harness.shrink.regression`, whose trials fail every time.
"""

import shlex
import shutil
from pathlib import Path

from msgspec.structs import replace

from harness.case import from_texts
from harness.cli.real_session import conduct_real
from harness.conviction import kinds_of
from harness.environments.progress import Progress
from harness.report.page import REPORT_NAME, write_report
from harness.report.recorded import load_run
from harness.shrink.regression import conviction_lines
from harness.store import RunDirectory


def real_conviction(  # noqa: PLR0913 - a case in three texts, and how to try it
    plan: str,
    schedule: str,
    operations: str | None,
    *,
    kind: str,
    times: int,
    out: Path,
    mutant: str | None = None,
) -> str:
    """Return the story of the first run that is convicted of `kind`, nothing if no run is.

    The texts are those of the files that a case is written as (`harness.case`). It is run up to
    `times` times, each on a cluster of its own, in a directory under `out`; that of the convicted
    run is kept, with its report. `mutant` is the planted bug that every node has; None leaves the
    plan's. Raises `HarnessError` if a run cannot be made: it proves nothing.
    """
    assert times > 0, "what is never run cannot fail"
    case = from_texts(plan, schedule, operations)
    if mutant is not None:
        case = replace(case, plan=replace(case.plan, mutant=mutant))
    for number in range(1, times + 1):
        session = conduct_real(
            case.plan,
            case.schedule,
            out,
            progress=_ignore,
            on_directory=_not_yet,
            operations=case.operations,
        )
        path = session.directory.path
        if kind in kinds_of(session.result.verdict):
            write_report(load_run(path), path / REPORT_NAME)
            lines = [
                f"run {number} of {times} is convicted",
                *conviction_lines(session.result.verdict),
                "",
                f"repeat:    quorate replay {shlex.quote(str(path))}",
                f"look:      {path / REPORT_NAME}",
            ]
            return "\n".join(lines)
        shutil.rmtree(path)
    return ""


def _ignore(progress: Progress) -> None:
    """Nobody watches a test."""


def _not_yet(directory: RunDirectory) -> None:
    """Nobody needs the directory before the run is over."""
