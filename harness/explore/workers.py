"""Who tries seeds: processes of this machine, or the workers of a Dask cluster.

Both lose workers now and then (killed for their memory, say). What was lost with one is tried
again by another; `Workers.losses` names the errors that tell of it.
"""

import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Protocol

from harness.explore.seeds import Question, Tried, try_one


class Workers(Protocol):
    """Tries seeds, several at a time."""

    @property
    def losses(self) -> tuple[type[Exception], ...]:
        """The errors of a future whose worker died over it, or with it."""

    def count(self) -> int:
        """Return how many seeds are tried at a time."""

    def submit(self, seed: int, question: Question) -> Future[Tried]:
        """Have a seed tried."""

    def close(self) -> None:
        """Let go of what has not begun, and of the workers."""


class LocalWorkers:
    """Processes of this machine."""

    losses: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, jobs: int) -> None:
        assert jobs >= 1, "somebody must do the work"
        self._jobs = jobs
        self._executor = self._begin()

    def count(self) -> int:
        """Return how many seeds are tried at a time."""
        return self._jobs

    def submit(self, seed: int, question: Question) -> Future[Tried]:
        """Have a seed tried. If a process died, all are replaced: their pool is of no more use."""
        try:
            return self._executor.submit(try_one, seed, question)
        except BrokenProcessPool:
            self.close()
            self._executor = self._begin()
            return self._executor.submit(try_one, seed, question)

    def close(self) -> None:
        """Let go of what has not begun, and of the processes."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> Executor:
        # Fresh processes: a fork would take over whatever threads and caches the caller has.
        return ProcessPoolExecutor(
            self._jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent
        )


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the parent alone decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
