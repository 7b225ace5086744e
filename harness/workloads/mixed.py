"""`mixed`: everything at once, and everybody who can judge it.

Bugs live where features meet: a compaction while a watcher is behind, a lease that ends while a
transaction reads the past, a snapshot that is sent while a store is defragmented. So here all of
them are asked for on the same few keys, at the same time (`mixed_draws`), with clients that watch
(`harness.watch_fleet`), a steady beat of keep-alives through any node, and, if the plan says so,
bursts of puts that leave slow followers behind.
"""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from checkers.checker import Checker
from checkers.history import Op
from checkers.leases.checker import LeaseChecker
from checkers.mvcc import mvcc_invariants
from checkers.stats import Stats
from checkers.watch.changes import WatchedEtcdChecker
from checkers.watch.checker import WatchChecker
from checkers.watch_history import WatchRecord
from harness.client import Client
from harness.generator.bounds import TimeLimit
from harness.generator.bursts import Bursts
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import After, Gaps, at_rate
from harness.generator.sources import Endless
from harness.generator.threads import Reserve
from harness.mixed_client import MixedClient
from harness.plan import Plan
from harness.watch_fleet import WatchFleet
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv import may_compact_itself
from harness.workloads.kv_draws import KEY_PREFIX, KEYS_END, draw_key, draw_value, sizes_of
from harness.workloads.lease import lease_bounds, lifetime_max_s
from harness.workloads.mixed_draws import KEPT, mixed_generator
from harness.workloads.watch import watch_fleet
from nodeimpl.ids import MILLISECOND, SECOND, Instant


class MixedWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "mixed"
    summary: str = "everything at once: keys, leases, watches, compactions, members, maintenance"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return MixedClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        load = plan.workload
        requests = at_rate(load.rate, mixed_generator(plan))
        if plan.mixed.burst_puts:
            requests = Bursts(
                steady=requests,
                draw=lambda context: _put(context, plan),
                count=plan.mixed.burst_puts,
                interval_ns=round(plan.mixed.burst_every_s * SECOND),
            )
        if load.concurrency > 1:
            beats = at_rate(1_000 / plan.mixed.beat_ms, Beat(plan.node_names), gaps=Gaps.EVEN)
            requests = Reserve(((1, beats),), requests)
        return TimeLimit(round(load.time_limit_s * SECOND), requests)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`.

        Read when every lease must have ended, since nobody keeps one alive any more. The revision
        is what all watchers are to hear of.
        """
        everything = {"key": KEY_PREFIX, "range_end": KEYS_END}
        reads = each_until_ok(plan, [Invocation("range", None, everything)])
        return After(round(lifetime_max_s(plan) * SECOND), reads)

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`. Who needs to know of watches is beside them: see `watch_checkers`."""
        return (mvcc_invariants(), Stats(ok_count_min=0))

    def watch_checkers(self, plan: Plan, records: Sequence[WatchRecord]) -> Sequence[Checker]:
        """Return who judges what watchers were told, and the history in the light of it."""
        compacts_itself = may_compact_itself(plan)
        etcd = WatchedEtcdChecker(records=records, compacts_itself=compacts_itself)
        leases = LeaseChecker(records=records, bounds=lease_bounds(plan))
        if not plan.watch.clients_per_node:
            return (etcd, leases)
        return (etcd, WatchChecker(records=records, compacts_itself=compacts_itself), leases)

    def fleet(
        self, plan: Plan, random: Random, record: Callable[[WatchRecord], None], now: Instant
    ) -> WatchFleet:
        """Return the clients that watch; `record` is given what they are told, as it comes."""
        return watch_fleet(plan, random, record, now)


class Beat(msgspec.Struct, frozen=True):
    """Keep-alives of the leases that are kept, by turns, each through any node; never done."""

    nodes: Sequence[str]
    turn: int = 0

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        return Next(answer, Beat(self.nodes, self.turn + isinstance(answer, Invocation)))

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        return self

    def _draw(self, context: Context) -> Invocation:
        lease = KEPT[self.turn % len(KEPT)]
        node = self.nodes[int(context.random.random() * len(self.nodes))]
        return Invocation("lease-keep-alive", None, {"id": lease}, node=node)


def _put(context: Context, plan: Plan) -> Invocation:
    sizes = sizes_of(plan)
    key = draw_key(context.random, sizes)
    return Invocation("put", key, {"key": key, "value": draw_value(context.random, sizes)})
