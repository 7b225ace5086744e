"""Fill the gaps with unknown writes so that every answer comes out right, or prove it impossible.

Depth-first over the gaps, in the order of revisions, replaying what is known in between: each gap
is a *level*, its candidates are tried in the order of how well they serve the next pin of the keys
they touch. On a contradiction, the search jumps back over all levels that have nothing to do with
it (conflict-directed backjumping, Prosser 1993).

What makes that sound is the notion of *culprits*: a set of levels such that, as long as they keep
their choices, the contradiction stands whatever the others choose. Sets of levels are bit masks.
The state of a key at a revision follows from its last pin, which every solution shares, and from
the levels since then that may touch it; and if one of those chose a txn, from the keys on which
that txn depends, in the same way. When a level has no choice left, its culprits are those of *all*
the failures of all its choices, accumulated: keeping only the latest ones is the classical mistake,
and convicts valid histories.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from checkers.linearizability.revisions.conflict import Explanation, Mismatch, Need
from checkers.linearizability.revisions.facts import IMPOSSIBLE, Facts
from checkers.linearizability.revisions.gaps import Candidate, Gap
from checkers.linearizability.revisions.operations import Known
from checkers.linearizability.revisions.replay import Store
from checkers.models.etcd_api import Delete, Put, Txn

_NOBODY: Final = -1


class Timeline(msgspec.Struct, frozen=True):
    """What is known, by revision."""

    writes: Mapping[int, Known]
    slots: Mapping[int, Sequence[Known]]
    """What saw the content of a revision, and wrote nothing."""


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
    position: int
    """Where its revision is in the order of replay."""
    ranked: Sequence[int] = ()
    tried: int = 0
    """How many of `ranked` were tried, the chosen one included."""
    chosen: int = _NOBODY
    member: int = 0
    """Which of the chosen candidate's calls was spent."""
    mark: int = 0
    """The store before this gap."""
    culprits: int = 0
    """The levels to blame for the failures of all choices tried so far."""


class _Failure(msgspec.Struct, frozen=True):
    """A contradiction, and the levels to blame for it."""

    mismatch: Mismatch | None
    culprits: int


_NO_FAILURE: Final = _Failure(None, 0)


class Search:
    """One search; `run` it once.

    A step is one revision replayed, or one candidate tried.
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
        self._gap_revisions: Final = [gap.revision for gap in gaps]
        self._revisions: Final = sorted({*timeline.writes, *timeline.slots, *self._gap_revisions})
        self._levels: Final = [
            _Level(gap, bisect_left(self._revisions, gap.revision)) for gap in gaps
        ]
        self._putting: Final[dict[str, list[int]]] = {}
        """For each key, the candidates that may put it."""
        self._deleting: Final[dict[str, list[int]]] = {}
        """For each key, the candidates that may delete it."""
        self._options: Final = [0] * len(candidates)
        """For each candidate, the levels that may choose it and may also choose another."""
        self._holders: Final = [0] * len(candidates)
        """For each candidate, those of its options that chose it."""
        self._touched: Final[dict[str, int]] = {}
        """For each key, the levels that chose to touch it, and might have chosen otherwise."""
        self._spent: Final = [0] * len(candidates)
        """For each candidate, how many of its calls are spent."""
        self._reserved: Final = [0] * len(candidates)
        """For each candidate, how many gaps have no other, and have not chosen it yet."""
        self._txns = 0
        """The levels that chose a txn."""
        self._steps = 0
        self._index_candidates()
        self._index_levels()

    def run(self, steps_max: int) -> Filled | Impossible | Exhausted:
        """Return how the gaps can be filled, that they cannot, or that `steps_max` was too few."""
        position, chosen = 0, False
        deepest, deepest_failure, lowest = -1, _NO_FAILURE, len(self._revisions)
        while position < len(self._revisions):
            self._steps += 1
            failure = self._advance(position, chosen=chosen)
            if failure is None:
                position, chosen = position + 1, False
                continue
            if position > deepest:
                deepest, deepest_failure = position, failure
            level = self._jump_back(failure.culprits)
            if level is None:
                return Impossible(
                    at=self._revisions[deepest],
                    mismatch=deepest_failure.mismatch,
                    depends_on_gaps=deepest_failure.culprits != 0,
                    steps=self._steps,
                )
            position, chosen = level.position, True
            lowest = min(lowest, position)
            if self._steps > steps_max:
                return Exhausted(self._open_gaps(lowest, deepest), self._steps)
        choices = {
            level.gap.revision: self._candidates[level.chosen].calls[level.member]
            for level in self._levels
        }
        return Filled(choices, self._steps)

    def _index_candidates(self) -> None:
        for index, candidate in enumerate(self._candidates):
            for key in candidate.touches:
                if not isinstance(candidate.request, Delete):
                    self._putting.setdefault(key, []).append(index)
                if not isinstance(candidate.request, Put):
                    self._deleting.setdefault(key, []).append(index)

    def _index_levels(self) -> None:
        for at, level in enumerate(self._levels):
            candidates = level.gap.candidates
            if len(candidates) == 1:
                self._reserved[candidates[0]] += 1
            if self._is_open(level):
                for index in candidates:
                    self._options[index] |= 1 << at

    def _is_open(self, level: _Level) -> bool:
        """Return whether what `level` does to a key may depend on other levels.

        A gap with one candidate that is no txn does the same in every solution.
        """
        candidates = level.gap.candidates
        return len(candidates) > 1 or isinstance(self._candidates[candidates[0]].request, Txn)

    def _advance(self, position: int, *, chosen: bool) -> _Failure | None:
        """Go from the revision before to this one; a gap's choice may be made already."""
        revision = self._revisions[position]
        write = self._timeline.writes.get(revision)
        if write is not None:
            mismatch = self._store.replay(write)
            if mismatch is not None:
                # Its own reads may be the last pins: take those before them.
                return self._failure(mismatch, self._level_count(revision - 1), revision - 1)
        elif not chosen:
            at = bisect_left(self._gap_revisions, revision)
            if at < len(self._levels) and self._gap_revisions[at] == revision:
                level = self._levels[at]
                self._open(level)
                if not self._choose_next(at, level):
                    return _Failure(None, level.culprits)
        for operation in self._timeline.slots.get(revision, ()):
            mismatch = self._store.replay(operation)
            if mismatch is not None:
                return self._failure(mismatch, self._level_count(revision), revision)
        return None

    def _level_count(self, revision: int) -> int:
        """Return how many gaps there are up to `revision`."""
        return bisect_right(self._gap_revisions, revision)

    def _failure(self, mismatch: Mismatch, level_count: int, slot: int) -> _Failure:
        """Blame whoever lets us jump back farthest."""
        culprits = min(
            self._culprits(explanation, level_count, slot) for explanation in mismatch.explanations
        )
        return _Failure(mismatch, culprits)

    def _culprits(self, explanation: Explanation, level_count: int, slot: int) -> int:
        """Return those of the first `level_count` levels that keep `explanation` standing.

        Only pins before `slot` are trusted.
        """
        culprits = 0
        for key in explanation.keys:
            culprits |= self._since_pin(key, explanation.need, level_count, slot)
        txns = culprits & self._txns
        while txns:
            at = txns.bit_length() - 1
            txns ^= 1 << at
            for key in self._candidates[self._levels[at].chosen].depends:
                earlier = self._since_pin(key, Need.OTHER, at, self._gap_revisions[at])
                txns |= earlier & ~culprits & self._txns & ((1 << at) - 1)
                culprits |= earlier
        return culprits

    def _since_pin(self, key: str, need: Need, level_count: int, slot: int) -> int:
        """Return the culprits for the state of `key` after the first `level_count` levels.

        Those since the last pin which touched the key, or might touch it instead of what they did,
        in a way that helps. Where that choice is all spent, not they are to blame, but its holders.
        """
        facts = self._facts.keys.get(key)
        if facts is None:
            return 0
        first = self._level_count(facts.pin_before(slot))
        segment = (1 << level_count) - (1 << first) if first < level_count else 0
        culprits = self._touched.get(key, 0) & segment
        helpful: list[int] = []
        if need is not Need.ABSENT:
            helpful += self._putting.get(key, ())
        if need is not Need.PRESENT:
            helpful += self._deleting.get(key, ())
        for index in helpful:
            options = self._options[index] & segment & ~culprits
            if options:
                culprits |= self._holders[index] if self._is_spent(index) else options
        return culprits

    def _is_spent(self, index: int) -> bool:
        """Return whether every call of a candidate is chosen, or kept for gaps without another."""
        kept = self._spent[index] + self._reserved[index]
        return kept >= len(self._candidates[index].calls)

    def _open(self, level: _Level) -> None:
        level.mark = self._store.mark()
        level.tried = 0
        level.culprits = 0
        candidates = level.gap.candidates
        level.ranked = candidates if len(candidates) == 1 else self._rank(level.gap)

    def _choose_next(self, at: int, level: _Level) -> bool:
        """Take the next candidate that the present state allows; return whether there was one."""
        while level.tried < len(level.ranked):
            index = level.ranked[level.tried]
            level.tried += 1
            self._steps += 1
            candidate = self._candidates[index]
            spent = self._spent[index]
            if len(level.ranked) == 1:
                self._reserved[index] -= 1
            if self._is_spent(index) or candidate.calls[spent] >= level.gap.deadline:
                level.culprits |= self._holders[index]
            else:
                self._store.apply(candidate.request, level.gap.revision)
                objection = self._objection(level, candidate)
                if objection is None:
                    self._take(at, level, index)
                    return True
                self._store.undo_to(level.mark)
                level.culprits |= self._culprits(objection, at, level.gap.revision)
            if len(level.ranked) == 1:
                self._reserved[index] += 1
        return False

    def _objection(self, level: _Level, candidate: Candidate) -> Explanation | None:
        """Return what rules out what `candidate` just did; None if it may stand."""
        before = self._store.changed_since(level.mark)
        if not before:
            need = Need.PRESENT if isinstance(candidate.request, Delete) else Need.OTHER
            return Explanation(candidate.depends, need)
        revision = level.gap.revision
        required = self._facts.required[revision]
        held = self._store.keys
        for key, value in required.items():
            kv = held.get(key)
            if kv is None or kv.mod_revision != revision or value not in {None, kv.value}:
                return Explanation(candidate.depends)
        for key in before:
            facts = self._facts.keys[key]
            if key not in required and facts.is_quiet(revision):
                return Explanation(candidate.depends)
            if facts.distance(held.get(key), revision)[0] == IMPOSSIBLE:
                return Explanation((*candidate.depends, key))
        return None

    def _take(self, at: int, level: _Level, index: int) -> None:
        level.chosen, level.member = index, self._spent[index]
        self._spent[index] += 1
        if self._is_open(level):
            self._flip(at, index)

    def _release(self, at: int) -> None:
        level = self._levels[at]
        index = level.chosen
        if index == _NOBODY:
            return
        level.chosen = _NOBODY
        self._spent[index] -= 1
        if len(level.ranked) == 1:
            self._reserved[index] += 1
        if self._is_open(level):
            self._flip(at, index)

    def _flip(self, at: int, index: int) -> None:
        """Note that level `at` chose a candidate, or no longer."""
        self._holders[index] ^= 1 << at
        for key in self._candidates[index].touches:
            self._touched[key] = self._touched.get(key, 0) ^ (1 << at)
        if isinstance(self._candidates[index].request, Txn):
            self._txns ^= 1 << at

    def _jump_back(self, culprits: int) -> _Level | None:
        """Make the latest of `culprits` that still can choose anew; None if none can."""
        top = len(self._levels) - 1
        while culprits:
            at = culprits.bit_length() - 1
            for later in range(top, at - 1, -1):
                self._release(later)
            top = at - 1
            level = self._levels[at]
            self._store.undo_to(level.mark)
            level.culprits |= culprits ^ (1 << at)
            if self._choose_next(at, level):
                return level
            culprits = level.culprits
        return None

    def _open_gaps(self, lowest: int, deepest: int) -> tuple[int, ...]:
        first, last = self._revisions[lowest], self._revisions[deepest]
        return tuple(
            level.gap.revision
            for level in self._levels
            if first <= level.gap.revision <= last and len(level.gap.candidates) > 1
        )

    def _rank(self, gap: Gap) -> Sequence[int]:
        """Return the candidates of `gap`, those first that serve the next pins best."""
        ranks: dict[str, tuple[int, int]] = {}
        ranked: list[tuple[tuple[int, int], int]] = []
        for index in gap.candidates:
            request = self._candidates[index].request
            if not isinstance(request, Put):
                ranked.append((self._merit(request, gap.revision), index))
                continue
            rank = ranks.get(request.key)
            if rank is None:
                rank = ranks[request.key] = self._merit(request, gap.revision)
            ranked.append((rank, index))
        ranked.sort()
        return [index for _, index in ranked]

    def _merit(self, request: Put | Delete | Txn, revision: int) -> tuple[int, int]:
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
