"""`auth`: users who try what they may, and what they may not, while that changes.

One user may read, one may write, one may do both: never more than a few keys each, and of those
root takes some away and gives them back. What they try is everything that needs a right: ranges,
previous values, compares, both branches of transactions, and transactions within transactions.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from checkers.authorisation import ROOT, AuthorisationChecker
from checkers.checker import Checker
from checkers.stats import Stats
from harness.auth_client import AnyAttempt, Attempt, AuthClient, TxnAttempt, needs_of
from harness.client import Client
from harness.generator.bounds import TimeLimit, UntilOk
from harness.generator.generator import Context, Generator, Invocation
from harness.generator.order import Series
from harness.generator.pace import at_rate
from harness.generator.sources import Endless, always
from harness.plan import Plan
from harness.workloads.final_reads import each_until_ok
from harness.workloads.kv_draws import KEY_PREFIX, KEYS_END, key_name
from nodeimpl.ids import MILLISECOND, SECOND

_USERS: Final = {"reader": (True, False), "writer": (False, True), "both": (True, True)}
"""By name: whether what is granted to them is to read, and to write."""
_KEYS: Final = 4
"""Keys that there are; few, so that rights and attempts meet."""
_GRANT_SHARE: Final = 0.15
_REVOKE_SHARE: Final = 0.08


class AuthWorkload(msgspec.Struct, frozen=True):
    """See the module."""

    name: str = "auth"
    summary: str = "users try what they may and may not, while root grants and revokes"

    def client(self, plan: Plan) -> Client:
        """See `Workload`."""
        timeout_ns = round(plan.workload.timeout_ms * MILLISECOND)
        return AuthClient(timeout_ns=timeout_ns, users=tuple(_USERS))

    def generator(self, plan: Plan) -> Generator:
        """See `Workload`."""
        load = Series((UntilOk(always(Invocation("enable"))), Endless(_draw)))
        return TimeLimit(
            round(plan.workload.time_limit_s * SECOND), at_rate(plan.workload.rate, load)
        )

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:  # noqa: ARG002
        """See `Workload`."""
        everything = Attempt("get", KEY_PREFIX, KEYS_END)
        return each_until_ok(plan, [Invocation("as-user", None, _asked(ROOT, everything))])

    def checkers(self, plan: Plan) -> Sequence[Checker]:  # noqa: ARG002 - the protocol's signature
        """See `Workload`."""
        return (AuthorisationChecker(), Stats())


def _draw(context: Context) -> Invocation:
    random = context.random
    user = _one_of(random, tuple(_USERS))
    point = random.random()
    if point < _GRANT_SHARE + _REVOKE_SHARE:
        read, write = _USERS[user]
        value = {"user": user, "key": _key(random), "read": read, "write": write}
        return Invocation("grant" if point < _GRANT_SHARE else "revoke", None, value)
    return Invocation("as-user", None, _asked(user, _draw_attempt(random)))


def _asked(user: str, attempt: AnyAttempt) -> dict[str, object]:
    reads, writes = needs_of(attempt)
    request: object = msgspec.to_builtins(attempt)
    return {"user": user, "reads": reads, "writes": writes, "request": request}


def _draw_attempt(random: Random) -> AnyAttempt:
    point = random.random()
    if point < 0.6:
        return _draw_simple(random)
    inner: AnyAttempt = _draw_simple(random)
    if point < 0.8:
        inner = _txn(random, inner)
    return _txn(random, inner)


def _draw_simple(random: Random) -> Attempt:
    kind = _one_of(random, ("get", "get", "put", "put", "delete"))
    key = _key(random)
    range_end = None
    if kind != "put" and random.random() < 0.15:
        range_end = _one_of(random, (KEYS_END, "\0"))
    return Attempt(kind, key, range_end, prev_kv=kind != "get" and random.random() < 0.3)


def _txn(random: Random, inner: AnyAttempt) -> TxnAttempt:
    """Return a transaction with one step, on either side, and at times a compare."""
    compare = (_key(random),) if random.random() < 0.4 else ()
    if random.random() < 0.5:
        return TxnAttempt(compare, (inner,), ())
    return TxnAttempt(compare, (), (inner,))


def _key(random: Random) -> str:
    return key_name(int(random.random() * _KEYS))


def _one_of(random: Random, choices: Sequence[str]) -> str:
    return choices[int(random.random() * len(choices))]
