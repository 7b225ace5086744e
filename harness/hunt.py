"""The hunt for planted bugs: which oracle or checker convicts each, and after how many trials.

A mutant is tried under the swarm, seed after seed, until the first conviction. One that survives
and comes with a scenario is then tried under that. Nothing here knows which seeds convict: the
hunt finds a planted bug exactly as it would find one that nobody planted.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final, Literal, TypeAlias

import msgspec

from checkers.verdict import Answer
from harness.environments.simulation.mutants.registry import mutant_named
from harness.environments.simulation.mutants.scenarios import FOLDER, scenario_plan
from harness.plan import Plan
from harness.schedules import schedule_for
from harness.swarm import draw_plan
from harness.trial import TrialResult, run_trial

SCENARIO_SEEDS_MAX: Final = 40
"""Trials of one scenario; its seed draws timeouts and latencies."""

Means: TypeAlias = Literal["swarm", "scenario"]


class Hunted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the hunt for one mutant."""

    name: str
    convicted: bool
    by: Means | None
    """The means that brought the conviction; None if none did."""
    convicted_by: str
    """The oracle's rule, or the checkers that said INVALID; empty if none did."""
    seeds: int
    """Trials by those means, the convicting one included; of the swarm, if none convicted."""
    cpu_seconds: float
    """Of the whole hunt, a swarm that was in vain included."""


def hunt(name: str, *, seeds_max: int) -> Hunted:
    """Try the mutant `name` under seeds 1, 2, ... until one convicts it.

    Raises `UsageError` if there is no such mutant.
    """
    mutant = mutant_named(name)
    assert mutant is not None, "the healthy node is not hunted"
    started = time.process_time()
    means: list[tuple[Means, int]] = [("swarm", seeds_max)]
    if mutant.scenario is not None:
        means.append(("scenario", SCENARIO_SEEDS_MAX))
    for by, tries_max in means:
        for seed in range(1, tries_max + 1):
            scenario = mutant.scenario if by == "scenario" else None
            judges = convictions(try_seed(seed, name, scenario=scenario))
            if judges:
                return Hunted(
                    name=name,
                    convicted=True,
                    by=by,
                    convicted_by=", ".join(judges),
                    seeds=seed,
                    cpu_seconds=time.process_time() - started,
                )
    return Hunted(
        name=name,
        convicted=False,
        by=None,
        convicted_by="",
        seeds=seeds_max,
        cpu_seconds=time.process_time() - started,
    )


def hunt_all(names: Sequence[str], *, seeds_max: int, jobs: int) -> Iterator[Hunted]:
    """Yield what came of each hunt, in the order of `names`; `jobs` processes share the work."""
    # Fresh processes: a fork would take over whatever threads and caches the caller has.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(hunt, seeds_max=seeds_max), names)


def try_seed(
    seed: int,
    mutant: str | None,
    *,
    scenario: str | None = None,
    workloads: Sequence[str] = (),
) -> TrialResult:
    """Run one trial of a mutant, or of the healthy node for None.

    It is the swarm's trial of this seed (`draw_plan`), or a scenario's, if one is named.
    """
    if scenario is not None:
        plan = scenario_plan(scenario, seed, mutant)
        return run_trial(plan, schedule_for(plan, FOLDER))
    plan = draw_plan(seed, Plan(mutant=mutant), workloads=workloads)
    return run_trial(plan, schedule_for(plan, None))


def convictions(result: TrialResult) -> list[str]:
    """Return who said INVALID: an oracle with the rule that was broken, checkers by name."""
    failure = result.simulation.failure
    by_oracle = [] if failure is None else [f"{failure.judge}: {failure.rule}"]
    return by_oracle + [
        leaf.checker
        for leaf in result.verdict.leaves()
        if leaf.answer is Answer.INVALID and (failure is None or leaf.checker != failure.judge)
    ]
