"""The same pages as files: the list, the report of every run, and two runs side by side."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.report.page import report_html
from harness.report.recorded import load_run
from harness.serve.catalogue import READING_ERRORS, UNREADABLE, Listed, Wanted, list_runs
from harness.serve.pages import BELOW_EXPORTED, EXPORTED, error_page, index_page, pair_page
from harness.serve.pair import Summary, summary_of


def export(folder: Path, out: Path) -> Iterator[Path]:
    """Write the pages of the runs in `folder` into `out`; yield each as it is written.

    The list comes last. A run whose files cannot be read has a page that says so, and cannot be
    compared. Raises `HarnessError` if the pages cannot be written.
    """
    runs = list_runs(folder)
    summaries: list[Summary] = []
    try:
        for run in runs:
            if run.verdict != UNREADABLE:
                text = _report(folder, run, summaries)
                yield _written(out / EXPORTED.report.format(run.name), text)
        text = pair_page(summaries, EXPORTED, can_choose=True)
        yield _written(out / EXPORTED.pair, text)
        yield _written(out / EXPORTED.index, index_page(runs, Wanted(), EXPORTED))
    except OSError as error:
        raise HarnessError(f"{out}: cannot be written: {error.strerror}") from error


def _report(folder: Path, listed: Listed, summaries: list[Summary]) -> str:
    """Return the page of a run, and add what it is compared by to `summaries`."""
    try:
        run = load_run(folder / listed.name)
    except READING_ERRORS as error:
        return error_page(str(error), BELOW_EXPORTED)
    summaries.append(summary_of(run))
    return report_html(run)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
