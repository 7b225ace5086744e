"""The store, replayed revision by revision, with undo; and answers compared with it.

This is the checker's own fast implementation of etcd's semantics (see `checkers/models/etcd` for
the plain one, with which it is compared in tests).
"""

from bisect import bisect_left
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import assert_never

from checkers.linearizability.revisions.conflict import Explanation, Mismatch, Need
from checkers.linearizability.revisions.operations import Known
from checkers.models.etcd_api import (
    UNBOUNDED,
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    Read,
    ReadResult,
    Relation,
    Result,
    Target,
    Txn,
    TxnResult,
    in_words,
)


class Store:
    """The content of the store at one revision.

    `mark` and `undo_to` take it back to an earlier moment; `forget` makes the past final.
    """

    __slots__ = ("_undo", "_universe", "keys")

    def __init__(self, universe: Iterable[str]) -> None:
        """`universe` has every key that is ever written."""
        self.keys: dict[str, KeyValue] = {}
        self._universe = sorted(universe)
        self._undo: list[tuple[str, KeyValue | None]] = []

    def mark(self) -> int:
        """Return a name for this moment, for `undo_to` and `changed_since`."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take everything back that happened since `mark`."""
        undo, keys = self._undo, self.keys
        while len(undo) > mark:
            key, before = undo.pop()
            if before is None:
                del keys[key]
            else:
                keys[key] = before

    def changed_since(self, mark: int) -> dict[str, KeyValue | None]:
        """Return what each key that was written since `mark` held before."""
        before: dict[str, KeyValue | None] = {}
        for key, old in self._undo[mark:]:
            before.setdefault(key, old)
        return before

    def forget(self) -> None:
        """Make everything so far final; marks taken before are void."""
        self._undo.clear()

    def interval(self, first: str, range_end: str | None) -> Sequence[str]:
        """Return the keys, present or not, that a request so bounded concerns, rising."""
        if not range_end:
            return (first,)
        universe = self._universe
        low = bisect_left(universe, first)
        high = len(universe) if range_end == UNBOUNDED else bisect_left(universe, range_end)
        return universe[low:high]

    def apply(self, request: Put | Delete | Txn, revision: int) -> bool:
        """Do `request` as `revision`; return whether it wrote anything."""
        before = len(self._undo)
        match request:
            case Put(key, value):
                self._put(key, value, revision)
            case Delete(key, range_end):
                self._delete(key, range_end)
            case Txn():
                succeeded = all(
                    compare_holds(each, self.keys.get(each.key)) for each in request.compare
                )
                steps = request.success if succeeded else request.failure
                if any(isinstance(step, Read) and step.revision >= revision for step in steps):
                    return False  # etcd refuses to read a revision that does not exist yet
                for step in steps:
                    if isinstance(step, Put):
                        self._put(step.key, step.value, revision)
                    elif isinstance(step, Delete):
                        self._delete(step.key, step.range_end)
            case _:
                assert_never(request)
        return len(self._undo) > before

    def replay(self, operation: Known) -> Mismatch | None:
        """Do what `operation` did as its revision; return how its answer is wrong, if it is.

        After a mismatch the store is in no defined state: undo.
        """
        request = operation.request
        if isinstance(request, Put):
            self._put(request.key, request.value, operation.revision)
            return None
        if isinstance(request, Txn):
            return self._replay_txn(operation, request)
        return self._replay_step(operation, request, operation.result)

    def replay_reads(self, operations: Iterable[Known]) -> Mismatch | None:
        """Do what `operations` did, which wrote nothing; return how the first wrong one is wrong.

        The hot loop of long histories: reads of one key, which most are, without a call.
        """
        keys = self.keys
        for operation in operations:
            request, result = operation.request, operation.result
            if isinstance(request, Read) and not request.range_end:
                assert isinstance(result, ReadResult), "parsed together"
                held = keys.get(request.key)
                present = () if held is None else (held,)
                if result.kvs == present and result.count == len(present) and not result.more:
                    continue
            mismatch = self.replay(operation)
            if mismatch is not None:
                return mismatch
        return None

    def _replay_txn(self, operation: Known, request: Txn) -> Mismatch | None:
        result = operation.result
        assert isinstance(result, TxnResult), "parsed together"
        keys = self.keys
        failed = [each for each in request.compare if not compare_holds(each, keys.get(each.key))]
        if result.succeeded and failed:
            return self._wrong_branch(operation, failed, "failure", "success")
        if not result.succeeded and not failed:
            return self._wrong_branch(operation, request.compare, "success", "failure")
        steps = request.success if result.succeeded else request.failure
        for step, answer in zip(steps, result.responses, strict=True):
            if isinstance(step, Put):
                self._put(step.key, step.value, operation.revision)
            elif isinstance(step, Delete) or step.revision <= 0:
                mismatch = self._replay_step(operation, step, answer)
                if mismatch is not None:
                    return mismatch
        return None

    def _wrong_branch(
        self, operation: Known, compares: Sequence[Compare], right: str, taken: str
    ) -> Mismatch:
        """Return that `compares` decide for the branch `right`, but another was `taken`."""
        keys = tuple(dict.fromkeys(compare.key for compare in compares))
        held = [self.keys[key].mod_revision for key in keys if key in self.keys]
        why = "; ".join(_words(key, self.keys.get(key)) for key in keys)
        return Mismatch(
            operation=operation,
            expected=f"the branch for {right}" + (f" ({why})" if why else ""),
            seen=f"the branch for {taken}",
            # One false compare is enough to fail; it takes all of them to succeed.
            explanations=tuple(Explanation((key,)) for key in keys)
            if right == "failure"
            else (Explanation(keys),),
            expected_revision=held[0] if held else None,
        )

    def _replay_step(
        self, operation: Known, request: Read | Delete, result: Result
    ) -> Mismatch | None:
        if isinstance(request, Read):
            assert isinstance(result, ReadResult), "parsed together"
            return self._replay_read(operation, request, result)
        assert isinstance(result, DeleteResult), "parsed together"
        held = self.keys.get(request.key)
        deleted = self._delete(request.key, request.range_end)
        if deleted == result.deleted:
            return None
        there = {key for key, _ in self._undo[len(self._undo) - deleted :]}
        return Mismatch(
            operation=operation,
            expected=f"{deleted} deleted",
            seen=f"{result.deleted} deleted",
            explanations=(
                _wrong_count(self.interval(request.key, request.range_end), there, result.deleted),
            ),
            expected_revision=None if held is None else held.mod_revision,
        )

    def _replay_read(self, operation: Known, request: Read, result: ReadResult) -> Mismatch | None:
        keys = self.keys
        if not request.range_end:  # by far the most frequent
            held = keys.get(request.key)
            present: tuple[KeyValue, ...] = () if held is None else (held,)
        else:
            interval = self.interval(request.key, request.range_end)
            present = tuple([keys[key] for key in interval if key in keys])
        count = len(present)
        shown = present[: request.limit] if 0 < request.limit < count else present
        if result.kvs == shown and result.count == count and result.more is (len(shown) < count):
            return None
        interval = self.interval(request.key, request.range_end)
        wrong = _wrong_keys(result, keys, interval)
        if wrong:
            held, seen = keys.get(wrong[0]), _shown(result, wrong[0])
            return Mismatch(
                operation=operation,
                expected=_words(wrong[0], held),
                seen=_words(wrong[0], seen),
                explanations=tuple(
                    Explanation((key,), _need(keys.get(key), _shown(result, key))) for key in wrong
                ),
                expected_revision=None if held is None else held.mod_revision,
                seen_revision=None if seen is None else seen.mod_revision,
            )
        return Mismatch(
            operation=operation,
            expected=_counts(ReadResult(shown, count, more=len(shown) < count)),
            seen=_counts(result),
            explanations=(
                _wrong_count(interval, {kv.key for kv in present}, result.count)
                if count != result.count
                else Explanation(tuple(interval)),
            ),
        )

    def _put(self, key: str, value: str, revision: int) -> None:
        held = self.keys.get(key)
        self._undo.append((key, held))
        if held is None:
            self.keys[key] = KeyValue(key, value, revision, revision, 1)
        else:
            self.keys[key] = KeyValue(key, value, held.create_revision, revision, held.version + 1)

    def _delete(self, key: str, range_end: str | None) -> int:
        doomed = [each for each in self.interval(key, range_end) if each in self.keys]
        for each in doomed:
            self._undo.append((each, self.keys.pop(each)))
        return len(doomed)


def compare_holds(compare: Compare, held: KeyValue | None) -> bool:
    """Return whether `compare` holds of its key, if that is as it is `held`; None: absent."""
    left, right = _target(compare, held), compare.value
    match compare.result:
        case Relation.EQUAL:
            return left == right
        case Relation.NOT_EQUAL:
            return left is not None and left != right
        case Relation.LESS:
            return left is not None and _less(left, right)
        case Relation.GREATER:
            return left is not None and _less(right, left)
        case _:
            assert_never(compare.result)


def _target(compare: Compare, held: KeyValue | None) -> str | int | None:
    """Return what `compare` looks at; None for the value of no key, with which no compare holds."""
    match compare.target:
        case Target.VALUE:
            return None if held is None else held.value
        case Target.VERSION:
            return 0 if held is None else held.version
        case Target.CREATE:
            return 0 if held is None else held.create_revision
        case Target.MOD:
            return 0 if held is None else held.mod_revision
        case _:
            assert_never(compare.target)


def _less(left: str | int, right: str | int) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    return str(left) < str(right)  # strings both: `Compare` sees to it


def _wrong_keys(
    result: ReadResult, held: Mapping[str, KeyValue], interval: Sequence[str]
) -> list[str]:
    """Return the keys each of which, as it is `held`, suffices to make the answer wrong."""
    seen = {kv.key: kv for kv in result.kvs}
    # Beyond the last key shown, a limit hides what is there: that a key is missing says nothing.
    # And that a key is beyond what the limit should have shown is not its own fault.
    last = max(seen, default="")
    cut = result.more or len(seen) < result.count
    return [
        key
        for key in interval
        if held.get(key) != seen.get(key) and (key in seen or not cut or key < last)
    ]


def _need(held: KeyValue | None, seen: KeyValue | None) -> Need:
    if held is None:
        return Need.PRESENT
    return Need.ABSENT if seen is None else Need.OTHER


def _wrong_count(interval: Sequence[str], there: Container[str], count: int) -> Explanation:
    """Return why not `count` keys of the interval are `there`."""
    present = tuple(key for key in interval if key in there)
    if len(present) > count:
        return Explanation(present, Need.ABSENT)
    return Explanation(tuple(key for key in interval if key not in there), Need.PRESENT)


def _shown(result: ReadResult, key: str) -> KeyValue | None:
    return next((kv for kv in result.kvs if kv.key == key), None)


def _counts(result: ReadResult) -> str:
    more = "more" if result.more else "no more"
    keys = ", ".join(kv.key for kv in result.kvs) or "no keys"
    return f"{keys}, {result.count} in all and {more}"


def _words(key: str, kv: KeyValue | None) -> str:
    return f"{key} absent" if kv is None else in_words(kv)
