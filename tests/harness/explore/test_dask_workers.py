"""A Dask cluster of two worker processes, of which one is killed in the middle."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from distributed import LocalCluster

from harness.errors import UsageError
from harness.explore.dask_workers import DaskWorkers
from harness.explore.exploration import Bounds, Exploration, Found, Listener
from harness.explore.journal import Journal
from harness.explore.seeds import Outcome, Question, Tried, try_one
from tests.harness.explore.test_seeds import FIXED, SMALL

SEEDS = 12
QUESTION = Question(base=SMALL, fixed=FIXED)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(tmp_path),
    ) as cluster:
        yield cluster


def test_a_killed_worker_loses_nothing(cluster: LocalCluster, tmp_path: Path) -> None:
    victims = [worker.pid for worker in cluster.workers.values()][:1]
    came: list[int] = []

    def kill_one(tried: Tried, _found: Found) -> None:
        came.append(tried.seed)
        if len(came) == 2:
            os.kill(victims.pop(), signal.SIGKILL)

    listener = Listener(clock=lambda: 0.0, tried=kill_one, keep=str)
    with (
        closing(DaskWorkers(cluster.scheduler_address)) as workers,
        closing(Journal(tmp_path / "journal.jsonl", QUESTION)) as journal,
    ):
        assert workers.count() == 2
        found = Exploration(QUESTION, workers, journal, listener).run(Bounds(seeds=SEEDS))
    assert victims == []
    assert sorted(came) == list(range(1, SEEDS + 1))
    assert found.outcomes[Outcome.VALID] + found.outcomes[Outcome.UNKNOWN] == SEEDS
    with closing(Journal(tmp_path / "journal.jsonl", QUESTION)) as written:
        digests = {trial.tried.seed: trial.tried.digest for trial in written.trials}
    assert digests[7] == try_one(7, QUESTION).digest


def test_a_scheduler_that_is_not_there_is_the_callers_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.explore.dask_workers.CONNECT_S", 0.2)
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        DaskWorkers("tcp://127.0.0.1:9")
