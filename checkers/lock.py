"""Locks: whether they exclude, and, which is another question, whether their tokens fence.

A lock held through a lease may be lost without its holder knowing: two clients can think that they
hold it, whatever the store does. That is no bug of the store unless it promised exclusion; what it
can promise is that *tokens* rise, and that nothing guarded by a token takes effect once a later
tenure has begun. So there are two checkers, and a workload names the one whose promise was made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.tenures import (
    Breach,
    Tenure,
    UnreadableTenureError,
    Write,
    in_words,
    revision_of,
    tenures_of,
    writes_under_locks,
)
from checkers.verdict import Evidence, Verdict, invalid, unknown, valid

EXCLUSION: Final = "lock-exclusion"
FENCING: Final = "lock-fencing"

_Judge = Callable[[Sequence[Tenure], Sequence[Write]], Breach | None]


@dataclass(frozen=True, slots=True)
class LockChecker:
    """Asks `judges` in turn; the first breach convicts. It takes no steps."""

    name: str
    judges: tuple[_Judge, ...]

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if no lock was ever got."""
        del budget
        try:
            tenures, writes = tenures_of(history), writes_under_locks(history)
            breach = next(
                (found for judge in self.judges if (found := judge(tenures, writes))), None
            )
        except UnreadableTenureError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        if not tenures:
            return unknown(self.name, "no lock was ever acquired")
        if breach is None:
            return valid(self.name, {"tenures": len(tenures), "writes": len(writes)})
        return invalid(self.name, breach.story, evidence_of(breach))


def lock_exclusion() -> LockChecker:
    """Return the checker of plain mutual exclusion: no two clients hold a lock at once."""
    return LockChecker(EXCLUSION, (held_by_two, written_by_a_former_holder))


def lock_fencing() -> LockChecker:
    """Return the checker of tokens: they rise, and fence off whoever held the lock before."""
    return LockChecker(FENCING, (token_given_twice, token_falls, fence_passed, used_when_released))


def evidence_of(breach: Breach) -> Evidence:
    """Return `breach` as evidence."""
    return Evidence(
        operations=tuple(sorted({operation.call for operation in breach.operations})),
        story=breach.story,
        facts={"kind": breach.kind},
    )


def _by_lock(tenures: Sequence[Tenure]) -> list[list[Tenure]]:
    locks: dict[str, list[Tenure]] = {}
    for tenure in tenures:
        locks.setdefault(tenure.lock, []).append(tenure)
    return list(locks.values())


def _returned(tenure: Tenure) -> int:
    assert tenure.granted.ret is not None, "a tenure was answered"
    return tenure.granted.ret


def held_by_two(tenures: Sequence[Tenure], _writes: Sequence[Write]) -> Breach | None:
    """Judge that no two clients surely thought at one moment that they hold a lock.

    A holder surely thinks so from the answer that gave it the lock to its last call under it.
    """
    for held in _by_lock(tenures):
        longest: Tenure | None = None
        for tenure in sorted(held, key=_returned):
            if longest is not None and _returned(tenure) < longest.last_call:
                return Breach(
                    kind="two-holders",
                    story=f"{in_words(longest.granted)} got {tenure.lock!r} with token"
                    f" {longest.token} and still used it at op {longest.last_call}, after"
                    f" {in_words(tenure.granted)} had got it with token {tenure.token}",
                    operations=(longest.granted, tenure.granted),
                )
            if longest is None or tenure.last_call > longest.last_call:
                longest = tenure
    return None


def written_by_a_former_holder(tenures: Sequence[Tenure], writes: Sequence[Write]) -> Breach | None:
    """Judge that nothing was written under a lock once somebody else had got it."""
    return _passed(tenures, [write for write in writes if not write.guarded], "stale-write")


def fence_passed(tenures: Sequence[Tenure], writes: Sequence[Write]) -> Breach | None:
    """Judge that no guarded write took effect once a later tenure had begun."""
    return _passed(tenures, [write for write in writes if write.guarded], "fence-passed")


def _passed(tenures: Sequence[Tenure], writes: Sequence[Write], kind: str) -> Breach | None:
    """Say which write came, by its revision, after a tenure with a higher token had begun."""
    begun = sorted(tenures, key=lambda tenure: tenure.revision)
    latest: dict[str, Tenure] = {}
    place = 0
    for write in writes:
        while place < len(begun) and begun[place].revision < write.revision:
            tenure = begun[place]
            if tenure.lock not in latest or latest[tenure.lock].token < tenure.token:
                latest[tenure.lock] = tenure
            place += 1
        later = latest.get(write.lock)
        if later is not None and write.token < later.token:
            return Breach(
                kind=kind,
                story=f"{in_words(write.operation)} with token {write.token} took effect at"
                f" revision {write.revision}, after {in_words(later.granted)} had got"
                f" {write.lock!r} at revision {later.revision} with token {later.token}",
                operations=(write.operation, later.granted),
            )
    return None


def token_given_twice(tenures: Sequence[Tenure], _writes: Sequence[Write]) -> Breach | None:
    """Judge that no two keys share a token. One key may be got again: that is one tenure still."""
    for held in _by_lock(tenures):
        first: dict[int, Tenure] = {}
        for tenure in held:
            other = first.setdefault(tenure.token, tenure)
            if other.key != tenure.key:
                return Breach(
                    kind="token-twice",
                    story=f"{in_words(other.granted)} and {in_words(tenure.granted)} both got"
                    f" {tenure.lock!r} with token {tenure.token}, by the keys {other.key!r} and"
                    f" {tenure.key!r}",
                    operations=(other.granted, tenure.granted),
                )
    return None


def token_falls(tenures: Sequence[Tenure], _writes: Sequence[Write]) -> Breach | None:
    """Judge that whoever asks for a lock after another got it gets a higher token."""
    for held in _by_lock(tenures):
        by_return = sorted(held, key=_returned)
        highest: Tenure | None = None
        place = 0
        for tenure in held:  # in the order of calls
            while _returned(by_return[place]) < tenure.granted.call:
                if highest is None or by_return[place].token > highest.token:
                    highest = by_return[place]
                place += 1
            if highest is not None and tenure.token <= highest.token and tenure.key != highest.key:
                return Breach(
                    kind="token-falls",
                    story=f"{in_words(highest.granted)} got {tenure.lock!r} with token"
                    f" {highest.token}; after that, {in_words(tenure.granted)} got it with token"
                    f" {tenure.token}",
                    operations=(highest.granted, tenure.granted),
                )
    return None


def used_when_released(tenures: Sequence[Tenure], writes: Sequence[Write]) -> Breach | None:
    """Judge that a token fences nothing any more once its release took effect."""
    released: dict[tuple[str, int], Tenure] = {}
    for tenure in tenures:
        if tenure.release is not None and tenure.release.outcome is OpType.OK:
            released[tenure.lock, tenure.token] = tenure
    for write in writes:
        ended = released.get((write.lock, write.token))
        if ended is None or ended.release is None or not write.guarded:
            continue
        revision = revision_of(ended.release)
        if write.revision > revision:
            return Breach(
                kind="used-when-released",
                story=f"{in_words(write.operation)} with token {write.token} took effect at"
                f" revision {write.revision}, though {in_words(ended.release)} had ended that"
                f" tenure at revision {revision}",
                operations=(write.operation, ended.release),
            )
    return None
