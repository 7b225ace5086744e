"""What every single answer of etcd promises about revisions, as small checks, one promise each.

`checkers/linearizability/revisions` proves more, all at once. These prove less, each by a sentence
and a loop that cannot be misread, in linear time and without a search: they say at a glance *which*
promise broke, and they still answer where the search for unknown writes runs out of budget.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.history import History, Process
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import (
    Known,
    Parsed,
    UnreadableOperationError,
    parse,
    steps_of,
)
from checkers.linearizability.revisions.story import evidence_of
from checkers.models.etcd_api import KeyValue, Read, ReadResult, Txn, in_words
from checkers.verdict import Verdict, invalid, merge, unknown, valid

FIRST_REVISION: Final = 1
"""The revision of an empty store, which no write made."""


class Invariant(msgspec.Struct, frozen=True):
    """One promise, as a checker of its own."""

    name: str
    breach: Callable[[Parsed], Conflict | None]
    """Returns how the promise is broken; None if it is kept."""

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return whether `history` keeps the promise; linear, so `budget` is not needed."""
        del budget
        try:
            parsed = parse(history)
        except UnreadableOperationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return self.judge(parsed, history)

    def judge(self, parsed: Parsed, history: History) -> Verdict:
        """Return the verdict on `history`, of which `parsed` is what was read."""
        if not parsed.known:
            return unknown(self.name, "no operation was answered")
        conflict = self.breach(parsed)
        if conflict is None:
            return valid(self.name, {"operations": len(parsed.known)})
        evidence = evidence_of(conflict, history)
        return invalid(self.name, evidence.story, evidence)


class MvccChecker:
    """All of `INVARIANTS` at once, with one verdict each among its parts."""

    @property
    def name(self) -> str:
        """`mvcc`."""
        return "mvcc"

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts; linear, so `budget` is not needed."""
        del budget
        try:
            parsed = parse(history)
        except UnreadableOperationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return merge(self.name, [each.judge(parsed, history) for each in INVARIANTS])


def mvcc_invariants() -> MvccChecker:
    """Return the checker of all promises about revisions."""
    return MvccChecker()


def _session_breach(parsed: Parsed) -> Conflict | None:
    """Say where a process saw the revision fall.

    Serializable reads may see it fall, by asking another node: they are left out.
    """
    latest: dict[Process, Known] = {}
    for operation in parsed.known:
        if _is_serializable(operation):
            continue
        before = latest.get(operation.process)
        if before is not None and operation.revision < before.revision:
            return _conflict("revision-falls", before, " was followed by ", operation)
        latest[operation.process] = operation
    return None


def _real_time_breach(parsed: Parsed) -> Conflict | None:
    """Say who asked after an answer and saw an earlier revision than it, or wrote no later one."""
    returned = iter(sorted(parsed.known, key=lambda each: each.ret))
    upcoming = next(returned, None)
    highest: Known | None = None
    for operation in parsed.known:  # in the order of calls
        while upcoming is not None and upcoming.ret < operation.call:
            if highest is None or upcoming.revision > highest.revision:
                highest = upcoming
            upcoming = next(returned, None)
        if highest is None or _is_serializable(operation):
            continue
        if operation.revision < highest.revision + operation.wrote:
            return _conflict("revision-behind-time", highest, " had returned when ", operation)
    return None


def _key_order_breach(parsed: Parsed) -> Conflict | None:
    """Say where a key was created later than written, or written later than it was seen."""
    for operation, kv, slot in _sightings(parsed):
        if not FIRST_REVISION < kv.create_revision <= kv.mod_revision <= slot:
            return _saw(
                operation, "revisions-out-of-order", f"{in_words(kv)} as of revision {slot}", slot
            )
    return None


def _version_breach(parsed: Parsed) -> Conflict | None:
    """Say where a version cannot count the writes since creation.

    It is 1 at creation, and grows by one per revision at most, for etcd refuses txns that write
    one key twice.
    """
    for operation, kv, slot in _sightings(parsed):
        span = kv.mod_revision - kv.create_revision
        if not min(1, span) < kv.version <= span + 1:
            return _saw(operation, "impossible-version", in_words(kv), slot)
    return None


def _identity_breach(parsed: Parsed) -> Conflict | None:
    """Say where one write of a key was seen with two contents."""
    first: dict[tuple[str, int], tuple[Known, KeyValue]] = {}
    for operation, kv, slot in _sightings(parsed):
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


def _one_write_breach(parsed: Parsed) -> Conflict | None:
    """Say which revision is two writes, or that there are more revisions than writes."""
    writes: dict[int, Known] = {}
    for operation in parsed.known:
        if operation.wrote:
            other = writes.setdefault(operation.revision, operation)
            if other is not operation:
                return _conflict(
                    "revision-claimed-twice", other, " made the one also made by ", operation
                )
    highest = max(parsed.known, key=lambda each: each.revision)
    missing = highest.revision - FIRST_REVISION - len(writes)
    if missing <= len(parsed.unknown):
        return None
    story = (
        f"revision {highest.revision}, but {len(writes)} writes were answered and"
        f" {len(parsed.unknown)} may have happened: something that wrote nothing took a revision"
    )
    return _saw(highest, "revision-of-nothing", story, highest.revision)


INVARIANTS: Final = (
    Invariant("mvcc-session-order", _session_breach),
    Invariant("mvcc-real-time-order", _real_time_breach),
    Invariant("mvcc-key-revisions", _key_order_breach),
    Invariant("mvcc-versions", _version_breach),
    Invariant("mvcc-one-content", _identity_breach),
    Invariant("mvcc-one-write-per-revision", _one_write_breach),
)
"""Every promise, by the name its verdicts are signed with."""


def _is_serializable(operation: Known) -> bool:
    return isinstance(operation.request, Read) and operation.request.serializable


def _sightings(parsed: Parsed) -> Iterator[tuple[Known, KeyValue, int]]:
    """Yield every key in every answer, with the revision as of which it was answered."""
    for operation in parsed.known:
        if isinstance(operation.request, Txn):
            for step, result in steps_of(operation):
                if isinstance(step, Read) and isinstance(result, ReadResult):
                    slot = step.revision if step.revision > 0 else operation.revision
                    for kv in result.kvs:
                        yield operation, kv, slot
        elif isinstance(operation.result, ReadResult):
            for kv in operation.result.kvs:
                yield operation, kv, operation.slot


def _conflict(kind: str, early: Known, between: str, late: Known) -> Conflict:
    return Conflict(
        kind=kind,
        story=(
            early.call,
            f" with revision {early.revision}{between}",
            late.call,
            f" with revision {late.revision}",
        ),
        revision=late.revision,
    )


def _saw(operation: Known, kind: str, what: str, revision: int) -> Conflict:
    return Conflict(kind=kind, story=(operation.call, f" saw {what}"), revision=revision)
