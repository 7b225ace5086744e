"""`watch`: clients that watch, while others write and compact what is watched.

The writes are those of `kv`, with more deletions, and with compactions between: to the present, to
a little before, and again and again to the very revision of the last deletion, whose event must
not go with what it deleted (etcd #18089). Who watches, and from where, is `harness.watch_fleet`'s.
"""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from checkers.checker import Checker
from checkers.history import Op, OpType
from checkers.mvcc import mvcc_invariants
from checkers.stats import Stats
from checkers.watch.changes import WatchedEtcdChecker
from checkers.watch.checker import WatchChecker
from checkers.watch_history import WatchRecord
from harness.client import Client
from harness.etcd_client import KvClient
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import at_rate
from harness.generator.sources import Endless
from harness.plan import Plan, WatchPlan
from harness.watch_client import WatchSettings
from harness.watch_fleet import Reach, WatchFleet
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv import may_compact_itself
from harness.workloads.kv_draws import (
    KEY_PREFIX,
    KEYS_END,
    Drawing,
    Known,
    Sizes,
    draw_request,
    key_name,
    learned,
    sizes_of,
)
from nodeimpl.ids import MILLISECOND, SECOND, Instant

_KEYS_WATCHED_MAX = 20


class WatchWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "watch"
    summary: str = "watches from then, now and later on, resumed after breaks; writes, compactions"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return KvClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        paced = at_rate(plan.workload.rate, WatchedGenerator(sizes_of(plan), plan.watch))
        return TimeLimit(round(plan.workload.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`. Its revision is what all watchers are to hear of."""
        everything = {"key": KEY_PREFIX, "range_end": KEYS_END}
        return each_until_ok(plan, [Invocation("range", None, everything)])

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`. Who needs to know of watches is beside them: see `watch_checkers`."""
        return (mvcc_invariants(), Stats())

    def watch_checkers(self, plan: Plan, records: Sequence[WatchRecord]) -> Sequence[Checker]:
        """Return who judges what watchers were told, and the history in the light of it."""
        compacts_itself = may_compact_itself(plan)
        return (
            WatchedEtcdChecker(records=records, compacts_itself=compacts_itself),
            WatchChecker(records=records, compacts_itself=compacts_itself),
        )

    def fleet(
        self, plan: Plan, random: Random, record: Callable[[WatchRecord], None], now: Instant
    ) -> WatchFleet:
        """Return the clients that watch; `record` is given what they are told, as it comes."""
        return watch_fleet(plan, random, record, now)


def watch_fleet(
    plan: Plan, random: Random, record: Callable[[WatchRecord], None], now: Instant
) -> WatchFleet:
    """Return clients that watch the keys of `kv`, as many and as eager as the plan says."""
    watch = plan.watch
    count = min(plan.workload.keys, _KEYS_WATCHED_MAX)
    return WatchFleet(
        clients_count=watch.clients_per_node * plan.nodes,
        settings=WatchSettings(
            watchers_max=watch.watchers,
            burst=watch.burst,
            act_ns=round(watch.act_ms * MILLISECOND),
            rest_ns=round(watch.rest_ms * MILLISECOND),
        ),
        nodes=plan.node_names,
        keys=[key_name(number) for number in range(count)],
        keys_end=KEYS_END,
        reach=Reach(watch.past, watch.future),
        random=random,
        record=record,
        now=now,
    )


class WatchedGenerator(msgspec.Struct, frozen=True):
    """Requests on a few keys, drawn in the light of what was answered; never done."""

    sizes: Sizes
    settings: WatchPlan
    known: Known = Known()
    deleted_at: int = 0
    """The revision of the last deletion; 0 before the first."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        return Next(answer, self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        if op.type is not OpType.OK or op.f == "compact":
            return self
        known = learned(self.known, op)
        did_delete = op.f == "delete" and isinstance(op.value, dict) and op.value.get("deleted")
        deleted_at = known.revision if did_delete else self.deleted_at
        return WatchedGenerator(self.sizes, self.settings, known, deleted_at)

    def _draw(self, context: Context) -> Invocation:
        random = context.random
        drawing = Drawing(random, self.known, self.sizes)
        point = random.random()
        if point < self.settings.compactions:
            revision = draw_compaction(random, self.settings, self.known.revision, self.deleted_at)
            return Invocation("compact", None, {"revision": revision})
        if point < self.settings.compactions + self.settings.deletions:
            key = drawing.key()
            return Invocation("delete", key, {"key": key})
        return draw_request(drawing)


def draw_compaction(random: Random, settings: WatchPlan, revision: int, deleted_at: int) -> int:
    """Return where to compact to: to the last deletion, or not far from the latest revision."""
    if deleted_at and random.random() < settings.compact_to_deletion:
        return deleted_at
    return max(1, revision - int(random.random() * settings.compact_depth))
