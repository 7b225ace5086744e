"""Fill the gaps with unknown writes so that every answer comes out right, or prove it impossible.

Depth-first over the gaps, in the order of revisions, replaying what is known in between: each gap
is a *level*, its candidates are tried in the order of how well they serve the next facts about the
keys they touch. On a contradiction, the search jumps back over all levels that have nothing to do
with it (conflict-directed backjumping, Prosser 1993).

What makes that sound is the notion of *culprits* (`choices`): levels such that, as long as they
keep their choices, the contradiction stands whatever the others choose. The state of a key at a
revision follows from its last pin, which every solution shares, and from the levels since then that
touch it or could; and if one of those chose a txn, from the keys on which that txn depends, in the
same way. When a level has no choice left, the blame goes to the culprits of *all* the failures of
all its choices, accumulated: keeping only the latest ones is the classical mistake, and convicts
valid histories.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from checkers.linearizability.revisions.choices import Blame, Choices
from checkers.linearizability.revisions.conflict import Explanation, Mismatch, Need
from checkers.linearizability.revisions.facts import IMPOSSIBLE, Changes, Facts
from checkers.linearizability.revisions.gaps import Candidate, Gap
from checkers.linearizability.revisions.operations import Known
from checkers.linearizability.revisions.replay import Store
from checkers.models.etcd_api import Delete, Put, Write


class Timeline(msgspec.Struct, frozen=True):
    """What is known, by revision."""

    writes: Mapping[int, Known]
    slots: Mapping[int, Sequence[Known]]
    """What saw the content of a revision, and wrote nothing."""
    changes: Changes
    """What revisions did, where others than the clients tell."""


class Filled(msgspec.Struct, frozen=True):
    """Every answer comes out right, with these choices."""

    choices: dict[int, int]
    """Gap to the call of the unknown write that fills it."""
    steps: int


class Impossible(msgspec.Struct, frozen=True):
    """No choice makes every answer right."""

    at: int
    """The latest revision that was reached."""
    mismatch: Mismatch | None
    """What went wrong there; None if no candidate was left for the gap `at`."""
    depends_on_gaps: bool
    """Whether another choice for some gap could have avoided that mismatch."""
    steps: int


class Exhausted(msgspec.Struct, frozen=True):
    """The budget ran out first."""

    open_gaps: tuple[int, ...]
    """The gaps with more than one candidate among which the search was going to and fro."""
    steps: int


@dataclass(slots=True)
class _Level:
    """One gap during the search."""

    gap: Gap
    at: int
    """Which level it is."""
    position: int
    """Where its revision is in the order of replay."""
    mark: int = 0
    """The store before this gap."""
    untried: Sequence[int] = ()
    """The candidates left to try, the best last."""
    blame: Blame = field(default_factory=Blame)
    """Who is to blame for the failures of all choices tried so far."""


class _Failure(msgspec.Struct, frozen=True):
    """A contradiction, and who is to blame for it."""

    mismatch: Mismatch | None
    blame: Blame


class Search:
    """One search; `run` it once.

    A step is a revision replayed, a candidate weighed or tried, or a key traced to its culprits.
    """

    def __init__(
        self,
        timeline: Timeline,
        gaps: Sequence[Gap],
        candidates: Sequence[Candidate],
        facts: Facts,
        store: Store,
    ) -> None:
        """`store` is empty."""
        self._timeline: Final = timeline
        self._candidates: Final = candidates
        self._facts: Final = facts
        self._store: Final = store
        self._choices: Final = Choices(gaps, candidates, facts)
        revisions = {*timeline.writes, *timeline.slots, *(gap.revision for gap in gaps)}
        self._revisions: Final = sorted(revisions)
        self._levels: Final = [
            _Level(gap, at, bisect_left(self._revisions, gap.revision))
            for at, gap in enumerate(gaps)
        ]
        self._level_of: Final = {level.gap.revision: level for level in self._levels}
        self._own_steps = 0

    @property
    def _steps(self) -> int:
        return self._own_steps + self._choices.steps

    def run(self, steps_max: int) -> Filled | Impossible | Exhausted:
        """Return how the gaps can be filled, that they cannot, or that `steps_max` was too few."""
        position, chosen = 0, False
        deepest, deepest_failure, lowest = -1, _Failure(None, Blame()), len(self._revisions)
        while position < len(self._revisions):
            self._own_steps += 1
            failure = self._advance(position, chosen=chosen)
            if failure is None:
                position, chosen = position + 1, False
                continue
            if position > deepest:
                deepest, deepest_failure = position, failure
            level = self._jump_back(failure.blame)
            if level is None:
                return Impossible(
                    at=self._revisions[deepest],
                    mismatch=deepest_failure.mismatch,
                    depends_on_gaps=deepest_failure.blame.levels != 0,
                    steps=self._steps,
                )
            position, chosen = level.position, True
            lowest = min(lowest, position)
            if self._steps > steps_max:
                return Exhausted(self._open_gaps(lowest, deepest), self._steps)
        return Filled(self._choices.calls(), self._steps)

    def _advance(self, position: int, *, chosen: bool) -> _Failure | None:
        """Go from the revision before to this one; a gap's choice may be made already."""
        revision = self._revisions[position]
        write = self._timeline.writes.get(revision)
        if write is not None:
            mismatch = self._store.replay(write)
            if mismatch is not None:
                # Its own reads may be the last pins: trust those before them.
                return self._failure(mismatch, revision - 1)
        elif not chosen and revision in self._level_of:
            level = self._level_of[revision]
            self._open(level)
            if not self._choose(level):
                return _Failure(None, level.blame)
        for operation in self._timeline.slots.get(revision, ()):
            mismatch = self._store.replay(operation)
            if mismatch is not None:
                return self._failure(mismatch, revision)
        return None

    def _failure(self, mismatch: Mismatch, slot: int) -> _Failure:
        """Blame, for what was seen wrong at `slot`, whoever lets us jump back farthest."""
        level_count = self._choices.level_count(slot)
        blames = [
            self._choices.blame(explanation, level_count, slot)
            for explanation in mismatch.explanations
        ]
        return _Failure(mismatch, min(blames, key=lambda blame: blame.levels))

    def _open(self, level: _Level) -> None:
        level.mark = self._store.mark()
        level.blame = Blame()
        candidates = level.gap.candidates
        level.untried = candidates if len(candidates) == 1 else self._rank(level.gap)

    def _choose(self, level: _Level) -> bool:
        """Take the next candidate that the present state allows; return whether there was one."""
        while level.untried:
            *rest, index = level.untried
            level.untried = rest
            self._own_steps += 1
            if not self._choices.take(level.at, index):
                level.blame = level.blame.merged(self._choices.held_by(index))
                continue
            candidate = self._candidates[index]
            self._store.apply(candidate.request, level.gap.revision)
            objection = self._objection(level, candidate)
            if objection is None:
                return True
            self._store.undo_to(level.mark)
            self._choices.release(level.at)
            blame = self._choices.blame(objection, level.at, level.gap.revision)
            level.blame = level.blame.merged(blame)
        return False

    def _objection(self, level: _Level, candidate: Candidate) -> Explanation | None:
        """Return what rules out what `candidate` just did; None if it may stand."""
        before = self._store.changed_since(level.mark)
        if not before:
            need = Need.PRESENT if isinstance(candidate.request, Delete | Put) else Need.OTHER
            return Explanation(candidate.depends, need)
        revision = level.gap.revision
        required = self._facts.required[revision]
        held = self._store.keys
        for key, value in required.items():
            kv = held.get(key)
            if kv is None or kv.mod_revision != revision or value not in {None, kv.value}:
                return Explanation(candidate.depends)
        changes = self._facts.changes.get(revision)
        if changes is not None and changes != {
            key: kv.value if (kv := held.get(key)) is not None else None
            for key, was in before.items()
            if was != held.get(key)
        }:
            return Explanation(candidate.depends)
        for key in before:
            facts = self._facts.keys[key]
            if key not in required and facts.is_quiet(revision):
                return Explanation(candidate.depends)
            if facts.distance(held.get(key), revision)[0] == IMPOSSIBLE:
                return Explanation((*candidate.depends, key))
        return None

    def _jump_back(self, blame: Blame) -> _Level | None:
        """Make the latest culprit that still can choose anew; return it, or None if none can."""
        top = len(self._levels) - 1
        while blame.levels:
            at = blame.levels.bit_length() - 1
            for later in range(top, at - 1, -1):
                self._choices.release(later)
            top = at - 1
            level = self._levels[at]
            self._store.undo_to(level.mark)
            if not blame.firm >> at & 1:
                # It could only help, and not with any other choice than these.
                level.untried = [each for each in level.untried if blame.helpful >> each & 1]
            level.blame = level.blame.merged(blame.without(at))
            if self._choose(level):
                return level
            blame = level.blame
        return None

    def _open_gaps(self, lowest: int, deepest: int) -> tuple[int, ...]:
        first, last = self._revisions[lowest], self._revisions[deepest]
        return tuple(
            level.gap.revision
            for level in self._levels
            if first <= level.gap.revision <= last and len(level.gap.candidates) > 1
        )

    def _rank(self, gap: Gap) -> list[int]:
        """Return the candidates of `gap`, those last that serve the next facts best."""
        self._own_steps += len(gap.candidates)
        of_puts: dict[str, tuple[int, int]] = {}
        ranked: list[tuple[tuple[int, int], int]] = []
        for index in gap.candidates:
            request = self._candidates[index].request
            if isinstance(request, Put) and not request.keeps:
                # Whatever the value, it does the same for the key.
                if request.key not in of_puts:
                    of_puts[request.key] = self._merit(request, gap.revision)
                ranked.append((of_puts[request.key], index))
            else:
                ranked.append((self._merit(request, gap.revision), index))
        ranked.sort(reverse=True)
        return [index for _, index in ranked]

    def _merit(self, request: Write, revision: int) -> tuple[int, int]:
        """Return how well `request` would serve at `revision`; the less, the better.

        First come those that bring a key nearer to its next pin, the most urgent first; then those
        that change no distance; then those that make matters worse, or do nothing.
        """
        mark = self._store.mark()
        self._store.apply(request, revision)
        gain, urgent, doomed = 0, IMPOSSIBLE, False
        for key, before in self._store.changed_since(mark).items():
            facts = self._facts.keys[key]
            left, _ = facts.distance(self._store.keys.get(key), revision)
            needed, due = facts.distance(before, revision)
            doomed = doomed or left == IMPOSSIBLE
            gain += needed - left
            if needed > left:
                urgent = min(urgent, due)
        effective = self._store.mark() > mark
        self._store.undo_to(mark)
        if doomed or not effective:
            return 3, 0
        if gain > 0:
            return 0, urgent
        return (1, 0) if gain == 0 else (2, -gain)
