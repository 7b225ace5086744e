"""What `mixed` asks for: everything, drawn in the light of what was answered.

Most of it is `kv`'s. Added are keys on leases, leases themselves, transactions that read old
revisions, deletions of everything, and compactions right after them: down to the very revision of
the deletion, which is when the store has least to stand on (etcd #17780, #18089).
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from checkers.history import Op, OpType
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.sources import Endless
from harness.mixed_client import DEFRAGMENT, MEMBER_LIST, MEMBER_UPDATE
from harness.plan import MixedPlan, Plan, WatchPlan
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
from harness.workloads.watch import draw_compaction

KEPT: Final = (1, 2)
"""Leases that are kept alive as long as somebody has them."""
_LEASES: Final = 6
"""Ids in use, from 1; all but those that are kept end by themselves."""
_TTL_S_MAX: Final = 3
_COMPACT_AT_ONCE: Final = 0.15
"""How often a deletion is compacted to as soon as it is answered."""
_RECENT: Final = 12
"""Transactions read so many revisions back; compactions are frequent."""
_WRITES: Final = frozenset({"put", "get", "range", "delete", "txn"})


class Seen(msgspec.Struct, frozen=True):
    """What clients have seen. Not to be trusted, only to be tried."""

    known: Known = Known()
    leases: Mapping[int, bool] = {}
    """Of each id that a client knows of, whether such a lease was there when it last heard."""
    deleted_at: int = 0
    """The revision of the last deletion; 0 before the first."""
    is_fresh: bool = False
    """Whether nothing was asked for since that was answered."""


class Deck(msgspec.Struct, frozen=True):
    """What one request is drawn from."""

    drawing: Drawing
    seen: Seen
    watch: WatchPlan
    mixed: MixedPlan

    def below(self, count: int) -> int:
        """Return any number from 0 on that is less."""
        return int(self.drawing.random.random() * count)

    def recent(self) -> int:
        """Return a revision that is most likely not compacted yet, now and then one to come."""
        return max(1, self.seen.known.revision + 1 - self.below(_RECENT))

    def lease(self) -> int:
        """Return mostly a lease that was there, or any id."""
        there = [lease for lease, is_there in sorted(self.seen.leases.items()) if is_there]
        if there and self.drawing.chance(0.9):
            return there[self.below(len(there))]
        return 1 + self.below(_LEASES)


class MixedGenerator(msgspec.Struct, frozen=True):
    """Requests of every kind; never done."""

    sizes: Sizes
    watch: WatchPlan
    mixed: MixedPlan
    is_simulated: bool
    """Whether nodes are not real: there is nothing to maintain."""
    seen: Seen = Seen()

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, _ = Endless(self._draw).next(context)
        if not isinstance(answer, Invocation) or not self.seen.is_fresh:
            return Next(answer, self)
        seen = msgspec.structs.replace(self.seen, is_fresh=False)
        return Next(answer, msgspec.structs.replace(self, seen=seen))

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        if op.type is not OpType.OK or not isinstance(op.value, dict):
            return self
        return msgspec.structs.replace(self, seen=_seen_after(self.seen, op, op.value))

    def _draw(self, context: Context) -> Invocation:
        drawing = Drawing(context.random, self.seen.known, self.sizes)
        deck = Deck(drawing, self.seen, self.watch, self.mixed)
        if self.seen.is_fresh and drawing.chance(_COMPACT_AT_ONCE):
            return Invocation("compact", None, {"revision": self.seen.deleted_at})
        point = drawing.random.random()
        maintenance = 0.0 if self.is_simulated else self.mixed.maintenance
        if point < maintenance:
            f = DEFRAGMENT if drawing.chance(0.7) else MEMBER_UPDATE
            return Invocation(f)
        point = (point - maintenance) / (1 - maintenance)
        if point < self.watch.compactions:
            return _compact(deck)
        point = (point - self.watch.compactions) / (1 - self.watch.compactions)
        for share, draw in _MIX:
            point -= share
            if point < 0:
                return draw(deck)
        return draw_request(drawing)


def mixed_generator(plan: Plan) -> MixedGenerator:
    """Return the requests of the plan."""
    is_simulated = plan.environment == "simulation"
    return MixedGenerator(sizes_of(plan), plan.watch, plan.mixed, is_simulated)


def _seen_after(seen: Seen, op: Op, answer: Mapping[str, object]) -> Seen:
    """Return what is known after `op`, an `ok` completion with this result."""
    match op.f, answer:
        case "lease-grant", {"id": int(lease)}:
            return _with_lease(seen, lease, is_there=True)
        case "lease-keep-alive", {"id": int(lease), "ttl": int(ttl)}:
            return _with_lease(seen, lease, is_there=ttl > 0)
        case "lease-time-to-live", {"id": int(lease), "ttl": int(ttl)}:
            return _with_lease(seen, lease, is_there=ttl >= 0)
        case f, _ if f in _WRITES:
            known = learned(seen.known, op)
            if f == "delete" and answer.get("deleted"):
                return Seen(known, seen.leases, known.revision, is_fresh=True)
            return msgspec.structs.replace(seen, known=known)
        case _:
            return seen


def _with_lease(seen: Seen, lease: int, *, is_there: bool) -> Seen:
    return msgspec.structs.replace(seen, leases={**seen.leases, lease: is_there})


def _compact(deck: Deck) -> Invocation:
    revision = draw_compaction(
        deck.drawing.random, deck.watch, deck.seen.known.revision, deck.seen.deleted_at
    )
    return Invocation("compact", None, {"revision": revision})


def _delete(deck: Deck) -> Invocation:
    key = deck.drawing.key()
    return Invocation("delete", key, {"key": key})


def _delete_all(deck: Deck) -> Invocation:
    del deck
    return Invocation("delete", None, {"key": KEY_PREFIX, "range_end": KEYS_END})


def _put_on_lease(deck: Deck) -> Invocation:
    key = deck.drawing.key()
    value = {"key": key, "value": deck.drawing.value(), "lease": deck.lease()}
    return Invocation("put", key, value)


def _txn_in_the_past(deck: Deck) -> Invocation:
    """Return a transaction that reads old revisions, and now and then writes as well."""
    drawing = deck.drawing
    steps: list[dict[str, object]] = [
        {"range": {"key": drawing.key(), "revision": deck.recent()}},
        {
            "range": {
                "key": KEY_PREFIX,
                "range_end": KEYS_END,
                "revision": deck.recent(),
            }
        },
    ]
    if drawing.chance(deck.mixed.write_with_old_reads):
        put: dict[str, object] = {"key": drawing.key(), "value": drawing.value()}
        if drawing.chance(0.3):
            put["lease"] = deck.lease()
        steps.insert(deck.below(3), {"put": put})
    return Invocation("txn", None, {"compare": [], "success": steps, "failure": []})


def _grant(deck: Deck) -> Invocation:
    missing = [each for each in range(1, _LEASES + 1) if not deck.seen.leases.get(each, False)]
    lease = missing[deck.below(len(missing))] if missing else 1 + deck.below(_LEASES)
    value = {"ttl": 1 + deck.below(_TTL_S_MAX), "id": lease}
    return Invocation("lease-grant", None, value)


def _revoke(deck: Deck) -> Invocation:
    return Invocation("lease-revoke", None, {"id": deck.lease()})


def _keep_alive(deck: Deck) -> Invocation:
    return Invocation("lease-keep-alive", None, {"id": deck.lease()})


def _time_to_live(deck: Deck) -> Invocation:
    return Invocation("lease-time-to-live", None, {"id": deck.lease(), "keys": True})


def _list_members(deck: Deck) -> Invocation:
    del deck
    return Invocation(MEMBER_LIST)


_MIX: Final[tuple[tuple[float, Callable[[Deck], Invocation]], ...]] = (
    (0.05, _delete),
    (0.01, _delete_all),
    (0.10, _put_on_lease),
    (0.06, _txn_in_the_past),
    (0.05, _grant),
    (0.01, _revoke),
    (0.03, _keep_alive),
    (0.04, _time_to_live),
    (0.01, _list_members),
)
"""Kinds of requests and their shares; what is left is the mix of `kv`."""
