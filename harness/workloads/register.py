"""`register`: many registers, each read, written and compared-and-set by a few clients at once.

The classic of Jepsen's etcd tests. Few values per key, so that a `cas` succeeds now and then; few
operations per key, because what a search for a linearization costs grows with those of one key.
"""

from collections.abc import Sequence

import msgspec

from checkers.checker import Checker
from checkers.linearizability.checker import linearizable
from checkers.stats import Stats
from harness.client import Client
from harness.etcd_client import RegisterClient
from harness.generator.bounds import Limit, TimeLimit
from harness.generator.generator import Context, Generator, Invocation
from harness.generator.keys import Independent
from harness.generator.pace import at_rate
from harness.generator.slots import Slots
from harness.generator.sources import Endless
from harness.plan import Plan
from harness.workloads.final_reads import each_until_ok
from nodeimpl.ids import MILLISECOND, SECOND

_READ_SHARE = 0.4
_WRITE_SHARE = 0.3
"""What is left is the share of `cas`."""


class RegisterWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "register"
    summary: str = "read, write and compare-and-set on many keys; linearizable"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return RegisterClient(
            timeout_ns=round(plan.workload.timeout_ms * MILLISECOND),
            value_bytes=plan.workload.value_bytes,
        )

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`. Keys are `r0`, `r1`, ...; a retired one is not used again."""
        workload = plan.workload
        keys = _evenly(plan) if workload.key_distribution == "uniform" else _unevenly(plan)
        return TimeLimit(round(workload.time_limit_s * SECOND), at_rate(workload.rate, keys))

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:
        """See `Workload`."""
        return each_until_ok(plan, [Invocation("read", key) for key in keys])

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`."""
        return (linearizable("cas-register"), Stats())


def _evenly(plan: Plan) -> Generator:
    """Return operations on several keys at a time, each worked on by threads of its own."""

    def on_one_key(_key: str) -> Generator:
        return Limit(plan.workload.ops_per_key, Endless(lambda context: draw(context, plan)))

    return Independent(plan.workload.keys, _name, on_one_key)


def _unevenly(plan: Plan) -> Generator:
    """Return operations on several keys at a time, on some of them more often than on others."""
    load = plan.workload
    return Slots(
        distribution=load.key_distribution,
        per_slot=load.ops_per_key,
        name=_name,
        draw=lambda context: draw(context, plan),
        used=(0,) * load.keys,
    )


def _name(number: int) -> str:
    return f"r{number}"


def draw(context: Context, plan: Plan) -> Invocation:
    """Return one operation on one register.

    A `cas` sometimes expects None, which a register holds until it is first written.
    """
    random, values = context.random, plan.workload.values
    kind = random.random()
    if kind < _READ_SHARE:
        return Invocation("read")
    new = int(random.random() * values)
    if kind < _READ_SHARE + _WRITE_SHARE:
        return Invocation("write", value=new)
    expected = int(random.random() * (values + 1))
    return Invocation("cas", value=[None if expected == values else expected, new])
