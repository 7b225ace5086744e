"""`quorate report`: what a run came to, as a page, and as plots."""

from pathlib import Path

import click

from checkers.collector import rare_collections
from harness.report.page import REPORT_NAME, write_report
from harness.report.recorded import load_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"Where the page goes.  [default: {REPORT_NAME} in RUN]",
)
@click.option(
    "--plots",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also draw latencies, rates and the timeline as PNG and SVG there (needs matplotlib).",
)
def report(run: Path, out: Path | None, plots: Path | None) -> None:
    """Tell what the run in the directory RUN came to, in one HTML file that needs no network.

    The verdict comes first, then the operations that contradict one another, the whole history to
    zoom into, what each fault did, latencies, the schedule, the nodes' words around the failure and
    the command that repeats it. A run that was killed is reported as far as it got.

    \b
    quorate report runs/20260101T000000Z-register-seed1
    quorate report runs/20260101T000000Z-register-seed1 --plots plots
    """  # noqa: D301 - \b keeps the lines below it apart
    with rare_collections():
        recorded = load_run(run)
        path = out or recorded.directory.path / REPORT_NAME
        write_report(recorded, path)
    click.echo(f"report: {path}")
    if plots is not None:
        from harness.report.plots import draw_plots  # noqa: PLC0415 - matplotlib is an extra

        for drawn in draw_plots(recorded, plots):
            click.echo(f"plot: {drawn}")
