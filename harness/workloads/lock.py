"""`lock`: etcd's lock, and sets that its holders add to, with and without a fence.

A lock held through a lease does not exclude: a holder that sleeps, or is cut off, for longer than
its lease lives goes on as if it held the lock, while somebody else does. What it adds to a set by a
plain put then undoes what the other added; this is seen, told with its reason, and not held against
the store, which never promised better (`lock_excludes` in the plan judges it all the same). What is
fenced by the tenure's create_revision must hold whatever happens.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.checker import Checker
from checkers.guarded_set import GuardedSet
from checkers.leases.checker import LeaseChecker
from checkers.lock import lock_exclusion, lock_fencing
from checkers.lock_loss import how_it_was_lost
from checkers.not_promised import NotPromised
from harness.client import Client
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation
from harness.generator.pace import at_rate
from harness.generator.shares import place_in
from harness.generator.threads import EachProcess
from harness.lock_client import LockClient
from harness.plan import Distribution, Plan
from harness.workloads.final_reads import each_until_ok
from harness.workloads.sessions import Session, Tenure, arguments, session_bounds
from nodeimpl.ids import MILLISECOND, SECOND

_CLIENTS_PER_LOCK: Final = 4
"""Few locks, so that clients wait for one another."""
_GENERATION_S: Final = 10
"""After so long all sets give way to fresh ones, for what a read costs grows with its set."""
_READ_SHARE: Final = 0.3
"""Of what those do who hold nothing."""
_ELEMENTS: Final = 2**53
"""So many that none is drawn twice."""
_BECAUSE: Final = "a lock that is held through a lease can end without its holder's knowing"


class LockWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "lock"
    summary: str = "locks by etcd's recipe that guard sets; what is fenced must hold"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return LockClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        holder = Session(Holder(locks_count(plan), plan.workload.key_distribution))
        paced = at_rate(plan.workload.rate, EachProcess(holder))
        return TimeLimit(round(plan.workload.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`. Every set that there may be is read."""
        generations = math.ceil(plan.workload.time_limit_s / _GENERATION_S)
        sets = [
            _set(kind, f"lock{number}", generation)
            for number in range(locks_count(plan))
            for generation in range(generations)
            for kind in ("fenced", "plain")
        ]
        return each_until_ok(plan, [Invocation("read", name) for name in sets])

    def checkers(self, plan: Plan) -> Sequence[Checker]:
        """See `Workload`."""
        exclusion: Checker = lock_exclusion()
        plain: Checker = GuardedSet("plain-set", is_fenced=False)
        if not plan.workload.lock_excludes:
            exclusion = NotPromised(checker=exclusion, because=_BECAUSE, explain=how_it_was_lost)
            plain = NotPromised(checker=plain, because=_BECAUSE)
        fenced = GuardedSet("fenced-set", is_fenced=True)
        leases = LeaseChecker(bounds=session_bounds(plan))
        return (lock_fencing(), fenced, exclusion, plain, leases)


def locks_count(plan: Plan) -> int:
    """Return how many locks there are."""
    return max(1, min(plan.workload.keys, plan.workload.concurrency // _CLIENTS_PER_LOCK))


class Holder(msgspec.Struct, frozen=True):
    """What holders of locks do: see `sessions.Trade`."""

    locks_count: int
    distribution: Distribution
    begins: str = "acquire"
    ends: str = "release"
    named: str = "lock"

    def idle(self, context: Context) -> Invocation | None:
        """See `Trade`."""
        if context.random.random() >= _READ_SHARE:
            return None
        kind = "fenced" if context.random.random() < 0.5 else "plain"
        return Invocation("read", _current_set(kind, self._lock(context), context))

    def begin(self, context: Context, lease: int) -> Invocation:
        """See `Trade`."""
        return Invocation("acquire", None, {"lock": self._lock(context), "lease": lease})

    def hold(self, context: Context, tenure: Tenure) -> Invocation:
        """See `Trade`."""
        is_fenced = context.random.random() < 0.5
        name = _current_set("fenced" if is_fenced else "plain", tenure.name, context)
        element = int(context.random.random() * _ELEMENTS)
        value = arguments(self, tenure) | {"set": name, "value": element}
        return Invocation("guarded" if is_fenced else "unguarded", None, value)

    def _lock(self, context: Context) -> str:
        return f"lock{place_in(context.random, self.locks_count, self.distribution)}"


def _current_set(kind: str, lock: str, context: Context) -> str:
    return _set(kind, lock, context.now // (_GENERATION_S * SECOND))


def _set(kind: str, lock: str, generation: int) -> str:
    return f"{kind}-{lock}.{generation}"
