"""`kv`: etcd's key-value API on a few keys that everybody uses, revisions and all.

Puts, gets, ranges, deletes and transactions; reads of old revisions and serializable reads now and
then. Every answer carries the store's revision, which tells the order of writes and makes the
judgement of long histories cheap.
"""

from collections.abc import Sequence

import msgspec

from checkers.checker import Checker
from checkers.history import Op, OpType
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.mvcc import mvcc_invariants
from checkers.stats import Stats
from harness.client import Client
from harness.etcd_client import KvClient
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import at_rate
from harness.generator.sources import Endless
from harness.plan import Plan
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv_draws import (
    KEY_PREFIX,
    KEYS_END,
    Drawing,
    Known,
    Sizes,
    draw_request,
    learned,
    sizes_of,
)
from nodeimpl.ids import MILLISECOND, SECOND


class KvWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "kv"
    summary: str = "put, get, range, delete and txn with revisions; linearizable as etcd is"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return KvClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        paced = at_rate(plan.workload.rate, KvGenerator(sizes_of(plan), Known()))
        return TimeLimit(round(plan.workload.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`. One range shows every key, whoever used it."""
        everything = {"key": KEY_PREFIX, "range_end": KEYS_END}
        return each_until_ok(plan, [Invocation("range", None, everything)])

    def checkers(self, plan: Plan) -> Sequence[Checker]:
        """See `Workload`."""
        etcd = etcd_linearizable(compacts_itself=may_compact_itself(plan))
        return (etcd, mvcc_invariants(), Stats())


def may_compact_itself(plan: Plan) -> bool:
    """Return whether others than clients may have the store compact.

    The nemesis does, and whoever makes room in a full store, and the history tells of it in words
    only; a real store may do so by itself.
    """
    by_itself = any("auto-compaction" in flag for flag in plan.daemon.flags)
    compacting = ("compact", "quota")
    by_nemesis = any(package in plan.faults.packages for package in compacting)
    return by_itself or by_nemesis or plan.faults.schedule is not None


class KvGenerator(msgspec.Struct, frozen=True):
    """Requests on a few keys, drawn in the light of what was answered; never done."""

    sizes: Sizes
    known: Known

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        return Next(answer, self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        if op.type is not OpType.OK:
            return self
        return KvGenerator(self.sizes, learned(self.known, op))

    def _draw(self, context: Context) -> Invocation:
        return draw_request(Drawing(context.random, self.known, self.sizes))
