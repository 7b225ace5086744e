"""How an answer is wrong that is not what the replayed store would have given; and why."""

from collections.abc import Container, Mapping, Sequence

from checkers.linearizability.revisions.conflict import Explanation, Mismatch, Need
from checkers.linearizability.revisions.operations import Known
from checkers.linearizability.revisions.ranges import as_shown, hides, is_in_key_order
from checkers.models.etcd_api import KeyValue, Read, ReadResult, in_words


def wrong_keys(
    request: Read, result: ReadResult, held: Mapping[str, KeyValue], interval: Sequence[str]
) -> list[str]:
    """Return the keys each of which, as it is `held`, suffices to make the answer wrong.

    A key that is shown must be as it is shown. One that is not shown must be absent, unless it may
    be hidden: by a limit, if it is beyond the last key shown, or by what the request leaves out.
    That a key is beyond what the limit should have shown is not its own fault.
    """
    seen = {kv.key: kv for kv in result.kvs}
    last = max(seen, default="")
    everything = not hides(result)
    in_order = is_in_key_order(request)
    wrong: list[str] = []
    for key in interval:
        kv = held.get(key)
        if key in seen:
            is_wrong = kv is None or as_shown(request, kv) != seen[key]
        else:
            is_wrong = kv is not None and (everything or (in_order and key < last))
        if is_wrong:
            wrong.append(key)
    return wrong


def wrong_prev(
    operation: Known, key: str, held: KeyValue | None, seen: KeyValue | None
) -> Mismatch | None:
    """Return that `key` was not as the answer has it before it was written, if so."""
    if held == seen:
        return None
    return Mismatch(
        operation=operation,
        expected=f"before it, {key_in_words(key, held)}",
        seen=f"before it, {key_in_words(key, seen)}",
        explanations=(Explanation((key,), need_of(held, seen)),),
        expected_revision=None if held is None else held.mod_revision,
        seen_revision=None if seen is None else seen.mod_revision,
    )


def wrong_prevs(
    operation: Known, gone: Mapping[str, KeyValue | None], seen: Mapping[str, KeyValue]
) -> Mismatch | None:
    """Return which key was not as the answer has it before it was deleted, if any.

    No more and no fewer keys are seen than are gone, or the store has not kept its word.
    """
    for key in sorted({*gone, *seen}):
        mismatch = wrong_prev(operation, key, gone.get(key), seen.get(key))
        if mismatch is not None:
            return mismatch
    return None


def refusal(operation: Known, key: str) -> Mismatch:
    """Return that `operation`, which keeps something of `key`, should have been refused."""
    return Mismatch(
        operation=operation,
        expected=f"a refusal, for {key} was absent",
        seen=f"that {key} was put, with what it had",
        explanations=(Explanation((key,), Need.PRESENT),),
    )


def need_of(held: KeyValue | None, seen: KeyValue | None) -> Need:
    """Return what must change about a key that is as it is `held` and was `seen` otherwise."""
    if held is None:
        return Need.PRESENT
    return Need.ABSENT if seen is None else Need.OTHER


def wrong_count(interval: Sequence[str], there: Container[str], count: int) -> Explanation:
    """Return why not `count` keys of the interval are `there`."""
    present = tuple(key for key in interval if key in there)
    if len(present) > count:
        return Explanation(present, Need.ABSENT)
    return Explanation(tuple(key for key in interval if key not in there), Need.PRESENT)


def shown_of(result: ReadResult, key: str) -> KeyValue | None:
    """Return what a read showed of `key`; None if nothing."""
    return next((kv for kv in result.kvs if kv.key == key), None)


def counts_in_words(result: ReadResult) -> str:
    """Return which keys a read showed, and how many it counted, for people."""
    more = "more" if result.more else "no more"
    keys = ", ".join(kv.key for kv in result.kvs) or "no keys"
    return f"{keys}, {result.count} in all and {more}"


def key_in_words(key: str, kv: KeyValue | None) -> str:
    """Return what `key` held, for people."""
    return f"{key} absent" if kv is None else in_words(kv)
