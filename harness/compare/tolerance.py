"""How many members a cluster can lose, measured: kill some of them and see whether it serves.

For each size and each number of dead members the cluster runs for a while, that many are killed at
once, chosen by the seed, and stay down. It *serves* if a write succeeds in the second half of that
time, when every election has long been over. The quorum is the least number of living members with
which it always served.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from checkers.history import NEMESIS, OpType
from harness.errors import HarnessError
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.trial import run_trial
from nemesis.faults.restart import Restart, Tail
from nemesis.schedule import Asked, At, Schedule
from nodeimpl.ids import SECOND

KILLED_AT_NS: Final = SECOND
DOWN_NS: Final = 8 * SECOND
RATE: Final = 20.0


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of so many members that loses so many: one trial to run."""

    members: int
    dead: int
    seed: int


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the operator's table, as measured."""

    members: int
    quorum: int
    """Living members that are needed."""
    tolerated: int
    """Dead ones that are not missed."""
    trials: int


def losses(sizes: Sequence[int], seeds: int) -> list[Loss]:
    """Return every trial that tells the tolerance of clusters of these sizes."""
    return [
        Loss(members=members, dead=dead, seed=seed)
        for members in sizes
        for dead in range(members + 1)
        for seed in range(1, seeds + 1)
    ]


def serves(loss: Loss) -> bool:
    """Run one trial, and return whether the cluster served in spite of the loss."""
    plan = Plan(
        seed=loss.seed,
        nodes=loss.members,
        workload=WorkloadPlan(rate=RATE, time_limit_s=(KILLED_AT_NS + DOWN_NS) / SECOND),
        faults=FaultPlan(packages=()),
    )
    dead = sorted(Random(f"{loss.seed}/tolerance").sample(plan.node_names, loss.dead))
    asked = tuple(
        Asked(
            id=number,
            moment=At(KILLED_AT_NS),
            fault=Restart(target=node, tail=Tail.KEPT, down_ns=DOWN_NS),
        )
        for number, node in enumerate(dead, 1)
    )
    history = run_trial(plan, Schedule(seed=loss.seed, asked=asked)).history
    start_ns, end_ns = KILLED_AT_NS + DOWN_NS // 2, KILLED_AT_NS + DOWN_NS
    return any(
        op.type is OpType.OK and op.process != NEMESIS and start_ns <= op.time < end_ns
        for op in history.ops
    )


def tolerances(trials: Sequence[Loss], served: Sequence[bool]) -> list[Tolerance]:
    """Return the table, a row for each size in the order in which they came.

    Raises `HarnessError` if a cluster was seen to serve with fewer members and not with more: then
    something else than the loss was measured.
    """
    results: dict[int, dict[int, bool]] = {}
    for loss, ok in zip(trials, served, strict=True):
        of_size = results.setdefault(loss.members, {})
        of_size[loss.dead] = of_size.get(loss.dead, True) and ok
    return [_tolerance(members, found, trials) for members, found in results.items()]


def _tolerance(members: int, found: dict[int, bool], trials: Sequence[Loss]) -> Tolerance:
    tolerated = max((dead for dead, ok in found.items() if ok), default=-1)
    if tolerated < 0 or not all(found[dead] for dead in range(tolerated + 1)):
        raise HarnessError(
            f"a cluster of {members} did not serve with fewer members dead than {tolerated + 1}: "
            "its tolerance cannot be told"
        )
    return Tolerance(
        members=members,
        quorum=members - tolerated,
        tolerated=tolerated,
        trials=sum(loss.members == members for loss in trials),
    )
