"""`append`: transactions of reads and appends over a few lists; strictly serializable.

After jepsen-etcd's workload of that name. Lists are retired after `ops_per_key` transactions or so,
because what a read costs grows with its list. The judgement finds which transaction must have come
before which, and whether that goes round in a circle (Elle).
"""

import math
from collections.abc import Sequence

import msgspec

from checkers.checker import Checker
from checkers.history import Op
from checkers.stats import Stats
from checkers.transactions.checker import LIST_APPEND, transactional
from harness.append_client import AppendClient
from harness.client import Client
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import at_rate
from harness.generator.shares import place_in
from harness.generator.sources import Endless
from harness.plan import Distribution, Plan
from harness.workloads.final_reads import each_until_ok
from nodeimpl.ids import MILLISECOND, SECOND

_LENGTH_MAX = 4
"""Micro-operations in a transaction."""

_READ_SHARE = 0.5

_FINAL_READS_MAX = 100
"""Lists that one final transaction reads; etcd takes 128 requests in one (--max-txn-ops)."""


class AppendWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "append"
    summary: str = "transactions of reads and appends over lists; strictly serializable"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return AppendClient(
            timeout_ns=round(plan.workload.timeout_ms * MILLISECOND),
            value_bytes=plan.workload.value_bytes,
        )

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        load = plan.workload
        lists = AppendGenerator(load.keys, load.key_distribution, load.ops_per_key, 0)
        paced = at_rate(plan.workload.rate, lists)
        return TimeLimit(round(plan.workload.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`. Every list is read, as many as fit in each transaction."""
        reads = [["r", key, None] for key in _all_keys(plan)]
        starts = range(0, len(reads), _FINAL_READS_MAX)
        transactions = (reads[start : start + _FINAL_READS_MAX] for start in starts)
        return each_until_ok(plan, [Invocation("txn", None, read) for read in transactions])

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`."""
        return (transactional(LIST_APPEND), Stats())


class AppendGenerator(msgspec.Struct, frozen=True):
    """Transactions over `lists_count` lists at a time; never done.

    The number of the transaction is what it appends, to whichever lists: no element comes twice.
    """

    lists_count: int
    distribution: Distribution
    per_list: int
    """Transactions after which all lists give way to fresh ones, times their count."""
    number: int

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        drawn = isinstance(answer, Invocation)
        return Next(answer, msgspec.structs.replace(self, number=self.number + drawn))

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        return self

    def _draw(self, context: Context) -> Invocation:
        random = context.random
        generation = self.number // (self.per_list * self.lists_count)
        steps: list[list[object]] = []
        appended: list[str] = []
        for _ in range(1 + int(random.random() * _LENGTH_MAX)):
            key = _key(place_in(random, self.lists_count, self.distribution), generation)
            if random.random() < _READ_SHARE or key in appended:
                steps.append(["r", key, None])
            else:
                appended.append(key)
                steps.append(["append", key, self.number])
        return Invocation("txn", value=steps)


def _all_keys(plan: Plan) -> list[str]:
    """Return every list that the load may have used; some of the last may never have been.

    The load is a Poisson process: in one trial out of 30,000 it has more transactions than four
    standard deviations above the mean.
    """
    load = plan.workload
    mean = load.rate * load.time_limit_s
    generations = math.ceil((mean + 4 * math.sqrt(mean)) / (load.ops_per_key * load.keys))
    return [_key(slot, each) for each in range(generations) for slot in range(load.keys)]


def _key(slot: int, generation: int) -> str:
    return f"l{slot}.{generation}"
