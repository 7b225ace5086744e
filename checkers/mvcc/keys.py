"""Promises about what every sighting of a key shows: its revisions and its version."""

from bisect import bisect_right

from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known, Parsed
from checkers.models.etcd_api import Delete, KeyValue, in_words
from checkers.mvcc.sightings import FIRST_REVISION, saw, sightings


def key_order_breach(parsed: Parsed) -> Conflict | None:
    """Say where a key was created later than written, or written later than it was seen."""
    for operation, kv, slot in sightings(parsed):
        if not FIRST_REVISION < kv.create_revision <= kv.mod_revision <= slot:
            return saw(
                operation, "revisions-out-of-order", f"{in_words(kv)} as of revision {slot}", slot
            )
    return None


def version_breach(parsed: Parsed) -> Conflict | None:
    """Say where a version cannot count the writes since creation.

    It is 1 at creation, and grows by one per revision at most, for etcd refuses txns that write
    one key twice.
    """
    for operation, kv, slot in sightings(parsed):
        span = kv.mod_revision - kv.create_revision
        if not min(1, span) < kv.version <= span + 1:
            return saw(operation, "impossible-version", in_words(kv), slot)
    return None


def identity_breach(parsed: Parsed) -> Conflict | None:
    """Say where one write of a key was seen with two contents."""
    first: dict[tuple[str, int], tuple[Known, KeyValue]] = {}
    for operation, kv, slot in sightings(parsed):
        other, held = first.setdefault((kv.key, kv.mod_revision), (operation, kv))
        if held != kv:
            return Conflict(
                kind="two-contents",
                story=(
                    other.call,
                    f" saw {in_words(held)}, but ",
                    operation.call,
                    f" saw {in_words(kv)}",
                ),
                revision=slot,
            )
    return None


def delete_breach(parsed: Parsed) -> Conflict | None:
    """Say which key lived on through a delete: its version and creation must start anew."""
    deletes: dict[str, list[tuple[int, Known]]] = {}
    for operation in parsed.known:
        request = operation.request
        if isinstance(request, Delete) and operation.wrote and not request.range_end:
            deletes.setdefault(request.key, []).append((operation.revision, operation))
    for each in deletes.values():
        each.sort(key=_revision_of)
    for operation, kv, slot in sightings(parsed):
        of_key = deletes.get(kv.key, [])
        place = bisect_right(of_key, kv.create_revision, key=_revision_of)
        if place < len(of_key) and of_key[place][0] <= slot:
            revision, delete = of_key[place]
            return Conflict(
                kind="survived-delete",
                story=(
                    delete.call,
                    f" deleted it at revision {revision}, but ",
                    operation.call,
                    f" as of revision {slot} saw {in_words(kv)}",
                ),
                revision=slot,
            )
    return None


def _revision_of(entry: tuple[int, Known]) -> int:
    return entry[0]
