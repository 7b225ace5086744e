"""What a read shows of the keys it finds: filtered, sorted, cut (etcd executeRange).

Keys that are equal by what is sorted by may come in any order, so an answer is not compared with
*the* right one: it is right if it could be.
"""

from collections.abc import Iterable, Sequence

import msgspec

from checkers.models.etcd_api import KeyValue, Order, Read, ReadResult, Selection, Target


def shown(request: Read, present: Sequence[KeyValue]) -> ReadResult:
    """Return an answer to `request` that is right if `present` are its keys, by rising name."""
    selection = request.selection
    if selection is None:
        kept = present
    elif selection.count_only:
        return ReadResult((), len(present), more=False)
    else:
        kept = [_as_shown(kv, selection) for kv in _selected(request.limit, selection, present)]
    cut = kept[: request.limit] if 0 < request.limit < len(kept) else kept
    return ReadResult(tuple(cut), len(present), more=len(cut) < len(kept))


def is_right(request: Read, result: ReadResult, present: Sequence[KeyValue]) -> bool:
    """Return whether `result` may be answered if `present` are the keys, by rising name."""
    expected = shown(request, present)
    if result == expected:
        return True
    selection = request.selection
    if selection is None or selection.sort_target is Target.KEY or selection.count_only:
        return False
    if (result.count, result.more) != (expected.count, expected.more):
        return False
    kept = {kv.key: kv for kv in _selected(request.limit, selection, present)}
    seen = [kept.get(kv.key) for kv in result.kvs]
    wanted = [kept[kv.key] for kv in expected.kvs]
    return len({kv.key for kv in result.kvs}) == len(wanted) == len(seen) and all(
        mine is not None
        and _as_shown(mine, selection) == kv
        and _rank(mine, selection.sort_target) == _rank(other, selection.sort_target)
        for kv, mine, other in zip(result.kvs, seen, wanted, strict=True)
    )


def as_shown(request: Read, kv: KeyValue) -> KeyValue:
    """Return `kv` as the answer would have it, if it is in it."""
    return kv if request.selection is None else _as_shown(kv, request.selection)


def hides(result: ReadResult) -> bool:
    """Return whether keys that are there may be missing from `result`."""
    return result.more or len(result.kvs) < result.count


def is_in_key_order(request: Read) -> bool:
    """Return whether keys come by rising name and none is left out, but for those cut off."""
    selection = request.selection
    return selection is None or (
        selection.sort_target is Target.KEY
        and selection.sort_order is not Order.DESCEND
        and not selection.is_bounded
        and not selection.count_only
    )


def _selected(limit: int, selection: Selection, present: Sequence[KeyValue]) -> list[KeyValue]:
    """Return those that the bounds leave, sorted, not cut."""
    pool: Iterable[KeyValue] = present
    if limit > 0 and selection.sort_order is Order.NONE and not selection.is_bounded:
        pool = present[: limit + 1]  # etcd does not look at more
    kept = [kv for kv in pool if selection.within_bounds(kv)]
    target = selection.sort_target
    if target is not Target.KEY:
        kept.sort(key=lambda kv: _rank(kv, target))
    if selection.sort_order is Order.DESCEND:
        kept.reverse()
    return kept


def _as_shown(kv: KeyValue, selection: Selection) -> KeyValue:
    return msgspec.structs.replace(kv, value="") if selection.keys_only else kv


def _rank(kv: KeyValue, target: Target) -> tuple[int, str]:
    """Return what orders `kv` among others: by number, or by text where that is not one."""
    match target:
        case Target.VERSION:
            return kv.version, ""
        case Target.CREATE:
            return kv.create_revision, ""
        case Target.MOD:
            return kv.mod_revision, ""
        case Target.VALUE:
            return 0, kv.value
        case _:
            return 0, kv.key
