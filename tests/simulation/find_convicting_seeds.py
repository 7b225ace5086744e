"""Writes `convicting_seeds.json`: for each mutant the first seed that convicts it.

python -m tests.simulation.find_convicting_seeds
"""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness.environments.simulation.mutants.registry import MUTANTS
from tests.simulation.test_mutants import conviction


def first_seed(name: str) -> int:
    """Return the first seed that convicts the mutant called `name`; 0 if none does."""
    return conviction(MUTANTS[name])[0]


if __name__ == "__main__":
    with ProcessPoolExecutor() as pool:
        seeds = dict(zip(MUTANTS, pool.map(first_seed, MUTANTS), strict=True))
    known = {name: seed for name, seed in seeds.items() if seed}
    path = Path(__file__).parent / "convicting_seeds.json"
    path.write_text(json.dumps(known, indent=1) + "\n")
