"""`set`: elements are added to sets, and whatever was added must stay and be seen at once.

The oldest test of a store that loses writes (Jepsen's set-full). Some sets are a list in one key,
to which compare-and-set adds; the others have a key for every element, and are read by a range.
Sets are retired after `ops_per_key` operations, for what a read costs grows with its set.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.checker import Checker
from checkers.history import Op
from checkers.jepsen.set_full import SetFull
from checkers.stats import Stats
from harness.client import Client
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import at_rate
from harness.generator.slots import Slots
from harness.plan import Plan
from harness.set_client import LIST, SetClient
from harness.workloads.final_reads import each_until_ok
from nodeimpl.ids import MILLISECOND, SECOND

_READ_SHARE: Final = 0.3


class SetWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "set"
    summary: str = "additions to sets, by compare-and-set or a key each; none lost, none stale"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return SetClient(
            timeout_ns=round(plan.workload.timeout_ms * MILLISECOND),
            value_bytes=plan.workload.value_bytes,
        )

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        load = plan.workload
        sets = Slots(
            distribution=load.key_distribution,
            per_slot=load.ops_per_key,
            name=_name,
            draw=_draw,
            used=(0,) * load.keys,
        )
        paced = at_rate(load.rate, Numbered(sets, 0))
        return TimeLimit(round(load.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:
        """See `Workload`."""
        return each_until_ok(plan, [Invocation("read", key) for key in keys])

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`."""
        return (SetFull(), Stats())


class Numbered(msgspec.Struct, frozen=True):
    """Operations of `generator`, whose additions are numbered: no element comes twice."""

    generator: Generator
    number: int

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, asked = self.generator.next(context)
        if not isinstance(answer, Invocation) or answer.f != "add":
            return Next(answer, Numbered(asked, self.number))
        added = msgspec.structs.replace(answer, value=self.number)
        return Next(added, Numbered(asked, self.number + 1))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return Numbered(self.generator.update(context, op), self.number)


def _name(number: int) -> str:
    return f"{LIST if number % 2 else 'keys'}{number}"


def _draw(context: Context) -> Invocation:
    return Invocation("read" if context.random.random() < _READ_SHARE else "add")
