"""How far the reading of a large history has come, on standard error.

A bar by bytes on a terminal; elsewhere a line now and then, so that logs tell a slow judgement from
one that hangs. Nothing at all of files that are read in a moment.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from checkers.heard_file import Heard

LARGE_BYTES: Final = 8_000_000
"""Smaller files are read before anybody wonders."""

LINE_INTERVAL_S: Final = 10.0
"""From one line to the next, where there is no terminal."""

_MEGABYTE: Final = 1_000_000


class Reading:
    """Tells of one history: first what is read of it, then that it is judged."""

    def __init__(self, heard: Heard, judging: Callable[[int], None]) -> None:
        self.heard: Final = heard
        """To be told of bytes as they are read."""
        self.judging: Final = judging
        """To be told, once all is read, how many ops there are."""


@contextmanager
def reading(path: Path, console: Console | None = None) -> Iterator[Reading]:
    """Yield whom to tell how far the history at `path`, a file or a directory, has come."""
    console = console or Console(stderr=True)
    size = _size_of(path)
    if size < LARGE_BYTES:
        yield Reading(_ignore, _ignore)
    elif console.is_terminal:
        with _bar(path, size, console) as shown:
            yield shown
    else:
        yield _lines(path, size, time.monotonic)


def _size_of(path: Path) -> int:
    """Return how many bytes may be read; 0 if there is nothing that can be."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*.json*") if file.is_file())
    return path.stat().st_size if path.is_file() else 0


def _ignore(count: int) -> None:
    """Take no notice."""


@contextmanager
def _bar(path: Path, size: int, console: Console) -> Iterator[Reading]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"reading {path.name}", total=size)

        def judging(count: int) -> None:
            bar.update(task, description=f"judging {count} ops", total=None)

        yield Reading(lambda count: bar.advance(task, count), judging)


def _lines(path: Path, size: int, clock: Callable[[], float]) -> Reading:
    read = 0
    said = clock()

    def heard(count: int) -> None:
        nonlocal read, said
        read += count
        if clock() - said >= LINE_INTERVAL_S:
            said = clock()
            share = f"{read / _MEGABYTE:.0f} of {size / _MEGABYTE:.0f} MB"
            click.echo(f"quorate: {path}: read {share}", err=True)

    def judging(count: int) -> None:
        click.echo(f"quorate: {path}: judging {count} ops", err=True)

    return Reading(heard, judging)
