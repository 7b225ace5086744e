"""Promises about what one write is: one revision, all of it, and nothing without one."""

from collections.abc import Iterator

from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known, Parsed, steps_of
from checkers.linearizability.revisions.replay import Store
from checkers.models.etcd_api import Delete, Put, Read, ReadResult, Txn, in_words
from checkers.mvcc.sightings import FIRST_REVISION, conflict, saw, sightings


def one_write_breach(parsed: Parsed) -> Conflict | None:
    """Say which revision is two writes."""
    writes: dict[int, Known] = {}
    for operation in parsed.known:
        if operation.wrote:
            other = writes.setdefault(operation.revision, operation)
            if other is not operation:
                return conflict(
                    "revision-claimed-twice", other, " made the one also made by ", operation
                )
    return None


def empty_revision_breach(parsed: Parsed) -> Conflict | None:
    """Say that there are more revisions than writes: a write of nothing must not take one."""
    writes = {operation.revision for operation in parsed.known if operation.wrote}
    if not parsed.known:
        return None
    highest = max(parsed.known, key=lambda each: each.revision)
    missing = highest.revision - FIRST_REVISION - len(writes)
    if missing <= len(parsed.unknown):
        return None
    story = (
        f"revision {highest.revision}, but {len(writes)} writes were answered and"
        f" {len(parsed.unknown)} may have happened: something that wrote nothing took a revision"
    )
    return saw(highest, "revision-of-nothing", story, highest.revision)


def txn_breach(parsed: Parsed) -> Conflict | None:
    """Say which txn did not put all its keys in one revision: its own.

    Its own reads after its puts must show that revision, and so must reads as of it.
    """
    put: dict[tuple[str, int], Known] = {}
    for operation in parsed.known:
        if isinstance(operation.request, Txn):
            inner = _inner_breach(operation)
            if inner is not None:
                return inner
            put.update(((key, operation.revision), operation) for key in _put_keys(operation))
    for operation, kv, slot in sightings(parsed):
        txn = put.get((kv.key, slot))
        if txn is not None and txn is not operation and kv.mod_revision != slot:
            return Conflict(
                kind="txn-split",
                story=(txn.call, f" put {kv.key}, but ", operation.call, f" saw {in_words(kv)}"),
                revision=slot,
            )
    return None


def _inner_breach(txn: Known) -> Conflict | None:
    """Say what a txn read, after it had put it, as of another revision."""
    written: set[str] = set()
    for step, result in steps_of(txn):
        if isinstance(step, Put):
            written.add(step.key)
        elif isinstance(step, Read) and isinstance(result, ReadResult) and step.revision <= 0:
            for kv in result.kvs:
                if kv.key in written and kv.mod_revision != txn.revision:
                    return saw(txn, "txn-split", in_words(kv), txn.revision)
    return None


def historical_breach(parsed: Parsed) -> Conflict | None:
    """Say which read of an old revision is not what a replay of all writes gives.

    Judged only where the replay is certain: up to the first revision that no answered write claims.
    """
    writes = {operation.revision: operation for operation in parsed.known if operation.wrote}
    old = [each for each in parsed.known if each.slot < each.revision and not each.wrote]
    by_slot: dict[int, list[Known]] = {}
    for operation in (*old, *parsed.old_reads):
        by_slot.setdefault(operation.slot, []).append(operation)
    keys = {key for operation in writes.values() for key in _put_keys(operation)}
    store = Store(keys)
    for revision in range(FIRST_REVISION, max(by_slot, default=0) + 1):
        write = writes.get(revision)
        if write is None and revision > FIRST_REVISION:
            return None
        if write is not None:
            assert isinstance(write.request, Put | Delete | Txn), "reads write nothing"
            store.apply(write.request, revision)
            store.forget()
        mismatch = store.replay_reads(by_slot.get(revision, ()))
        if mismatch is not None:
            what = f"{mismatch.seen} as of revision {revision}; replay gives {mismatch.expected}"
            return saw(mismatch.operation, "history-changed", what, revision)
    return None


def _put_keys(operation: Known) -> Iterator[str]:
    request = operation.request
    if isinstance(request, Put):
        yield request.key
    elif isinstance(request, Txn):
        for step, _ in steps_of(operation):
            if isinstance(step, Put):
                yield step.key
