"""The healthy node under many seeds: no oracle, checker or liveness bound may convict it.

QUORATE_SEEDS says how many seeds of the swarm to try; the default is for every day, CI tries a
thousand. Of the small trials, which are all alike but for the workload, there are a tenth.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import pytest

from checkers.verdict import Answer
from harness.hunt import try_seed
from tests.simulation.trials import WORKLOADS, command_for, judged, small_plan

SEEDS = int(os.environ.get("QUORATE_SEEDS", "15"))
PROCESSES = 2
SECONDS = 5.0

pytestmark = pytest.mark.simulation


class Conviction(NamedTuple):
    """A verdict other than VALID on the healthy node."""

    answer: str
    reason: str
    repeat: str
    """The command that repeats the trial."""


def conviction_of(seed: int) -> Conviction | None:
    """Return what is held against the healthy node under `seed`; None if nothing is."""
    plan = small_plan(seed, WORKLOADS[seed % len(WORKLOADS)], seconds=SECONDS)
    verdict = judged(plan).verdict
    if verdict.answer is Answer.VALID:
        return None
    return Conviction(verdict.answer.name, verdict.reason, command_for(plan))


def test_the_healthy_node_is_clean_under_every_seed() -> None:
    seeds = range(1, max(SEEDS // 10, len(WORKLOADS)) + 1)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(conviction_of, seeds, chunksize=1))
    assert len(outcomes) == len(seeds)
    assert [outcome for outcome in outcomes if outcome is not None] == []


def swarm_conviction_of(seed: int) -> Conviction | None:
    """Return what is held against the healthy node in the swarm's trial of this seed.

    The swarm is hard on clients: that too little was answered to judge is no conviction here.
    """
    verdict = try_seed(seed, None).verdict
    if verdict.answer is not Answer.INVALID:
        return None
    return Conviction(verdict.answer.name, verdict.reason, f"quorate run --swarm --seed {seed}")


def test_no_seed_of_the_swarm_convicts_the_healthy_node() -> None:
    seeds = range(1, SEEDS + 1)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(swarm_conviction_of, seeds, chunksize=1))
    assert len(outcomes) == SEEDS
    assert [outcome for outcome in outcomes if outcome is not None] == []
