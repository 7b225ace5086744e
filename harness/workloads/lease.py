"""`lease`: keys that live by leases, of which some are kept alive and others left to expire.

Leases are short, so that they end within a trial. Their ids are few and come again, so that what is
said of one lease may reach the next of that id.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from random import Random
from typing import Final

import msgspec

from checkers.checker import Checker
from checkers.history import Op, OpType
from checkers.leases.checker import LeaseChecker
from checkers.leases.lifetime import Bounds
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.mvcc import mvcc_invariants
from checkers.stats import Stats
from harness.client import Client
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.pace import After, at_rate
from harness.generator.sources import Endless
from harness.lease_client import LeaseClient
from harness.plan import Plan
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv_draws import (
    KEY_PREFIX,
    KEYS_END,
    Sizes,
    draw_key,
    draw_value,
    sizes_of,
)
from nodeimpl.ids import MILLISECOND, SECOND, Instant

_LEASES: Final = 6
"""Ids in use, from 1."""
_KEPT: Final = 4
"""Of these, the lowest are kept alive; the others end when their first TTL is over."""
_PHASE_NS: Final = 3 * SECOND // 2
"""For so long clients keep alive those of odd ids, then those of even ones, and so on: each is kept
for a while and then left alone, so that it lives, or ends, by its last promise."""
_TTL_S_MAX: Final = 3
_LIVES_IF_BUSY: Final = 3


class LeaseWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "lease"
    summary: str = "keys that live by leases: none dies early, all go at once, none stays"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return LeaseClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        paced = at_rate(plan.workload.rate, LeaseGenerator(sizes_of(plan), {}))
        return TimeLimit(round(plan.workload.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`.

        Read when every lease that nobody keeps alive has ended. One range shows every key.
        """
        everything = {"key": KEY_PREFIX, "range_end": KEYS_END}
        reads = each_until_ok(plan, [Invocation("range", None, everything)])
        return After(round(lifetime_max_s(plan) * SECOND), reads)

    def checkers(self, plan: Plan) -> Sequence[Checker]:
        """See `Workload`."""
        lease = LeaseChecker(bounds=lease_bounds(plan))
        return (lease, etcd_linearizable(), mvcc_invariants(), Stats())


def lease_bounds(plan: Plan) -> Bounds:
    """Return what the plan's leases are held to.

    A leader whose clock is bent may end a lease at any time, and be right by that clock. A lease
    may outlive its time by another life, for there may be an election though nothing was done to
    the cluster; by more of them on machines that are busy with other things.
    """
    if "clock" in plan.faults.packages or plan.faults.schedule is not None:
        return Bounds(clock_drift=1.0)
    lives = 1 if plan.environment == "simulation" else _LIVES_IF_BUSY
    return Bounds(outlive_ns=round(lives * lifetime_max_s(plan) * SECOND))


def lifetime_max_s(plan: Plan) -> float:
    """Return how long a lease lives at most that nobody keeps alive, once leaders stay.

    A second more than what the last leader gave it: its TTL, or the shortest one if that is longer,
    and an election timeout.
    """
    election_s = plan.node.election_timeout_ms[1] / 1_000
    return max(float(_TTL_S_MAX), ceil(1.5 * election_s)) + election_s + 1.0


class LeaseGenerator(msgspec.Struct, frozen=True):
    """Requests about a few leases and a few keys; never done."""

    sizes: Sizes
    known: Mapping[int, bool]
    """Of each id that a client knows of, whether such a lease was there when it last heard."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        return Next(answer, self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        lives = _lives(op)
        if lives is None:
            return self
        lease, is_there = lives
        return LeaseGenerator(self.sizes, {**self.known, lease: is_there})

    def _draw(self, context: Context) -> Invocation:
        drawing = Drawing(context.random, context.now, self.sizes, self.known)
        point = drawing.random.random()
        for share, draw in _MIX:
            point -= share
            if point < 0:
                return draw(drawing)
        return _get(drawing)


def _lives(op: Op) -> tuple[int, bool] | None:
    """Return a lease of which a completion tells, and whether it was there; None if of none."""
    if op.type is not OpType.OK or not isinstance(op.value, dict):
        return None
    match op.f, op.value:
        case "lease-grant", {"id": int(lease)}:
            return lease, True
        case "lease-keep-alive", {"id": int(lease), "ttl": int(ttl)}:
            return lease, ttl > 0
        case "lease-time-to-live", {"id": int(lease), "ttl": int(ttl)}:
            return lease, ttl >= 0
        case _:
            return None


class Drawing(msgspec.Struct, frozen=True):
    """What one request is drawn from."""

    random: Random
    now: Instant
    sizes: Sizes
    known: Mapping[int, bool]

    def below(self, count: int) -> int:
        """Return any number from 0 on that is less."""
        return int(self.random.random() * count)

    def key(self) -> str:
        """Return any key."""
        return draw_key(self.random, self.sizes)

    def value(self) -> str:
        """Return a value that has most likely not been written yet."""
        return draw_value(self.random, self.sizes)

    def lease(self) -> int:
        """Return mostly a lease that was there, or any id."""
        there = [lease for lease, is_there in sorted(self.known.items()) if is_there]
        if there and self.random.random() < 0.9:
            return there[self.below(len(there))]
        return 1 + self.below(_LEASES)

    def missing(self) -> int:
        """Return mostly an id that nobody is known to have."""
        free = [lease for lease in range(1, _LEASES + 1) if not self.known.get(lease, False)]
        if free and self.random.random() < 0.9:
            return free[self.below(len(free))]
        return 1 + self.below(_LEASES)


def _grant(drawing: Drawing) -> Invocation:
    value: dict[str, object] = {"ttl": 1 + drawing.below(_TTL_S_MAX)}
    if drawing.random.random() < 0.9:
        value["id"] = drawing.missing()
    return Invocation("lease-grant", None, value)


def _revoke(drawing: Drawing) -> Invocation:
    return Invocation("lease-revoke", None, {"id": drawing.lease()})


def _keep_alive(drawing: Drawing) -> Invocation:
    phase = drawing.now // _PHASE_NS
    kept = [lease for lease in range(1, _KEPT + 1) if (lease + phase) % 2]
    there = [lease for lease in kept if drawing.known.get(lease, False)] or kept
    return Invocation("lease-keep-alive", None, {"id": there[drawing.below(len(there))]})


def _time_to_live(drawing: Drawing) -> Invocation:
    value: dict[str, object] = {"id": drawing.lease()}
    if drawing.random.random() < 0.7:
        value["keys"] = True
    return Invocation("lease-time-to-live", None, value)


def _put(drawing: Drawing) -> Invocation:
    key = drawing.key()
    value = {"key": key, "value": drawing.value(), "lease": drawing.lease()}
    return Invocation("put", key, value)


def _put_without(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("put", key, {"key": key, "value": drawing.value()})


def _delete(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("delete", key, {"key": key})


def _get(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("get", key, {"key": key})


def _range(drawing: Drawing) -> Invocation:
    del drawing
    return Invocation("range", None, {"key": KEY_PREFIX, "range_end": KEYS_END})


_MIX: Final[tuple[tuple[float, Callable[[Drawing], Invocation]], ...]] = (
    (0.08, _grant),
    (0.02, _revoke),
    (0.22, _keep_alive),
    (0.10, _time_to_live),
    (0.25, _put),
    (0.05, _put_without),
    (0.03, _delete),
    (0.10, _range),
    (0.15, _get),
)
"""Kinds of requests and their shares, which make 1."""
