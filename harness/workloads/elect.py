"""`elect`: elections by etcd's recipe: campaigns, proclamations, resignations, and who is told.

One leader at each revision, and never again one that was before. Leases end while their leaders
sleep, so offices change hands against their holders' will as well.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.checker import Checker
from checkers.election import ElectionChecker
from checkers.leases.checker import LeaseChecker
from harness.client import Client
from harness.election_client import ElectionClient
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Generator, Invocation
from harness.generator.pace import at_rate
from harness.generator.shares import place_in
from harness.generator.threads import EachProcess
from harness.plan import Distribution, Plan
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv_draws import Sizes, draw_value
from harness.workloads.sessions import Session, Tenure, arguments, session_bounds
from nodeimpl.ids import MILLISECOND, SECOND

_CLIENTS_PER_ELECTION: Final = 4
_WATCH_SHARE: Final = 0.4
"""Of what those do who lead nothing."""
_OBSERVE_SHARE: Final = 0.1


class ElectWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "elect"
    summary: str = "elections by etcd's recipe; one leader at each revision, and its own words"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        return ElectionClient(timeout_ns=round(plan.workload.timeout_ms * MILLISECOND))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        load = plan.workload
        count = elections_count(plan)
        candidate = Candidate(count, load.key_distribution, load.value_bytes)
        paced = at_rate(load.rate, EachProcess(Session(candidate)))
        return TimeLimit(round(load.time_limit_s * SECOND), paced)

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`. An observer is content with no leader at all."""
        elections = [{"election": f"office{number}"} for number in range(elections_count(plan))]
        return each_until_ok(plan, [Invocation("observe", None, each) for each in elections])

    def checkers(self, plan: Plan) -> Sequence[Checker]:
        """See `Workload`."""
        return (ElectionChecker(), LeaseChecker(bounds=session_bounds(plan)))


def elections_count(plan: Plan) -> int:
    """Return how many elections there are."""
    return max(1, min(plan.workload.keys, plan.workload.concurrency // _CLIENTS_PER_ELECTION))


class Candidate(msgspec.Struct, frozen=True):
    """What candidates and leaders do: see `sessions.Trade`."""

    elections_count: int
    distribution: Distribution
    value_bytes: int
    begins: str = "campaign"
    ends: str = "resign"
    named: str = "election"

    def idle(self, context: Context) -> Invocation | None:
        """See `Trade`."""
        if context.random.random() >= _WATCH_SHARE:
            return None
        return self._ask(context, self._election(context))

    def begin(self, context: Context, lease: int) -> Invocation:
        """See `Trade`."""
        value = {
            "election": self._election(context),
            "lease": lease,
            "value": self._words(context),
        }
        return Invocation("campaign", None, value)

    def hold(self, context: Context, tenure: Tenure) -> Invocation:
        """See `Trade`."""
        if context.random.random() < 0.3:
            return self._ask(context, tenure.name)
        value = arguments(self, tenure) | {"value": self._words(context)}
        return Invocation("proclaim", None, value)

    def _ask(self, context: Context, election: str) -> Invocation:
        f = "observe" if context.random.random() < _OBSERVE_SHARE else "leader"
        return Invocation(f, None, {"election": election})

    def _election(self, context: Context) -> str:
        return f"office{place_in(context.random, self.elections_count, self.distribution)}"

    def _words(self, context: Context) -> str:
        return draw_value(context.random, Sizes(1, value_bytes=self.value_bytes))
