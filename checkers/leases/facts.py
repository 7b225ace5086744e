"""What a history, and the watches beside it, tell of every lease.

Nobody sees a lease die. What clients see are *signs*: at some moment of an operation's time the
lease was there, or it was gone. Everything here is such a sign, or a renewal, or a revocation; the
judgement (`lifetime`) compares their times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from checkers.history import History, Operation, OpType
from checkers.leases.keys import KeyHistory, key_history
from checkers.watch_history import Delivery, EventKind, WatchRecord

LEASE_NOT_FOUND = "lease not found"
"""The `error` of a failed revocation, keep-alive or put that was carried out and found no lease."""


class UnreadableLeaseError(ValueError):
    """An operation is not in the shape of docs/HISTORY_FORMAT.md, "Leases"."""


class Sign(msgspec.Struct, frozen=True, gc=False):
    """At some moment from `call_ns` to `ret_ns` the lease was there, or was gone."""

    call_ns: int
    ret_ns: int
    call: int
    """The operation, by the moment of its call; -1 if a watch told."""
    words: str
    """How it showed, for people."""
    since_ns: int
    """It is of the lease that had the id then, or was granted since: `call_ns`, unless a key was
    seen, which belongs to the lease that it was put with."""


class Renewal(msgspec.Struct, frozen=True, gc=False):
    """A grant or keep-alive: at some moment of its time the lease got `ttl_s` more seconds."""

    call_ns: int
    ret_ns: int | None
    """None if nobody knows whether and when it happened."""
    ttl_s: int
    call: int
    words: str


class Revocation(msgspec.Struct, frozen=True, gc=False):
    """A request to revoke that happened or may have."""

    call_ns: int
    ret_ns: int | None
    call: int


@dataclass(slots=True, kw_only=True)
class Lease:
    """One id of a lease and all that is known of it; it may have been granted several times."""

    id: int
    grants: list[Renewal] = field(default_factory=list)
    """In the order of their calls, those of unknown outcome included."""
    renewals: list[Renewal] = field(default_factory=list)
    """By keep-alives."""
    revocations: list[Revocation] = field(default_factory=list)
    there: list[Sign] = field(default_factory=list)
    gone: list[Sign] = field(default_factory=list)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    """Answers that are wrong by themselves: the operation, and why."""

    def granted_within(self, first_ns: int, last_ns: int, other_than: int = -1) -> bool:
        """Return whether the id may have been granted at some moment of this time.

        The grant whose call is `other_than` does not count.
        """
        return any(
            grant.call_ns <= last_ns
            and (grant.ret_ns is None or grant.ret_ns >= first_ns)
            and grant.call != other_than
            for grant in self.grants
        )


class _Arguments(msgspec.Struct, gc=False):
    id: int = 0


class _Put(msgspec.Struct, gc=False):
    lease: int = 0


class _Granted(msgspec.Struct, gc=False):
    ttl: int
    id: int = 0


class _TimeToLive(msgspec.Struct, gc=False):
    id: int
    ttl: int
    granted_ttl: int = 0
    keys: tuple[str, ...] | None = None


class Deletion(msgspec.Struct, frozen=True, gc=False):
    """A key that went with its lease, as a watcher was told."""

    revision: int
    key: str
    put_ns: int
    """When it was put with the lease, at the earliest."""
    told_ns: int


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """All leases that were surely granted, by their ids, and the keys of the history."""

    leases: dict[int, Lease]
    keys: KeyHistory
    deletions: dict[int, list[Deletion]]
    """By lease: keys that were deleted, by nobody else, by rising revision."""
    disturbed_ns: int
    """When the nemesis last did or undid something; -1 if it never did."""


def lease_facts(history: History, records: Sequence[WatchRecord]) -> LeaseFacts:
    """Return what `history` and the watches beside it tell of leases.

    Raises `UnreadableLeaseError`.
    """
    try:
        leases = _granted(history)
        keys = key_history(history)
        for operation in history.operations():
            if operation.f in _READERS:
                _read_lease_operation(operation, leases)
            elif operation.f == "put" and _found_no_lease(operation):
                lease = leases.get(msgspec.convert(operation.value, _Put).lease)
                if lease is not None:
                    lease.gone.append(_sign(operation, "a put found no such lease"))
    except msgspec.ValidationError as error:
        raise UnreadableLeaseError(str(error)) from error
    _read_keys(leases, keys)
    faults = history.nemesis_ops()
    disturbed_ns = faults[-1].time if faults else -1
    return LeaseFacts(leases, keys, _read_deletions(leases, keys, records), disturbed_ns)


def _granted(history: History) -> dict[int, Lease]:
    """Return every id that was granted for certain, with all its grants."""
    leases: dict[int, Lease] = {}
    for operation in history.operations():
        if operation.f != "lease-grant" or operation.outcome is OpType.FAIL:
            continue
        happened = operation.outcome is OpType.OK
        asked = operation.result if happened else operation.value
        granted = msgspec.convert(asked, _Granted)
        lease = leases.setdefault(granted.id, Lease(id=granted.id))
        lease.grants.append(_renewal(operation, granted.ttl, "its grant"))
    return {
        number: lease
        for number, lease in leases.items()
        if any(grant.ret_ns is not None for grant in lease.grants)
    }


def _read_lease_operation(operation: Operation, leases: dict[int, Lease]) -> None:
    lease = leases.get(msgspec.convert(operation.value, _Arguments).id)
    if lease is None:
        return
    if operation.outcome is OpType.FAIL:
        if _found_no_lease(operation):
            lease.gone.append(_sign(operation, f"{operation.f} found no such lease"))
        return
    match operation.f:
        case "lease-revoke":
            _read_revocation(operation, lease)
        case "lease-keep-alive":
            _read_keep_alive(operation, lease)
        case _:
            if operation.outcome is OpType.OK:
                _read_time_to_live(operation, lease)


def _found_no_lease(operation: Operation) -> bool:
    return operation.outcome is OpType.FAIL and operation.error == LEASE_NOT_FOUND


def _read_revocation(operation: Operation, lease: Lease) -> None:
    done = operation.completion if operation.outcome is OpType.OK else None
    ret_ns = None if done is None else done.time
    lease.revocations.append(Revocation(operation.invoke.time, ret_ns, operation.call))
    if done is not None:
        lease.gone.append(_sign(operation, "it was revoked"))


def _read_keep_alive(operation: Operation, lease: Lease) -> None:
    if operation.outcome is OpType.INFO:
        lease.renewals.append(_renewal(operation, 0, "a keep-alive"))
        return
    ttl = msgspec.convert(operation.result, _Granted).ttl
    if ttl <= 0:
        lease.gone.append(_sign(operation, f"a keep-alive returned TTL {ttl}"))
        return
    lease.renewals.append(_renewal(operation, ttl, f"a keep-alive that returned TTL {ttl}"))
    lease.there.append(_sign(operation, f"a keep-alive returned TTL {ttl}"))
    _remark(lease, operation, f"a keep-alive returned TTL {ttl}", ttl)


def _read_time_to_live(operation: Operation, lease: Lease) -> None:
    answer = msgspec.convert(operation.result, _TimeToLive)
    if answer.ttl < 0:
        lease.gone.append(_sign(operation, f"its time to live was {answer.ttl}"))
        return
    lease.there.append(_sign(operation, f"its time to live was {answer.ttl}"))
    told = f"its time to live was {answer.ttl} of {answer.granted_ttl} s"
    _remark(lease, operation, told, answer.granted_ttl)


def _remark(lease: Lease, operation: Operation, told: str, granted_s: int) -> None:
    """Note if no grant of the lease can have led to this answer.

    A store may grant more time than was asked for, so a grant of unknown outcome leads to any. What
    is left of a lease may be more than was granted: a new leader adds time (etcd lessor: Promote).
    """
    if any(grant.ret_ns is None for grant in lease.grants):
        return
    granted = [grant.ttl_s for grant in lease.grants]
    if granted_s not in granted:
        words = " and ".join(map(str, granted))
        lease.remarks.append((operation.call, f"{told}, but {words} were granted"))


_READERS = frozenset({"lease-revoke", "lease-keep-alive", "lease-time-to-live"})


def _read_keys(leases: dict[int, Lease], keys: KeyHistory) -> None:
    """Take signs from keys that were seen with a lease, or not seen any more."""
    for sighting in keys.present:
        lease = leases.get(sighting.lease)
        if lease is not None:
            lease.there.append(
                Sign(
                    sighting.call_ns,
                    sighting.ret_ns,
                    sighting.call,
                    f"its key {sighting.key!r} was {sighting.how}",
                    sighting.call_ns,
                )
            )
    for sighting in keys.absent:
        holder = keys.holder(sighting.key, sighting.revision, sighting.ret_ns)
        lease = None if holder is None else leases.get(holder.lease)
        if holder is not None and lease is not None:
            words = f"its key {sighting.key!r} was not there"
            lease.gone.append(
                Sign(sighting.call_ns, sighting.ret_ns, sighting.call, words, holder.call_ns)
            )


def _read_deletions(
    leases: dict[int, Lease], keys: KeyHistory, records: Sequence[WatchRecord]
) -> dict[int, list[Deletion]]:
    """Take signs from deletions that watchers were told of, and that no client asked for."""
    deletions: dict[int, list[Deletion]] = {}
    told: set[tuple[int, str]] = set()
    for record in records:
        if not isinstance(record, Delivery):
            continue
        for event in record.events:
            change = (event.mod_revision, event.key)
            if event.kind is not EventKind.DELETE or change in told:
                continue
            told.add(change)
            holder = keys.holder(event.key, event.mod_revision, record.time)
            lease = None if holder is None else leases.get(holder.lease)
            if holder is not None and lease is not None:
                words = f"its key {event.key!r} was deleted at revision {event.mod_revision}"
                lease.gone.append(Sign(holder.call_ns, record.time, -1, words, holder.call_ns))
                deletion = Deletion(event.mod_revision, event.key, holder.call_ns, record.time)
                deletions.setdefault(lease.id, []).append(deletion)
    for found in deletions.values():
        found.sort(key=lambda deletion: deletion.revision)
    return deletions


def _renewal(operation: Operation, ttl_s: int, words: str) -> Renewal:
    done = operation.completion if operation.outcome is OpType.OK else None
    ret_ns = None if done is None else done.time
    return Renewal(operation.invoke.time, ret_ns, ttl_s, operation.call, words)


def _sign(operation: Operation, words: str) -> Sign:
    completion = operation.completion
    assert completion is not None, "only what was answered is a sign"
    call_ns = operation.invoke.time
    return Sign(call_ns, completion.time, operation.call, words, call_ns)
