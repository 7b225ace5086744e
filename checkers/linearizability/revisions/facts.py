"""What answers tell about the writes that nobody answered for.

A revision that no known write claims is a *gap*: an unknown write filled it. This module collects,
per key, what every possible filling must respect:

- *pins*: moments at which the key's whole state is known, from reads (a key found, or found
  absent), deletes and compares;
- *conditions*: moments at which something about its state is known, from the branches that txns
  took, and from deletes that found it;
- *touches*: what known writes did to the key, and what gaps must have done, because a read showed
  a `mod_revision` or `create_revision` there;
- *quiet* spans, in which nothing unknown touched the key: from the `mod_revision` of a pin to the
  pin, and from its `create_revision` on if the known puts since then make up its `version`.

All of it follows from the answers alone, so it holds for every linearization.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from checkers.linearizability.revisions.operations import (
    Known,
    Parsed,
    decisions_of,
    seen_by,
    steps_of,
)
from checkers.linearizability.revisions.ranges import hides, is_in_key_order
from checkers.linearizability.revisions.replay import Store, compare_holds
from checkers.models.etcd_api import (
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Revoke,
    Target,
    Txn,
    TxnResult,
)

Required = dict[str, str | None]
"""What a gap must have put: key to value; None where only the key is known."""

Changes: TypeAlias = Mapping[int, Mapping[str, str | None]]
"""By revision, what it left in each key that it changed, None where it deleted the key: as watchers
saw it, or as a member's log or backend has it. Complete for each revision that is in it at all."""

IMPOSSIBLE: Final = 1 << 60
"""A distance that no writes can cover; and a revision after all others."""
_LOOKAHEAD: Final = 4
"""So many conditions ahead are looked at to tell which unknown writes a key needs."""


class Condition(msgspec.Struct, frozen=True):
    """Whether, at revision `slot`, `compare` held."""

    slot: int
    compare: Compare
    held: bool


class KeyFacts:
    """The facts about one key; filled by `collect_facts`, then only asked."""

    __slots__ = (
        "_condition_slots",
        "_conditions",
        "_pins",
        "_puts",
        "_quiet_from",
        "_quiet_to",
        "_slots",
        "_spans",
        "_touched",
        "_touches",
    )

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        self._pins: dict[int, KeyValue | None] = {}
        self._touches: dict[int, str | None] = {}
        self._conditions: list[Condition] = []
        self._condition_slots: list[int] = []
        self._slots: list[int] = []
        self._touched: list[int] = []
        self._puts: list[int] = []
        self._quiet_from: list[int] = []
        self._quiet_to: list[int] = []

    def pin(self, slot: int, kv: KeyValue | None) -> None:
        """Note that at revision `slot` the key held `kv`."""
        self._pins.setdefault(slot, kv)

    def require(self, condition: Condition) -> None:
        """Note that `condition` was so."""
        self._conditions.append(condition)

    def touch(self, revision: int, value: str | None) -> None:
        """Note that `revision` put the key to `value`, or deleted it, if that is None.

        A put that kept the value is noted as one of the empty string: values only guide the search.

        A txn that puts one key twice, which etcd refuses, is counted once: counts are lower bounds.
        """
        self._touches[revision] = value

    def quiet(self, start: int, end: int) -> None:
        """Note that nothing touched the key from revision `start` to `end`."""
        self._spans.append((start, end))

    def seal(self) -> None:
        """Index what was noted, and note what follows; from now on the facts are to be asked."""
        self._slots = sorted(self._pins)
        self._touched = sorted(self._touches)
        self._puts = [at for at in self._touched if self._touches[at] is not None]
        self._conditions.sort(key=_slot)
        self._condition_slots = list(map(_slot, self._conditions))
        for slot, kv in self._pins.items():
            if kv is not None:
                complete = self.put_count(kv.create_revision - 1, kv.mod_revision) == kv.version
                self.quiet(kv.create_revision if complete else kv.mod_revision + 1, slot)
        for start, end in sorted(self._spans):
            if self._quiet_to and start <= self._quiet_to[-1] + 1:
                self._quiet_to[-1] = max(self._quiet_to[-1], end)
            elif start <= end:
                self._quiet_from.append(start)
                self._quiet_to.append(end)

    def is_quiet(self, revision: int) -> bool:
        """Return whether no unknown write can have touched the key at `revision`."""
        at = bisect_right(self._quiet_from, revision) - 1
        return at >= 0 and self._quiet_to[at] >= revision

    def pin_before(self, revision: int) -> int:
        """Return the last revision before `revision` at which the key is pinned; 0 if none."""
        at = bisect_left(self._slots, revision) - 1
        return self._slots[at] if at >= 0 else 0

    def put_count(self, after: int, to: int) -> int:
        """Return how many puts of the key are noted after revision `after` and up to `to`."""
        return bisect_right(self._puts, to) - bisect_right(self._puts, after)

    def distance(self, kv: KeyValue | None, revision: int) -> tuple[int, int]:
        """Return how many unknown writes the next facts about the key need, and by which revision.

        `kv` is what the key holds right after `revision`. The count is an estimate; but it is
        `IMPOSSIBLE` only if no later writes can lead from `kv` to the next pin.
        """
        at = bisect_left(self._slots, revision)
        count, due, slot = 0, IMPOSSIBLE, IMPOSSIBLE
        if at < len(self._slots):
            slot = self._slots[at]
            count, due = self._distance_to_pin(kv, revision, slot)
        first = bisect_left(self._condition_slots, revision)
        for condition in self._conditions[first : first + _LOOKAHEAD]:
            if count == IMPOSSIBLE or condition.slot > slot:
                break
            expected = self._expected(kv, revision, condition.slot)
            if compare_holds(condition.compare, expected) is not condition.held:
                return count + 1, min(due, condition.slot)
        return count, due

    def _distance_to_pin(self, kv: KeyValue | None, revision: int, slot: int) -> tuple[int, int]:
        goal = self._pins[slot]
        until = slot if goal is None else goal.create_revision - 1
        if until >= revision:
            return int(self._expected(kv, revision, until) is not None), until
        assert goal is not None, "only a key that is there was created before"
        if kv is None or kv.create_revision != goal.create_revision:
            return IMPOSSIBLE, slot
        missing = goal.version - kv.version - self.put_count(revision, goal.mod_revision)
        return (missing if missing >= 0 else IMPOSSIBLE), goal.mod_revision

    def _expected(self, kv: KeyValue | None, after: int, to: int) -> KeyValue | None:
        """Return what the key holds at `to` if it is `kv` at `after` and only known writes come."""
        first = bisect_right(self._touched, after)
        for revision in self._touched[first : bisect_right(self._touched, to)]:
            value = self._touches[revision]
            if value is None:
                kv = None
            elif kv is None:
                kv = KeyValue("", value, revision, revision, 1)
            else:
                kv = KeyValue("", value, kv.create_revision, revision, kv.version + 1)
        return kv


def _slot(condition: Condition) -> int:
    return condition.slot


class Facts:
    """The facts about all keys that unknown writes may have touched."""

    __slots__ = ("changes", "keys", "required")

    def __init__(self, keys: Iterable[str], gaps: Iterable[int], changes: Changes) -> None:
        self.changes: Final = changes
        """For some revisions, all that they changed."""
        self.keys: Final = {key: KeyFacts() for key in keys}
        self.required: Final[dict[int, Required]] = {gap: {} for gap in gaps}
        """For each gap, what it must have put."""

    def seal(self) -> None:
        """See `KeyFacts.seal`."""
        for revision, required in self.required.items():
            for key, value in required.items():
                self.touch(key, revision, value or "")
        for key_facts in self.keys.values():
            key_facts.seal()

    def is_quiet(self, key: str, revision: int) -> bool:
        """Return whether no unknown write can have touched `key` at `revision`."""
        key_facts = self.keys.get(key)
        return key_facts is not None and key_facts.is_quiet(revision)

    def pin(self, key: str, slot: int, kv: KeyValue | None) -> None:
        """Note that at revision `slot` the key held `kv`, if the key is of interest."""
        key_facts = self.keys.get(key)
        if key_facts is not None:
            key_facts.pin(slot, kv)

    def touch(self, key: str, revision: int, value: str | None) -> None:
        """Note that `revision` wrote `key`, if the key is of interest; see `KeyFacts.touch`."""
        key_facts = self.keys.get(key)
        if key_facts is not None:
            key_facts.touch(revision, value)

    def condition(self, slot: int, compare: Compare, *, held: bool) -> None:
        """Note whether `compare` held at `slot`, if its key is of interest."""
        key_facts = self.keys.get(compare.key)
        if key_facts is not None and not compare.range_end:
            key_facts.require(Condition(slot, compare, held))

    def found(self, key: str, slot: int) -> None:
        """Note that `key` was there at `slot`, if it is of interest."""
        self.condition(slot, Compare(key, Target.VERSION, Relation.GREATER, 0), held=True)

    def require(self, revision: int, key: str, value: str | None) -> None:
        """Note that `revision` put `key`; of interest only if it is a gap."""
        required = self.required.get(revision)
        if required is not None and required.get(key) is None:
            required[key] = value


def collect_facts(parsed: Parsed, facts: Facts, store: Store) -> None:
    """Put into `facts` all that the answers in `parsed` tell; `store` only lends its keys."""
    for operation in (*parsed.known, *parsed.old_reads):
        match operation.request:
            case Txn():
                _note_txn(facts, operation, store)
            case Put():
                _note_put(facts, operation, operation.request)
            case Delete(key, range_end):
                keys = store.interval(key, range_end)
                _note_written(facts, operation, dict.fromkeys(keys))
                if operation.wrote and len(keys) == 1:
                    facts.found(key, operation.revision - 1)
            case Read():
                _note_read(facts, operation, store, ())
            case Revoke():
                pass  # what it did is a gap of its own, if it did anything
    _note_changes(facts)
    facts.seal()


def _note_put(facts: Facts, operation: Known, put: Put) -> None:
    facts.touch(put.key, operation.revision, put.value)
    if put.keeps:
        facts.found(put.key, operation.revision - 1)
    if put.prev_kv:
        assert isinstance(operation.result, PutResult), "parsed together"
        _note_seen(facts, put.key, operation.revision - 1, operation.result.prev_kv)


def _note_changes(facts: Facts) -> None:
    for revision in facts.required:
        for key, value in facts.changes.get(revision, {}).items():
            if value is None:
                facts.touch(key, revision, None)
                facts.pin(key, revision, None)
            else:
                facts.require(revision, key, value)


def _note_read(facts: Facts, operation: Known, store: Store, touched: Container[str]) -> None:
    """Note what a read tells about the content of its slot, except of the keys in `touched`."""
    request, result = operation.request, operation.result
    assert isinstance(request, Read), "called for a read"
    assert isinstance(result, ReadResult), "parsed together"
    seen = {kv.key: kv for kv in result.kvs}
    cut = hides(result)
    in_order = is_in_key_order(request)
    last = max(seen, default="")
    keys_only = request.selection is not None and request.selection.keys_only
    for key in store.interval(request.key, request.range_end):
        if key in touched:
            continue
        kv = seen.get(key)
        if kv is not None and keys_only:
            _note_revisions(facts, key, operation.slot, kv)
        elif kv is not None or not cut or (in_order and key < last):
            _note_seen(facts, key, operation.slot, kv)


def _note_seen(facts: Facts, key: str, slot: int, kv: KeyValue | None) -> None:
    """Note that at `slot` the key held `kv`."""
    facts.pin(key, slot, kv)
    if kv is not None:
        facts.require(kv.mod_revision, key, kv.value)
        if kv.create_revision != kv.mod_revision:
            facts.require(kv.create_revision, key, None)


def _note_revisions(facts: Facts, key: str, slot: int, kv: KeyValue) -> None:
    """Note the revisions and the version of what the key held at `slot`, but not its value."""
    numbers = (
        (Target.MOD, kv.mod_revision),
        (Target.CREATE, kv.create_revision),
        (Target.VERSION, kv.version),
    )
    for target, number in numbers:
        if number > 0:  # or the answer is wrong anyhow
            _note_compare(facts, Compare(key, target, Relation.EQUAL, number), slot)


def _note_txn(facts: Facts, operation: Known, store: Store) -> None:
    request, result = operation.request, operation.result
    assert isinstance(request, Txn), "called for a txn"
    assert isinstance(result, TxnResult), "parsed together"
    before = operation.revision - 1 if operation.wrote else operation.revision
    for compares, succeeded in decisions_of(request, result):
        _note_decision(facts, compares, before, succeeded=succeeded)
    written: dict[str, str | None] = {}
    for step, answer in steps_of(operation):
        match step, answer:
            case Read(), ReadResult() if step.revision <= 0:
                _note_read(facts, seen_by(operation, step, answer, before), store, written)
            case Put(key, value), PutResult(prev_kv):
                if step.keeps:
                    facts.found(key, before)
                if step.prev_kv and key not in written:
                    _note_seen(facts, key, before, prev_kv)
                written[key] = value
            case Delete(key, range_end), DeleteResult(deleted):
                keys = store.interval(key, range_end)
                _note_inner_delete(facts, keys, before, written, deleted)
            case _:
                pass
    _note_written(facts, operation, written)


def _note_decision(
    facts: Facts, compares: Sequence[Compare], slot: int, *, succeeded: bool
) -> None:
    """Note that `compares` all held at `slot`, or not all."""
    if succeeded:
        for compare in compares:
            _note_compare(facts, compare, slot)
    elif len(compares) == 1:
        facts.condition(slot, compares[0], held=False)


def _note_inner_delete(
    facts: Facts, keys: Sequence[str], before: int, written: dict[str, str | None], deleted: int
) -> None:
    """Note that a step of a txn deleted so many of `keys`; `before` is the slot before the txn."""
    for key in keys:
        if deleted == 0 and key not in written:
            facts.pin(key, before, None)
        elif deleted == 1 and len(keys) == 1 and key not in written:
            facts.found(key, before)
        written[key] = None


def _note_written(facts: Facts, operation: Known, written: Mapping[str, str | None]) -> None:
    """Note what a write left behind in each key that it touched; None where it left nothing."""
    for key, value in written.items():
        if operation.wrote:
            facts.touch(key, operation.revision, value)
        if value is None:
            facts.pin(key, operation.revision, None)


def _note_compare(facts: Facts, compare: Compare, slot: int) -> None:
    """Note what it means that `compare` held at `slot`."""
    facts.condition(slot, compare, held=True)
    if (
        compare.result is not Relation.EQUAL
        or not isinstance(compare.value, int)
        or compare.target is Target.LEASE
        or compare.range_end
    ):
        return
    if compare.value == 0:
        facts.pin(compare.key, slot, None)
    elif compare.target is not Target.VERSION:
        facts.require(compare.value, compare.key, None)
        if compare.target is Target.MOD and compare.key in facts.keys:
            facts.keys[compare.key].quiet(compare.value + 1, slot)
