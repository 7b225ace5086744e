"""The same pages as files: the list, and the report of every run that can be read."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.report.page import write_report
from harness.report.recorded import load_run
from harness.serve.catalogue import UNREADABLE, Wanted, list_runs
from harness.serve.pages import EXPORTED, index_page


def export(folder: Path, out: Path) -> Iterator[Path]:
    """Write the pages of the runs in `folder` into `out`; yield each as it is written.

    Raises `HarnessError` if they cannot be written.
    """
    runs = list_runs(folder)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for run in runs:
            if run.verdict != UNREADABLE:
                path = out / EXPORTED.report.format(run.name)
                write_report(load_run(folder / run.name), path)
                yield path
        path = out / EXPORTED.index
        path.write_text(index_page(runs, Wanted(), EXPORTED), encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{out}: cannot be written: {error.strerror}") from error
    yield path
