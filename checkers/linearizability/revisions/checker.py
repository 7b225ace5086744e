"""The checker: whether a kv history is linearizable, given the revisions that it shows.

Every response names a revision, and etcd promises that revisions count the writes. So there is no
order of writes to search for, as in the general problem (Wing & Gong 1993): sort by revision, and
check three things, each of which is necessary, and which together suffice.

1. No two effective writes claim one revision, and the order of revisions is one of real time
   (`real_time`), that of the moments at which reads were refused included (`refusals`).
2. Replayed in that order, the store gives every answer that was given (`replay`).
3. Every revision that no answered write claims can be filled by a write of unknown outcome that was
   called early enough, such that 2 still holds (`facts`, `gaps`, `search`).

All but the last are nearly linear. The last is a search: exact, but on a budget. Where unknown
writes are few, or reads show what they did, it decides almost without searching.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability.revisions.columns import Columns
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.facts import Changes, Facts, collect_facts
from checkers.linearizability.revisions.gaps import group_unknown, narrow, shortage
from checkers.linearizability.revisions.operations import (
    Known,
    Parsed,
    steps_in,
)
from checkers.linearizability.revisions.parsing import UnreadableOperationError, parse
from checkers.linearizability.revisions.real_time import earliest_sights, real_time_conflict
from checkers.linearizability.revisions.refusals import refusal_conflict
from checkers.linearizability.revisions.replay import Store
from checkers.linearizability.revisions.search import (
    Exhausted,
    Filled,
    Impossible,
    Search,
    Timeline,
)
from checkers.linearizability.revisions.story import evidence_of, mismatch_conflict
from checkers.models.etcd_api import Put, Request, Txn
from checkers.verdict import Verdict, invalid, unknown, valid

NAME: Final = "etcd-linearizability"
"""What the verdicts are signed with."""

FIRST_REVISION: Final = 1
"""The revision of an empty store, which no write made."""

STEPS_MAX: Final = 2_000_000
"""Steps to spend on filling gaps at most; tens of seconds."""


class RevisionsChecker:
    """Judges kv histories (`checkers/models/etcd_api`) of a store that was empty at the start.

    Linearizability with real time, that is, strict serializability of single requests; txns are
    single requests. A serializable read is held to less: what it saw had existed by its return.
    A step of its budget is a revision replayed, or, where gaps are to be filled, a candidate
    weighed or tried, or a key traced to its culprits. Of a larger budget it spends `STEPS_MAX` on
    gaps: what was not found by then never was.

    `changes` tells what some revisions did, as watchers saw it or as a log has it. It need not be
    complete, but is believed: whether watchers saw the truth is for the checkers of watches to say.
    With it there is little left to search for.

    `compacts_itself` tells whether others than these clients may have the store compact: its own
    settings, or a nemesis. If not, what is refused as compacted must have been asked for.
    """

    def __init__(self, changes: Changes | None = None, *, compacts_itself: bool = True) -> None:
        self._changes: Final[Changes] = changes or {}
        self._compacts_itself: Final = compacts_itself

    @property
    def name(self) -> str:
        """`etcd-linearizability`."""
        return NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return whether `history` is linearizable; `UNKNOWN` if that is not to be read or found.

        `details` has the counts of operations, of gaps and of steps. Facts of the evidence:
        `kind`, a short stable name of what is wrong, and `revision`, where it shows.
        """
        try:
            parsed = parse(history)
        except UnreadableOperationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        details: dict[str, object] = {
            "known": len(parsed.known),
            "unknown": len(parsed.unknown),
            "gaps": 0,
            "steps": 0,
        }
        if not parsed.known:
            return unknown(self.name, "no operation was answered", details)
        outcome = refusal_conflict(parsed, compacts_itself=self._compacts_itself) or _judge(
            parsed, self._changes, budget, details
        )
        match outcome:
            case None:
                return valid(self.name, details)
            case Conflict():
                evidence = evidence_of(outcome, history)
                return invalid(self.name, evidence.story, evidence, details)
            case str():
                return unknown(self.name, outcome, details)


def etcd_linearizable(
    changes: Changes | None = None, *, compacts_itself: bool = True
) -> RevisionsChecker:
    """Return the checker of linearizability for kv histories; see there for what it is told."""
    return RevisionsChecker(changes, compacts_itself=compacts_itself)


def judge_parsed(parsed: Parsed, budget: Budget) -> Conflict | str | None:
    """Return what is wrong with `parsed`; why it cannot be found out; None if all is well."""
    return _judge(parsed, {}, budget, {})


def _judge(
    parsed: Parsed, changes: Changes, budget: Budget, details: dict[str, object]
) -> Conflict | str | None:
    """Return what is wrong; a string if it cannot be found out, and why; None if all is well."""
    columns = Columns(parsed.known)
    are_placed = columns.are_placed(FIRST_REVISION)
    last = int(columns.revision.max())
    gap_count = last - FIRST_REVISION - columns.write_count() if are_placed else None
    if gap_count != 0 or parsed.old_reads or not columns.are_in_real_time():
        return _judge_one_by_one(parsed, last, changes, budget, details)
    store = Store(_written_keys(parsed), parsed.leased)
    in_order = columns.in_order_of_slots()
    mismatch, details["steps"] = store.replay_all(in_order)
    if mismatch is None:
        return None
    writes = {operation.revision: operation for operation in in_order if operation.wrote}
    return mismatch_conflict(mismatch, writes)


def _judge_one_by_one(
    parsed: Parsed, last: int, changes: Changes, budget: Budget, details: dict[str, object]
) -> Conflict | str | None:
    """Judge a history in which some order is wrong, or revisions up to the `last` are missing."""
    timeline = _timeline(parsed, changes)
    if isinstance(timeline, Conflict):
        return timeline
    conflict = real_time_conflict(parsed.known)
    if conflict is not None:
        return conflict
    store = Store(_written_keys(parsed), parsed.leased)
    gap_count = last - FIRST_REVISION - len(timeline.writes)
    details["gaps"] = gap_count
    if gap_count == 0:
        return _replay(timeline, store, details)
    return _fill(parsed, timeline, store, budget, details)


def _timeline(parsed: Parsed, changes: Changes) -> Timeline | Conflict:
    """Return what is known by revision; a conflict if two writes claim one, or one cannot be."""
    writes: dict[int, Known] = {}
    slots: dict[int, list[Known]] = {}
    for operation in parsed.known:
        revision = operation.revision
        if revision < FIRST_REVISION + operation.wrote or operation.slot > revision:
            return _misplaced(operation)
        if not operation.wrote:
            slot = slots.get(operation.slot)
            if slot is None:
                slots[operation.slot] = [operation]
            else:
                slot.append(operation)
        elif (other := writes.setdefault(revision, operation)) is not operation:
            return Conflict(
                kind="revision-claimed-twice",
                story=(
                    other.call,
                    " and ",
                    operation.call,
                    f" both wrote something, and both claim revision {revision}",
                ),
                revision=revision,
            )
    for operation in parsed.old_reads:
        if operation.slot > operation.revision:
            return _misplaced(operation)
        slots.setdefault(operation.slot, []).append(operation)
    return Timeline(writes, slots, changes)


def _misplaced(operation: Known) -> Conflict:
    if operation.slot > operation.revision:
        what = f" answered as of revision {operation.slot}, which did not exist yet"
    else:
        what = f" claims revision {operation.revision}, which it cannot have: an empty store has 1"
    return Conflict(
        kind="impossible-revision", story=(operation.call, what), revision=operation.revision
    )


def _replay(timeline: Timeline, store: Store, details: dict[str, object]) -> Conflict | None:
    """Check the content of a history without gaps."""
    writes, slots = timeline.writes, timeline.slots
    steps = 0
    for revision in sorted(writes.keys() | slots.keys()):
        steps += 1
        mismatch = None
        write = writes.get(revision)
        if write is not None:
            mismatch = store.replay(write)
        if mismatch is None and revision in slots:
            mismatch = store.replay_reads(slots[revision])
        if mismatch is not None:
            details["steps"] = steps
            return mismatch_conflict(mismatch, writes)
        store.forget()
    details["steps"] = steps
    return None


def _fill(
    parsed: Parsed,
    timeline: Timeline,
    store: Store,
    budget: Budget,
    details: dict[str, object],
) -> Conflict | str | None:
    """Check the content of a history in which some revisions must be unknown writes."""
    last = max(operation.revision for operation in parsed.known)
    shown = len(parsed.unknown) + 1
    missing = _first_missing(timeline.writes, last, shown)
    sights = earliest_sights(parsed.known, missing)
    conflict = shortage(sights, parsed.unknown)
    if conflict is not None:
        return conflict
    candidates = group_unknown(parsed.unknown, store)
    keys = {key for each in candidates for key in (*each.touches, *each.depends)}
    facts = Facts(keys, missing, timeline.changes)
    collect_facts(parsed, facts, store)
    gaps = narrow(sights, candidates, facts, budget)
    if not isinstance(gaps, list):
        return gaps
    steps_max = min(budget.steps_max, STEPS_MAX)
    outcome = Search(timeline, gaps, candidates, facts, store).run(steps_max)
    details["steps"] = outcome.steps
    match outcome:
        case Filled():
            return None
        case Impossible():
            return _impossible(outcome, timeline, sights)
        case Exhausted(open_gaps):
            return (
                f"the budget of steps ran out after {outcome.steps}: revisions {_listed(open_gaps)}"
                " could each be one of several writes of unknown outcome"
            )


def _impossible(outcome: Impossible, timeline: Timeline, sights: Mapping[int, Known]) -> Conflict:
    if outcome.mismatch is None:
        rest = (
            " proves to exist; whatever made the missing revisions before it, no write of unknown"
            " outcome is left that can have made this one"
        )
        return Conflict(
            kind="unexplained-revision",
            story=(
                f"no write that was answered made revision {outcome.at}, which ",
                sights[outcome.at].call,
                rest,
            ),
            revision=outcome.at,
        )
    conflict = mismatch_conflict(outcome.mismatch, timeline.writes)
    if not outcome.depends_on_gaps:
        return conflict
    lead = (
        f"whichever writes of unknown outcome made revisions {_listed(tuple(sights))}, some answer"
        f" is wrong; the choice that explains most gets to revision {outcome.at}, where "
    )
    return Conflict(kind=conflict.kind, story=(lead, *conflict.story), revision=conflict.revision)


def _first_missing(writes: Mapping[int, Known], last: int, limit: int) -> list[int]:
    """Return the first `limit` revisions up to `last` that no known write claims."""
    missing: list[int] = []
    for revision in range(FIRST_REVISION + 1, last + 1):
        if len(missing) == limit:
            break
        if revision not in writes:
            missing.append(revision)
    return missing


def _written_keys(parsed: Parsed) -> Iterator[str]:
    """Yield every key that is ever written, some more than once."""
    requests: list[Request] = [each.request for each in parsed.known]
    requests += [each.request for each in parsed.unknown]
    yield from {request.key: None for request in requests if type(request) is Put}
    for request in requests:
        if type(request) is Txn:
            yield from (put.key for put in _puts(request))


def _puts(request: Request) -> Sequence[Put]:
    if isinstance(request, Put):
        return (request,)
    if isinstance(request, Txn):
        return [step for step in steps_in(request) if isinstance(step, Put)]
    return ()


def _listed(revisions: tuple[int, ...]) -> str:
    """Return `revisions` as words, the first eight of them."""
    more = f" and {len(revisions) - 8} more" if len(revisions) > 8 else ""
    return ", ".join(map(str, revisions[:8])) + more
