"""Every planted bug is convicted, and the healthy node under the same trial is not.

`quorate mutants` hunts each bug from seed 1. Here each is tried first under a seed that is known
to convict it, so that CI need not repeat the hunt; if the seed does so no longer, because the code
around it has changed, the hunt goes on from seed 1.

Who convicted, and under which seed, goes into the JUnit report as properties of the test.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from checkers.verdict import Answer
from harness.environments.simulation.mutants.mutant import Mutant
from harness.environments.simulation.mutants.registry import MUTANTS
from harness.hunt import convictions, try_seed

SEEDS_MAX = 200
SCENARIO_SEEDS_MAX = 40
KNOWN_SEEDS: dict[str, int] = json.loads(
    (Path(__file__).parent / "convicting_seeds.json").read_text()
)
"""By mutant: a seed of the swarm, or of its scenario where it has one, that convicts it.

Written anew by `python -m tests.simulation.find_convicting_seeds`.
"""

pytestmark = pytest.mark.simulation


@cache
def healthy_answer(seed: int, scenario: str | None, workloads: tuple[str, ...]) -> Answer:
    return try_seed(seed, None, scenario=scenario, workloads=workloads).verdict.answer


def seeds_to_try(mutant: Mutant) -> Iterator[int]:
    yield KNOWN_SEEDS.get(mutant.name, 1)
    yield from range(1, (SEEDS_MAX if mutant.scenario is None else SCENARIO_SEEDS_MAX) + 1)


def conviction(mutant: Mutant) -> tuple[int, list[str]]:
    """Return the first seed that convicts the mutant and lets the healthy node pass, and by whom.

    0 and nobody if there is none.
    """
    for seed in seeds_to_try(mutant):
        judges = convictions(try_seed(seed, mutant.name, scenario=mutant.scenario))
        if judges:
            answer = healthy_answer(seed, mutant.scenario, mutant.workloads)
            assert answer is not Answer.INVALID, f"the healthy node is convicted by seed {seed}"
            if answer is Answer.VALID:
                return seed, judges
    return 0, []


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_a_mutant_is_convicted_and_the_healthy_node_under_the_same_trial_is_not(
    mutant: Mutant, record_property: Callable[[str, object], None]
) -> None:
    seed, judges = conviction(mutant)
    assert judges, f"{mutant.name} got away"
    record_property("seed", seed)
    record_property("convicted_by", ", ".join(judges))


def test_a_known_seed_belongs_to_a_mutant() -> None:
    assert set(KNOWN_SEEDS) <= set(MUTANTS)
