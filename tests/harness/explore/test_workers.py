"""Processes of this machine, of which one is killed over its work."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from harness.explore.seeds import Outcome, Question, try_one
from harness.explore.workers import LocalWorkers
from tests.harness.explore.test_seeds import FIXED, SMALL

QUESTION = Question(base=SMALL, fixed=FIXED)


@pytest.fixture
def workers() -> Iterator[LocalWorkers]:
    made = LocalWorkers(1)
    yield made
    made.close()


def test_a_process_tries_what_this_one_would(workers: LocalWorkers) -> None:
    here = try_one(2, QUESTION)
    there = workers.submit(2, QUESTION).result()
    assert (there.digest, there.states) == (here.digest, here.states)


def test_a_killed_process_is_a_loss_and_is_replaced(workers: LocalWorkers) -> None:
    executor = workers._executor
    assert isinstance(executor, ProcessPoolExecutor)
    executor.submit(os.getpid).result()
    lost = executor.submit(signal.pause)
    for pid in executor._processes or {}:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(workers.losses):
        lost.result()
    assert workers.submit(2, QUESTION).result().outcome is Outcome.VALID
