"""Which unknown writes may have filled which gap, before any search.

A gap needs an unknown write that was called before anyone saw the gap's revision, or a later one
(`deadline`). Writes with equal requests are interchangeable but for their calls; they form one
*candidate*, spent in the order of their calls. As deadlines never fall from one gap to the next,
who was eligible stays so, and spending the earliest call first is never worse.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from checkers.checker import Budget
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.facts import Facts, Required
from checkers.linearizability.revisions.operations import (
    Known,
    Unknown,
    compares_in,
    steps_in,
)
from checkers.linearizability.revisions.replay import Store
from checkers.models.etcd_api import Delete, Put, Read, Revoke, Simple, Step, Txn, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """All unknown writes with one request, and with one revision if they are bound to one."""

    request: Write
    only_at: int | None = None
    """See `Unknown.only_at`."""
    calls: tuple[int, ...]
    """The moments of their calls, rising."""
    touches: frozenset[str]
    """The keys that it writes, or might."""
    compares: tuple[str, ...]
    """The keys on whose state it depends what it does to any key; empty for all but txns."""
    depends: tuple[str, ...]
    """The keys on whose state it depends what it does; empty for a put that keeps nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A revision that no known write claims."""

    revision: int
    deadline: int
    """The first return that proves that the revision existed: its write was called before."""
    candidates: tuple[int, ...]
    """Those which may have filled it, as indices into the list of all candidates; not empty."""


def group_unknown(unknown: Sequence[Unknown], store: Store) -> list[Candidate]:
    """Return `unknown` as candidates, in the order of their first calls."""
    calls: dict[tuple[Write, int | None], list[int]] = {}
    for each in unknown:
        calls.setdefault((each.request, each.only_at), []).append(each.call)
    return [
        Candidate(
            request=request,
            only_at=only_at,
            calls=tuple(sorted(members)),
            touches=frozenset(_touches(request, store)),
            compares=_compares(request, store),
            depends=tuple(sorted({*_compares(request, store), *_needs(request, store)})),
        )
        for (request, only_at), members in sorted(calls.items(), key=lambda item: min(item[1]))
    ]


def shortage(sights: Mapping[int, Known], unknown: Sequence[Unknown]) -> Conflict | None:
    """Return a conflict if the gaps up to some gap outnumber the writes called early enough.

    `sights` has the gaps, rising, each with the operation whose return is its deadline.
    """
    calls = sorted(each.call for each in unknown)
    for count, (revision, sight) in enumerate(sorted(sights.items()), start=1):
        eligible = bisect_right(calls, sight.ret)
        if eligible < count:
            story = (
                f" saw revision {sight.revision}, but {count} of the revisions up to {revision}"
                " belong to no write that was answered, and of the writes of unknown outcome only"
                f" {eligible} had been called by then"
            )
            return Conflict(kind="missing-revisions", story=(sight.call, story), revision=revision)
    return None


def narrow(
    sights: Mapping[int, Known], candidates: Sequence[Candidate], facts: Facts, budget: Budget
) -> list[Gap] | Conflict | str:
    """Return the gaps, rising, each with the candidates that no fact rules out.

    A conflict instead, if some gap has none; a string, if there are too many to hold, or to look
    at: a step is a candidate looked at for one gap.
    """
    steps, held = 0, 0
    putting: dict[str, list[int]] = {}
    touching: dict[tuple[str, ...], list[int]] = {}
    for index, candidate in enumerate(candidates):
        touching.setdefault(tuple(sorted(candidate.touches)), []).append(index)
        for key in candidate.touches:
            putting.setdefault(key, []).append(index)
    gaps: list[Gap] = []
    for revision, sight in sorted(sights.items()):
        required = facts.required[revision]
        if required:
            pool = putting.get(min(required), [])
        else:
            pool = sorted(
                index
                for keys, indices in touching.items()
                if len(keys) != 1 or not facts.is_quiet(keys[0], revision)
                for index in indices
            )
        steps += len(pool)
        is_out_of_memory = held > budget.references_max // 2  # the search holds more
        if steps > budget.steps_max or is_out_of_memory:
            limit = (
                f"{budget.memory_mb_max} MB were"
                if is_out_of_memory
                else f"{budget.steps_max} steps were"
            )
            return (
                f"{limit} not enough to look at which writes of unknown outcome may have made"
                f" which revision: left were {revision} and those after it"
            )
        possible = tuple(
            index
            for index in pool
            if candidates[index].calls[0] < sight.ret
            and candidates[index].only_at in {None, revision}
            and facts.changes.get(revision, {}).keys() <= candidates[index].touches
            and _may_fill(candidates[index].request, revision, required, facts)
        )
        held += len(possible)
        if not possible:
            return _nobody(revision, required, sight)
        gaps.append(Gap(revision=revision, deadline=sight.ret, candidates=possible))
    return gaps


def _touches(request: Write, store: Store) -> list[str]:
    match request:
        case Put(key, _):
            return [key]
        case Delete(key, range_end):
            return list(store.interval(key, range_end))
        case Revoke(lease):
            return list(store.leased(lease))
        case Txn():
            return [
                key
                for step in steps_in(request)
                if not isinstance(step, Read)
                for key in _touches(step, store)
            ]
        case _:
            assert_never(request)


def _compares(request: Write, store: Store) -> tuple[str, ...]:
    if not isinstance(request, Txn):
        return ()
    keys = {
        key
        for compare in compares_in(request)
        for key in store.interval(compare.key, compare.range_end)
    }
    # Where a key is absent of which something is to be kept, nothing at all is done.
    keys.update(step.key for step in steps_in(request) if isinstance(step, Put) and step.keeps)
    return tuple(sorted(keys))


def _needs(request: Write | Simple, store: Store) -> list[str]:
    """Return the keys that `request` deletes, or of which it keeps something."""
    match request:
        case Delete(key, range_end):
            return list(store.interval(key, range_end))
        case Revoke(lease):
            return list(store.leased(lease))
        case Txn():
            return [key for step in steps_in(request) for key in _needs(step, store)]
        case Put():
            return [request.key] if request.keeps else []
        case Read():
            return []
        case _:
            assert_never(request)


def _may_fill(request: Write, revision: int, required: Required, facts: Facts) -> bool:
    """Return whether no fact rules out that `request` made `revision`."""
    match request:
        case Txn():
            return any(_may_do(path, revision, required, facts) for path in _paths(request))
        case Revoke():
            return not required
        case _:
            return _may_do((request,), revision, required, facts)


def _paths(txn: Txn) -> Iterator[tuple[Simple, ...]]:
    """Yield what `txn` may do: the steps of each branch, those of txns within it in place."""
    yield from _paths_of(txn.success)
    if txn.compare:
        yield from _paths_of(txn.failure)


def _paths_of(branch: Sequence[Step]) -> Iterator[tuple[Simple, ...]]:
    if not branch:
        yield ()
        return
    first, rest = branch[0], branch[1:]
    heads = _paths(first) if isinstance(first, Txn) else iter([(first,)])
    for head in heads:
        for tail in _paths_of(rest):
            yield (*head, *tail)


def _may_do(steps: Sequence[Simple], revision: int, required: Required, facts: Facts) -> bool:
    put: dict[str, str | None] = {}
    deletes = False
    for step in steps:
        match step:
            case Put(key, value):
                put[key] = None if step.ignore_value else value
            case Delete(key, range_end):
                deletes = True
                if not range_end and not _may_touch(key, revision, required, facts):
                    return False  # in a quiet span the key is there, and would be deleted
            case Read():
                pass
    return (
        (deletes or bool(put))
        and all(_may_touch(key, revision, required, facts) for key in put)
        and all(
            key in put and (value is None or put[key] in {None, value})
            for key, value in required.items()
        )
    )


def _may_touch(key: str, revision: int, required: Required, facts: Facts) -> bool:
    return key in required or not facts.is_quiet(key, revision)


def _nobody(revision: int, required: Required, sight: Known) -> Conflict:
    wanted = " and ".join(
        f"a put of {key}" if value is None else f"a put of {key} = {value!r}"
        for key, value in sorted(required.items())
    )
    return Conflict(
        kind="unexplained-revision",
        story=(
            f"no write that was answered made revision {revision}, which ",
            sight.call,
            " proves to exist" + (f" and reads show to be {wanted}" if wanted else ""),
            "; and no write of unknown outcome called by then can have made it",
        ),
        revision=revision,
    )
