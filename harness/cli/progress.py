"""Progress on a terminal: one bar for the load, the phase and what was done so far.

Nothing at all where standard error is not a terminal: logs of CI stay readable.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from harness.environments.progress import Progress


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """Yield what to call with every step of progress."""
    console = Console(stderr=True)
    bar = Bar(
        TextColumn("{task.fields[phase]:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[ops]} ops, {task.fields[faults]} fault actions"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("trial", total=1.0, phase="setup", ops=0, faults=0)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=min(1.0, max(0.0, progress.now_ns / progress.end_ns)),
                phase=progress.phase,
                ops=progress.op_count,
                faults=progress.fault_count,
            )

        yield show
