"""Clients that hold something through a lease: granted, kept alive, lost, and granted again.

What `lock` and `elect` have in common. Each process has a lease of its own, lines up with it, works
for a while in its tenure, and ends it; now and then it does nothing for longer than its lease
lives, as a program whose memory is being tidied up, and goes on as if nothing had happened.
"""

from typing import Final, Protocol

import msgspec

from checkers.history import Op, OpType
from checkers.leases.lifetime import Bounds
from harness.generator.generator import Context, Generator, Invocation, Next, Pending
from harness.plan import Plan
from harness.tenure_client import SESSION_EXPIRED
from harness.workloads.lease import lease_bounds
from nodeimpl.ids import SECOND, Instant

TTL_S: Final = 1
"""What is asked for: stores make it as short as they allow."""
_REST_NS: Final = 3 * SECOND
"""Longer than such a lease lives, unless elections are slow."""
_END_SHARE: Final = 0.2
_KEEP_ALIVE_SHARE: Final = 0.15
_REST_SHARE: Final = 0.01


def session_bounds(plan: Plan) -> Bounds:
    """Return what the leases of sessions are held to: not to die early.

    Who waits in line keeps its lease alive meanwhile, and the history does not tell how often.
    """
    return msgspec.structs.replace(lease_bounds(plan), outlive_ns=None)


class Tenure(msgspec.Struct, frozen=True):
    """What a process believes to hold."""

    name: str
    key: str
    token: int


class Trade(Protocol):
    """What the holders of one kind of thing do. Stateless."""

    @property
    def begins(self) -> str:
        """The `f` of the operation that begins a tenure."""

    @property
    def ends(self) -> str:
        """The `f` of the one that ends it."""

    @property
    def named(self) -> str:
        """The argument that names what is held."""

    def idle(self, context: Context) -> Invocation | None:
        """Return what somebody without a tenure does instead of lining up; None: line up."""

    def begin(self, context: Context, lease: int) -> Invocation:
        """Return how to line up."""

    def hold(self, context: Context, tenure: Tenure) -> Invocation:
        """Return what a holder does."""


class Session(msgspec.Struct, frozen=True):
    """One process that follows a trade; never done."""

    trade: Trade
    lease: int | None = None
    """None before it has one, and when it knows that it has lost it."""
    tenure: Tenure | None = None
    rests_until: Instant | None = None

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if not context.free:
            return Next(Pending(), self)
        if self.rests_until is not None and context.now < self.rests_until:
            return Next(Pending(self.rests_until), self)
        awake = msgspec.structs.replace(self, rests_until=None)
        if self.tenure is not None and context.random.random() < _REST_SHARE:
            until = Instant(context.now + _REST_NS)
            return Next(Pending(until), msgspec.structs.replace(awake, rests_until=until))
        invocation = awake.draw(context)
        return Next(msgspec.structs.replace(invocation, thread=context.free[0]), awake)

    def draw(self, context: Context) -> Invocation:
        """Return what it does now."""
        trade, random = self.trade, context.random
        if self.lease is None:
            return trade.idle(context) or Invocation("lease-grant", None, {"ttl": TTL_S})
        if self.tenure is None:
            return trade.idle(context) or trade.begin(context, self.lease)
        point = random.random()
        if point < _END_SHARE:
            return Invocation(trade.ends, None, arguments(trade, self.tenure))
        if point < _END_SHARE + _KEEP_ALIVE_SHARE:
            return Invocation("lease-keep-alive", None, {"id": self.lease})
        return trade.hold(context, self.tenure)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - its own process's
        """See `Generator`."""
        return self._succeeded(op) if op.type is OpType.OK else self._failed(op)

    def _succeeded(self, op: Op) -> "Session":
        trade = self.trade
        match op.f, op.value:
            case "lease-grant", {"id": int(lease)}:
                return Session(trade, lease)
            case "lease-keep-alive", {"ttl": int(ttl)} if ttl <= 0:
                return Session(trade)
            case f, {"key": str(key), "token": int(token)} if f == trade.begins:
                return Session(trade, self.lease, Tenure(_name(key), key, token))
            case f, _ if f == trade.ends:
                return Session(trade, self.lease)
            case _:
                return self

    def _failed(self, op: Op) -> "Session":
        """Return what is left: nothing, if it has lost its lease or may have."""
        is_lost = op.error in LOST or op.f == self.trade.ends
        return Session(self.trade) if is_lost else self


LOST: Final = frozenset({SESSION_EXPIRED, "compare failed", "lease not found"})
"""Errors from which a holder learns that it holds nothing any more."""


def arguments(trade: Trade, tenure: Tenure) -> dict[str, object]:
    """Return the arguments of every operation in this tenure."""
    return {trade.named: tenure.name, "key": tenure.key, "token": tenure.token}


def _name(key: str) -> str:
    return key.rpartition("/")[0]
