"""Every planted bug is convicted, and the healthy node under the same seeds is not.

Who convicted, and after how many seeds, goes into the JUnit report as properties of the test.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from checkers.verdict import Answer, Verdict
from harness.environments.simulation.mutants.registry import MUTANTS, node_class
from harness.errors import UsageError
from harness.plan import Plan
from nodeimpl.node import Node
from tests.simulation.trials import WORKLOADS, command_for, judged, small_plan

SEEDS_MAX = 200

pytestmark = pytest.mark.simulation


class Conviction(NamedTuple):
    """A seed under which a mutant was convicted, and the verdict."""

    seed: int
    verdict: Verdict

    def judges(self) -> list[str]:
        """Return the checkers and oracles that said INVALID."""
        return sorted(
            leaf.checker for leaf in self.verdict.leaves() if leaf.answer is Answer.INVALID
        )


def plan_of(seed: int, mutant: str | None) -> Plan:
    """Return a plan with the workloads in turn, and faults close together: bugs hide in those."""
    workload = WORKLOADS[seed % len(WORKLOADS)]
    healthy = small_plan(seed, workload, seconds=5.0, fault_every_s=0.4)
    return msgspec.structs.replace(healthy, mutant=mutant)


def first_conviction(mutant: str) -> Conviction | None:
    """Return the conviction under the first seed that brings one; None if none does."""
    for seed in range(1, SEEDS_MAX + 1):
        verdict = judged(plan_of(seed, mutant)).verdict
        if verdict.answer is Answer.INVALID:
            return Conviction(seed, verdict)
    return None


def accusations(plans: list[Plan]) -> list[tuple[str, str]]:
    """Return, for each trial that was not VALID, why not and how to repeat it."""
    verdicts = [(judged(plan).verdict, plan) for plan in plans]
    return [
        (verdict.reason, command_for(plan))
        for verdict, plan in verdicts
        if verdict.answer is not Answer.VALID
    ]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_convicted_and_the_healthy_node_under_the_same_seeds_is_not(
    mutant: str, record_property: Callable[[str, object], None]
) -> None:
    conviction = first_conviction(mutant)
    assert conviction is not None, f"{mutant} survived {SEEDS_MAX} seeds"
    record_property("seeds", conviction.seed)
    record_property("convicted_by", ", ".join(conviction.judges()))
    healthy = [plan_of(seed, None) for seed in range(1, conviction.seed + 1)]
    assert accusations(healthy) == []


def test_without_a_mutant_the_node_is_the_healthy_one() -> None:
    assert node_class(None) is Node


def test_a_mutant_that_does_not_exist_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="vote-not-persisted"):
        node_class("vote-not-persistet")
