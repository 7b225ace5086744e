"""Whether leases lived as long as they should, and no longer.

Times of different clients are compared, never an operation's moment within its own time: what
follows holds wherever between its call and its return each operation took effect.
"""

from collections.abc import Iterator

import msgspec

from checkers.leases.facts import Lease, LeaseFacts, Renewal, Sign

SECOND_NS = 1_000_000_000


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised of times, beyond a lease's own."""

    clock_drift: float = 0.05
    """A store's clock may run so much faster or slower than the recorder's."""
    outlive_ns: int | None = None
    """A key is gone so long after its lease's time at the latest; None: nobody promised anything.

    A new leader gives every lease its full time again (etcd lessor: Promote), so this has to allow
    for as many elections as there may be where no fault causes them.
    """


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One promise, broken once."""

    kind: str
    story: str
    lease: int
    calls: tuple[int, ...]
    """Operations of the history that show it, by the moments of their calls."""


def dies_early(facts: LeaseFacts, bounds: Bounds) -> Breach | None:
    """Judge that no lease ends before its time, but by being revoked (etcd issue 15247).

    A renewal that was asked at c and returned TTL t found the lease alive at c or later, so it must
    live until c + t. A sign by d < c + t that it is gone breaks that, whichever came first: if the
    lease was gone already, the renewal had nothing to renew.
    """
    for lease in facts.leases.values():
        for sign in lease.gone:
            for renewal in (*lease.grants, *lease.renewals):
                life_ns = renewal.ttl_s * SECOND_NS * (1 - bounds.clock_drift)
                if (
                    renewal.ret_ns is not None
                    and renewal.call_ns <= sign.ret_ns < renewal.call_ns + life_ns
                    and not _is_excused(lease, renewal, renewal.ret_ns, sign)
                ):
                    return _early(lease, renewal, sign)
    return None


def _is_excused(lease: Lease, renewal: Renewal, ret_ns: int, sign: Sign) -> bool:
    """Return whether something else than an early end explains `sign`.

    A revocation does, unless it was over before the renewal was asked for. So does another grant of
    the id, between what was gone and what was renewed, or this one, if it was the grant. But if the
    renewal had returned before, the id was to stay until its time was over, and none of these
    explains that it was gone.
    """
    if any(
        revocation.call_ns < sign.ret_ns
        and (revocation.ret_ns is None or revocation.ret_ns > renewal.call_ns)
        for revocation in lease.revocations
    ):
        return True
    if ret_ns <= sign.since_ns:
        return False
    is_grant = renewal in lease.grants
    last_ns = max(sign.ret_ns, ret_ns)
    return is_grant or lease.granted_within(sign.since_ns, last_ns, other_than=renewal.call)


def _early(lease: Lease, renewal: Renewal, sign: Sign) -> Breach:
    seconds = (sign.ret_ns - renewal.call_ns) / SECOND_NS
    return Breach(
        kind="lease-died-early",
        story=f"lease {lease.id:x}: {sign.words}, {seconds:.3f} s after {renewal.words} had been"
        f" asked for, which gave it {renewal.ttl_s} s; nobody revoked it",
        lease=lease.id,
        calls=_calls(renewal.call, sign.call),
    )


def outlives(facts: LeaseFacts, bounds: Bounds) -> Breach | None:
    """Judge that a lease and its keys are gone once its time and `outlive_ns` are over.

    The latest end of that time is counted from the returns of renewals. One of unknown outcome may
    still happen at any time, and lets the lease live for ever. While there are faults, there may be
    elections without number: so only what is seen after the last of them is judged, and that counts
    as a renewal, too.
    """
    if bounds.outlive_ns is None:
        return None
    for lease in facts.leases.values():
        for sign in lease.there:
            if sign.call_ns <= facts.disturbed_ns:
                continue
            end_ns = _latest_end_ns(lease, sign, bounds, facts.disturbed_ns)
            if end_ns is not None and sign.call_ns > end_ns + bounds.outlive_ns:
                seconds = (sign.call_ns - end_ns) / SECOND_NS
                return Breach(
                    kind="lease-outlived",
                    story=f"lease {lease.id:x}: {sign.words}, at least {seconds:.3f} s after its"
                    f" time was over; promised were {bounds.outlive_ns / SECOND_NS:g}",
                    lease=lease.id,
                    calls=_calls(sign.call),
                )
    return None


def _latest_end_ns(lease: Lease, sign: Sign, bounds: Bounds, disturbed_ns: int) -> float | None:
    """Return when the lease's time was over at the latest, as of `sign`; None if never."""
    latest = 0.0
    for renewal in (*lease.grants, *lease.renewals):
        if renewal.call == sign.call or renewal.call_ns > sign.ret_ns:
            continue
        if renewal.ret_ns is None:
            return None
        life_ns = renewal.ttl_s * SECOND_NS * (1 + bounds.clock_drift)
        latest = max(latest, max(renewal.ret_ns, disturbed_ns) + life_ns)
    return latest


def rises(facts: LeaseFacts, bounds: Bounds) -> Breach | None:
    """Judge that what is gone stays gone: no answer after it tells of the lease as alive.

    Unless the id may have been granted again meanwhile. Of all signs that it was gone, the one with
    the latest `since_ns` leaves the least time for that, so the others need not be tried.
    """
    del bounds
    for lease in facts.leases.values():
        gone = sorted(lease.gone, key=lambda sign: sign.ret_ns)
        latest: Sign | None = None
        place = 0
        for sign in sorted(lease.there, key=lambda sign: sign.call_ns):
            while place < len(gone) and gone[place].ret_ns < sign.call_ns:
                if latest is None or gone[place].since_ns >= latest.since_ns:
                    latest = gone[place]
                place += 1
            if latest is not None and not lease.granted_within(latest.since_ns, sign.ret_ns):
                return Breach(
                    kind="lease-rose",
                    story=f"lease {lease.id:x}: {latest.words}; after that, {sign.words}",
                    lease=lease.id,
                    calls=_calls(latest.call, sign.call),
                )
    return None


def tells_wrongly(facts: LeaseFacts, bounds: Bounds) -> Breach | None:
    """Judge that answers about a lease give the time that it was granted with."""
    del bounds
    for lease in facts.leases.values():
        for call, why in lease.remarks:
            return Breach(
                kind="impossible-ttl",
                story=f"lease {lease.id:x}: {why}",
                lease=lease.id,
                calls=(call,),
            )
    return None


def goes_in_pieces(facts: LeaseFacts, bounds: Bounds) -> Breach | None:
    """Judge that all keys of a lease go in one revision (etcd LeaseRevoke).

    A read of an interval that finds one key of a lease, and another one gone that only the lease's
    end explains, has seen a piece; so has whoever is told of two revisions in which keys went.
    """
    del bounds
    for number, deletions in facts.deletions.items():
        first, last = deletions[0], deletions[-1]
        put_ns = min(deletion.put_ns for deletion in deletions)
        told_ns = max(deletion.told_ns for deletion in deletions)
        lease = facts.leases[number]
        if first.revision != last.revision and not lease.granted_within(put_ns, told_ns):
            return Breach(
                kind="lease-in-pieces",
                story=f"lease {number:x}: its key {first.key!r} went at revision"
                f" {first.revision}, but {last.key!r} at revision {last.revision}",
                lease=number,
                calls=(),
            )
    for number, found, lost, operation in _pieces(facts):
        return Breach(
            kind="lease-in-pieces",
            story=f"lease {number:x}: a read found its key {found!r}, but {lost!r}, which was"
            " attached to it as well and which nobody deleted, was gone",
            lease=number,
            calls=(operation,),
        )
    return None


def _pieces(facts: LeaseFacts) -> Iterator[tuple[int, str, str, int]]:
    """Yield a lease, a key of it that a read found, one that it did not find, and the read."""
    keys = facts.keys
    for operation, revision, leases in keys.together:
        held = {lease: key for key, lease in leases.items() if lease in facts.leases}
        completion = operation.completion
        if not held or completion is None:
            continue
        for key in keys.attachments:
            if key in leases or not _was_asked_for(operation.value, key):
                continue
            lost = keys.holder(key, revision, completion.time)
            if lost is None or lost.lease not in held:
                continue
            lease = facts.leases[lost.lease]
            if not lease.granted_within(lost.call_ns, completion.time):
                yield lost.lease, held[lost.lease], key, operation.call


def _was_asked_for(request: object, key: str) -> bool:
    assert isinstance(request, dict), "a read's request was read before"
    first, end = request["key"], request["range_end"]
    return bool(first <= key and (end == "\0" or key < end))


def _calls(*calls: int) -> tuple[int, ...]:
    return tuple(sorted({call for call in calls if call >= 0}))
