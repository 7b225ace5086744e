"""Reads after the end: what is left of what was acknowledged, as every node tells it."""

from collections.abc import Iterable

from harness.generator.bounds import TimeLimit, UntilOk
from harness.generator.generator import Generator, Invocation
from harness.generator.order import Series
from harness.generator.pace import at_rate
from harness.generator.sources import always
from harness.plan import Plan
from nodeimpl.ids import SECOND


def each_until_ok(plan: Plan, invocations: Iterable[Invocation]) -> Generator:
    """Return every one of `invocations` in turn at every node, each repeated until it is `ok`.

    Each is given up after twice the plan's liveness bound: an environment that watches convicts a
    node that has not answered after one.
    """
    patience_ns = round(2 * plan.liveness.bound_s * SECOND)
    reads = [
        TimeLimit(
            patience_ns,
            UntilOk(always(Invocation(invocation.f, invocation.key, invocation.value, node=node))),
        )
        for invocation in invocations
        for node in plan.node_names
    ]
    return at_rate(plan.workload.rate, Series(tuple(reads)))
