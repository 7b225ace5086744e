"""One session of an exploration: its progress, and the runs that are kept."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from harness.cli.session import conduct
from harness.errors import HarnessError
from harness.explore.exploration import Bounds, Exploration, Found, Listener
from harness.explore.journal import Journal
from harness.explore.seeds import Outcome, Question, Tried, trial_of
from harness.explore.workers import Workers
from harness.report.exploration import first_line
from harness.report.wording import counted
from harness.store import RunDirectory
from nemesis.inject import InjectionError

_LINE_INTERVAL_S: Final = 10.0
"""From one line of progress to the next, where there is no terminal."""


def conduct_exploration(
    question: Question,
    bounds: Bounds,
    journal: Journal,
    *,
    workers: Workers,
    tell: Callable[[str], None],
) -> Found:
    """Explore, show how it goes, and keep the runs of what is found beside the journal.

    `tell` is given a line whenever something new is found. The workers are let go of.
    """
    told: dict[str, None] = {}

    def on_tried(tried: Tried, found: Found) -> None:
        show(found)
        if tried.kinds and tried.kinds[0] not in told:
            told[tried.kinds[0]] = None
            tell(first_line(tried))

    def keep(seed: int) -> str:
        return _keep(seed, question, journal.path.parent / "failures")

    listener = Listener(clock=time.monotonic, tried=on_tried, keep=keep)
    with closing(workers), _shown(bounds) as show:
        exploration = Exploration(question, workers, journal, listener)
        if exploration.found.seeds:
            tell(f"going on after {exploration.found.seeds} seeds")
        told.update(dict.fromkeys(exploration.found.seeds_by_kind))
        try:
            return exploration.run(bounds)
        except KeyboardInterrupt:
            click.echo(
                f"quorate: interrupted after {exploration.found.seeds} seeds; to go on, give the "
                f"same command --out {shlex.quote(str(journal.path.parent))}",
                err=True,
            )
            raise


def _keep(seed: int, question: Question, folder: Path) -> str:
    """Run the trial of a seed once more, with everything written down; return its directory."""
    begun: list[RunDirectory] = []
    case = trial_of(seed, question)
    try:
        conduct(
            case.plan,
            case.schedule,
            folder,
            on_directory=begun.append,
            operations=case.operations,
        )
    except (HarnessError, InjectionError):
        if not begun:
            raise
    return str(begun[0].path)


@contextmanager
def _shown(bounds: Bounds) -> Iterator[Callable[[Found], None]]:
    """Yield what to call with what has been found: a bar, or a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(time.monotonic)
        return
    with Progress(
        TextColumn("exploring"),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bar:
        task: TaskID = bar.add_task("explore", total=bounds.seeds, text="")
        yield lambda found: bar.update(task, completed=found.seeds, text=_figures(found))


def _lines(clock: Callable[[], float]) -> Callable[[Found], None]:
    said = clock()

    def show(found: Found) -> None:
        nonlocal said
        if clock() - said >= _LINE_INTERVAL_S:
            said = clock()
            click.echo(f"quorate: {_figures(found)}", err=True)

    return show


def _figures(found: Found) -> str:
    return (
        f"{counted(found.seeds, 'seed')}, {found.outcomes[Outcome.INVALID]} INVALID; "
        f"{counted(len(found.seeds_by_kind), 'kind')} of failure, {len(found.states)} states"
    )
