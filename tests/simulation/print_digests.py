"""Prints the digests of short trials, one line per seed; run in fresh processes by a test.

python -m tests.simulation.print_digests SEEDS
"""

import sys

from harness.schedules import schedule_for
from tests.simulation.trials import WORKLOADS, simulate, small_plan


def digests(seeds: int) -> list[str]:
    """Return one line for each seed from 1, the workloads taking turns."""
    lines = []
    for seed in range(1, seeds + 1):
        workload = WORKLOADS[seed % len(WORKLOADS)]
        plan = small_plan(seed, workload, seconds=1.0, fault_every_s=0.25)
        result = simulate(plan, schedule_for(plan, None)).result
        lines.append(f"{seed} {plan.workload.name} {result.event_count} {result.digest}")
    return lines


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in digests(int(sys.argv[1])))
