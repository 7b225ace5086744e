"""The store, replayed revision by revision, with undo; and answers compared with it.

This is the checker's own fast implementation of etcd's semantics (see `checkers/models/etcd` for
the plain one, with which it is compared in tests).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from checkers.linearizability.revisions.conflict import Explanation, Mismatch
from checkers.linearizability.revisions.mismatches import (
    counts_in_words,
    key_in_words,
    need_of,
    refusal,
    shown_of,
    wrong_count,
    wrong_keys,
    wrong_prev,
    wrong_prevs,
)
from checkers.linearizability.revisions.operations import Known, decisions_of, steps_of
from checkers.linearizability.revisions.ranges import (
    is_right,
    shown,
)
from checkers.models.etcd_api import (
    UNBOUNDED,
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Result,
    Revoke,
    Simple,
    SimpleResult,
    Target,
    Txn,
    TxnResult,
    Write,
)


class Store:
    """The content of the store at one revision.

    `mark` and `undo_to` take it back to an earlier moment; `forget` makes the past final.
    """

    __slots__ = ("_leased", "_sorted", "_undo", "_universe", "keys")

    def __init__(
        self, universe: Iterable[str], leased: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        """`universe` has every key that is ever written, `leased` those ever put on a lease.

        It is not looked at unless somebody asks for an interval.
        """
        self.keys: dict[str, KeyValue] = {}
        self._leased = leased or {}
        self._universe = universe
        self._sorted: list[str] | None = None
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
        if self._sorted is None:
            self._sorted = sorted(set(self._universe))
        every = self._sorted
        low = bisect_left(every, first)
        high = len(every) if range_end == UNBOUNDED else bisect_left(every, range_end)
        return every[low:high]

    def leased(self, lease: int) -> Sequence[str]:
        """Return the keys, rising, that were ever put on `lease`, or may have been."""
        return self._leased.get(lease, ())

    def holds(self, compare: Compare) -> bool:
        """Return whether `compare` holds now."""
        if not compare.range_end:
            return compare_holds(compare, self.keys.get(compare.key))
        found = [
            self.keys[key]
            for key in self.interval(compare.key, compare.range_end)
            if key in self.keys
        ]
        if not found:
            return compare_holds(compare, None)
        return all(compare_holds(compare, held) for held in found)

    def apply(self, request: Write, revision: int) -> bool:
        """Do `request` as `revision`; return whether it wrote anything."""
        before = len(self._undo)
        match request:
            case Put():
                if not request.keeps or request.key in self.keys:
                    self._put(request, revision)
            case Delete(key, range_end):
                self._delete(key, range_end)
            case Txn():
                self._do(self._path(request), revision)
            case Revoke(lease):
                self._revoke(lease)
            case _:
                assert_never(request)
        return len(self._undo) > before

    def _do(self, steps: Sequence[Simple], revision: int) -> None:
        """Do all of `steps`, or none.

        etcd refuses to read a revision that does not exist yet, and to keep what an absent key has.
        """
        if any(isinstance(step, Read) and step.revision >= revision for step in steps):
            return
        if self._nothing_to_keep(steps) is not None:
            return
        for step in steps:
            if isinstance(step, Put):
                self._put(step, revision)
            elif isinstance(step, Delete):
                self._delete(step.key, step.range_end)

    def _nothing_to_keep(self, steps: Iterable[Simple]) -> Put | None:
        """Return the first put among `steps` that keeps what its key has, and there is no key."""
        for step in steps:
            if isinstance(step, Put) and step.keeps and step.key not in self.keys:
                return step
        return None

    def _revoke(self, lease: int) -> None:
        for key in self.leased(lease):
            held = self.keys.get(key)
            if held is not None and held.lease == lease:
                self._undo.append((key, self.keys.pop(key)))

    def _path(self, txn: Txn) -> list[Simple]:
        """Return the steps that `txn` takes if it is done now, those of txns within it in place."""
        steps: list[Simple] = []
        for step in txn.success if all(map(self.holds, txn.compare)) else txn.failure:
            if isinstance(step, Txn):
                steps += self._path(step)
            else:
                steps.append(step)
        return steps

    def replay(self, operation: Known) -> Mismatch | None:
        """Do what `operation` did as its revision; return how its answer is wrong, if it is.

        After a mismatch the store is in no defined state: undo.
        """
        request = operation.request
        if isinstance(request, Put) and not request.prev_kv and not request.keeps:
            self._put(request, operation.revision)  # by far the most frequent
            return None
        if isinstance(request, Txn):
            return self._replay_txn(operation, request)
        if isinstance(request, Revoke):
            return self._replay_revoke(operation, request)
        if self._nothing_to_keep((request,)) is not None:
            return refusal(operation, request.key)
        return self._replay_step(operation, request, operation.result)

    def replay_all(self, operations: Iterable[Known]) -> tuple[Mismatch | None, int]:
        """Do what `operations` did, in order; return how one is wrong, and how many were done.

        What was before is forgotten. The hot loop of long histories: what most of them are, puts
        and reads of one key, is done without a call.
        """
        keys, undo, count = self.keys, self._undo, 0
        for operation in operations:
            count += 1
            request, result = operation.request, operation.result
            if type(request) is Read:
                if not request.range_end and request.selection is None:
                    assert type(result) is ReadResult, "parsed together"
                    held = keys.get(request.key)
                    present = () if held is None else (held,)
                    if result.kvs == present and result.count == len(present) and not result.more:
                        continue
            elif type(request) is Put and not request.prev_kv and not request.keeps:
                key, revision = request.key, operation.revision
                held = keys.get(key)
                created, version = (
                    (revision, 1) if held is None else (held.create_revision, held.version + 1)
                )
                keys[key] = KeyValue(key, request.value, created, revision, version, request.lease)
                continue
            mismatch = self.replay(operation)
            if mismatch is not None:
                return mismatch, count
            undo.clear()
        return None, count

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
                if (
                    result.kvs == present
                    and result.count == len(present)
                    and not result.more
                    and request.selection is None
                ):
                    continue
            mismatch = self.replay(operation)
            if mismatch is not None:
                return mismatch
        return None

    def _replay_txn(self, operation: Known, request: Txn) -> Mismatch | None:
        result = operation.result
        assert isinstance(result, TxnResult), "parsed together"
        for compares, succeeded in decisions_of(request, result):
            failed = [each for each in compares if not self.holds(each)]
            if succeeded and failed:
                return self._wrong_branch(operation, failed, "failure", "success")
            if not succeeded and not failed:
                return self._wrong_branch(operation, compares, "success", "failure")
        steps = list(steps_of(operation))
        put = self._nothing_to_keep(step for step, _ in steps)
        if put is not None:
            return refusal(operation, put.key)
        return self._replay_steps(operation, steps)

    def _replay_steps(
        self, operation: Known, steps: Iterable[tuple[Simple, SimpleResult]]
    ) -> Mismatch | None:
        for step, answer in steps:
            if not isinstance(step, Read) or step.revision <= 0:
                mismatch = self._replay_step(operation, step, answer)
                if mismatch is not None:
                    return mismatch
        return None

    def _replay_revoke(self, operation: Known, request: Revoke) -> Mismatch | None:
        """Return how it is wrong that the lease had no keys at that slot, if it is.

        Whatever made the slot, no key hangs on the lease when its revocation is answered.
        """
        for key in self.leased(request.id):
            held = self.keys.get(key)
            if held is not None and held.lease == request.id:
                return Mismatch(
                    operation=operation,
                    expected=key_in_words(key, held),
                    seen=f"no key on lease {request.id}",
                    explanations=(Explanation((key,)),),
                    expected_revision=held.mod_revision,
                )
        return None

    def _wrong_branch(
        self, operation: Known, compares: Sequence[Compare], right: str, taken: str
    ) -> Mismatch:
        """Return that `compares` decide for the branch `right`, but another was `taken`."""
        of_each = [self.interval(compare.key, compare.range_end) for compare in compares]
        keys = tuple(dict.fromkeys(key for interval in of_each for key in interval))
        held = [self.keys[key].mod_revision for key in keys if key in self.keys]
        why = "; ".join(key_in_words(key, self.keys.get(key)) for key in keys)
        return Mismatch(
            operation=operation,
            expected=f"the branch for {right}" + (f" ({why})" if why else ""),
            seen=f"the branch for {taken}",
            # One false compare is enough to fail; it takes all of them to succeed.
            explanations=tuple(Explanation(tuple(interval)) for interval in of_each)
            if right == "failure"
            else (Explanation(keys),),
            expected_revision=held[0] if held else None,
        )

    def _replay_step(self, operation: Known, request: Simple, result: Result) -> Mismatch | None:
        if isinstance(request, Put):
            held = self.keys.get(request.key)
            self._put(request, operation.revision)
            if not request.prev_kv:
                return None
            assert isinstance(result, PutResult), "parsed together"
            return wrong_prev(operation, request.key, held, result.prev_kv)
        if isinstance(request, Read):
            assert isinstance(result, ReadResult), "parsed together"
            return self._replay_read(operation, request, result)
        assert isinstance(result, DeleteResult), "parsed together"
        held = self.keys.get(request.key)
        deleted = self._delete(request.key, request.range_end)
        gone = self._undo[len(self._undo) - deleted :]
        if deleted == result.deleted:
            if not request.prev_kv:
                return None
            return wrong_prevs(operation, dict(gone), {kv.key: kv for kv in result.prev_kvs})
        there = {key for key, _ in gone}
        return Mismatch(
            operation=operation,
            expected=f"{deleted} deleted",
            seen=f"{result.deleted} deleted",
            explanations=(
                wrong_count(self.interval(request.key, request.range_end), there, result.deleted),
            ),
            expected_revision=None if held is None else held.mod_revision,
        )

    def _replay_read(self, operation: Known, request: Read, result: ReadResult) -> Mismatch | None:
        keys = self.keys
        interval = self.interval(request.key, request.range_end)
        present = [keys[key] for key in interval if key in keys]
        count = len(present)
        if is_right(request, result, present):
            return None
        wrong = wrong_keys(request, result, keys, interval)
        if wrong:
            held, seen = keys.get(wrong[0]), shown_of(result, wrong[0])
            return Mismatch(
                operation=operation,
                expected=key_in_words(wrong[0], held),
                seen=key_in_words(wrong[0], seen),
                explanations=tuple(
                    Explanation((key,), need_of(keys.get(key), shown_of(result, key)))
                    for key in wrong
                ),
                expected_revision=None if held is None else held.mod_revision,
                seen_revision=None if seen is None else seen.mod_revision,
            )
        return Mismatch(
            operation=operation,
            expected=counts_in_words(shown(request, present)),
            seen=counts_in_words(result),
            explanations=(
                wrong_count(interval, {kv.key for kv in present}, result.count)
                if count != result.count
                else Explanation(tuple(interval)),
            ),
        )

    def _put(self, put: Put, revision: int) -> None:
        key = put.key
        held = self.keys.get(key)
        self._undo.append((key, held))
        value, lease, created, version = put.value, put.lease, revision, 1
        if held is not None:
            created, version = held.create_revision, held.version + 1
            value = held.value if put.ignore_value else value
            lease = held.lease if put.ignore_lease else lease
        self.keys[key] = KeyValue(key, value, created, revision, version, lease)

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
        case Target.LEASE:
            return 0 if held is None else held.lease
        case Target.KEY:
            raise AssertionError("no compare looks at the key itself")
        case _:
            assert_never(compare.target)


def _less(left: str | int, right: str | int) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    return str(left) < str(right)  # strings both: `Compare` sees to it
