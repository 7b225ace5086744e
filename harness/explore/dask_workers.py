"""The workers of a Dask cluster, as those who try seeds.

Needs the extra `dask`, and is slow to import: whoever explores on this machine alone does not.

The scheduler hands a seed whose worker died to another by itself; only when several have died over
one is that told here, as a loss. Workers need the same Quorate, at the same version, as the one
that explores: a seed is the same trial only for the same code.
"""

from concurrent.futures import Executor, Future
from typing import Final

from distributed import Client, KilledWorker

from harness.errors import UsageError
from harness.explore.seeds import Question, Tried, try_one

CONNECT_S: Final = 10.0
"""How long to wait for a scheduler."""

_CLUSTER_MIN: Final = 1
"""Workers may come later, and some seeds wait for them."""


class DaskWorkers:
    """The workers of one cluster, those that join it later included."""

    losses: tuple[type[Exception], ...] = (KilledWorker,)

    def __init__(self, scheduler: str) -> None:
        """Connect to the scheduler at this address; raise `UsageError` if there is none."""
        try:
            self._client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            problem = f"no Dask scheduler answers at {scheduler}: {error}"
            raise UsageError(problem) from error
        # Two runs of one seed are one trial, but a rerun after a loss must not be taken for it.
        self._executor: Executor = self._client.get_executor(pure=False)

    def count(self) -> int:
        """Return how many seeds are tried at a time."""
        threads: dict[str, int] = self._client.nthreads()
        return max(_CLUSTER_MIN, sum(threads.values()))

    def submit(self, seed: int, question: Question) -> Future[Tried]:
        """Have a seed tried."""
        return self._executor.submit(try_one, seed, question)

    def close(self) -> None:
        """Let go of what has not been tried, and of the cluster, which stays."""
        self._executor.shutdown(wait=False)
        self._client.close()
