"""Who chose what while gaps are being filled, and who is to blame when it goes wrong.

A *level* is a gap, counted from 0 in the order of revisions; sets of levels and of candidates are
bit masks. See `search` for what they are used for.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.linearizability.revisions.conflict import Explanation, Need
from checkers.linearizability.revisions.facts import Facts
from checkers.linearizability.revisions.gaps import Candidate, Gap
from checkers.models.etcd_api import Delete, Put, Revoke, Txn

_NOBODY: Final = -1


class Blame(msgspec.Struct, frozen=True):
    """The culprits of a contradiction: it stands whatever the other levels choose.

    A `firm` culprit must choose anew, no matter what. An `optional` one did nothing wrong but could
    help, and only by choosing one of `helpful`: with any other choice the contradiction stands.
    """

    firm: int = 0
    """Levels."""
    optional: int = 0
    """Levels."""
    helpful: int = 0
    """Candidates."""

    @property
    def levels(self) -> int:
        """All culprits."""
        return self.firm | self.optional

    def merged(self, other: "Blame") -> "Blame":
        """Return the culprits of both contradictions together."""
        return Blame(
            self.firm | other.firm, self.optional | other.optional, self.helpful | other.helpful
        )

    def without(self, at: int) -> "Blame":
        """Return the other culprits than level `at`."""
        others = ~(1 << at)
        return Blame(self.firm & others, self.optional & others, self.helpful)


class Choices:
    """What each level has chosen so far."""

    def __init__(self, gaps: Sequence[Gap], candidates: Sequence[Candidate], facts: Facts) -> None:
        """No level has chosen anything."""
        self._gaps: Final = gaps
        self._revisions: Final = [gap.revision for gap in gaps]
        self._candidates: Final = candidates
        self._facts: Final = facts
        self._chosen: Final = [_NOBODY] * len(gaps)
        self._members: Final = [0] * len(gaps)
        """Which of its candidate's calls each level spent."""
        self._spent: Final = [0] * len(candidates)
        """For each candidate, how many of its calls are spent."""
        self._reserved: Final = [0] * len(candidates)
        """For each candidate, how many levels have no other and have not chosen it yet."""
        self._putting: Final[dict[str, list[int]]] = {}
        """For each key, the candidates that may put it."""
        self._deleting: Final[dict[str, list[int]]] = {}
        """For each key, the candidates that may delete it."""
        self._revocable: Final[set[str]] = set()
        """The keys that may go with a lease; never iterated."""
        self._options: Final = [0] * len(candidates)
        """For each candidate, the open levels that may choose it."""
        self._holders: Final = [0] * len(candidates)
        """For each candidate, the open levels that chose it."""
        self._touched: Final[dict[str, int]] = {}
        """For each key, the open levels whose choice touches it."""
        self._txns = 0
        """The open levels that chose a txn."""
        self.steps = 0
        """How often a key was traced to its culprits."""
        self._index_candidates()
        self._index_levels()

    def level_count(self, revision: int) -> int:
        """Return how many levels there are up to `revision`."""
        return bisect_right(self._revisions, revision)

    def take(self, at: int, index: int) -> bool:
        """Let level `at` choose a candidate; return False if it has no call left for this level.

        Then `held_by` tells who has them.
        """
        assert self._chosen[at] == _NOBODY, "a level chooses once, unless released"
        forced = self._is_forced(at)
        spent, calls = self._spent[index], self._candidates[index].calls
        available = len(calls) - (0 if forced else self._reserved[index])
        if spent >= available or calls[spent] >= self._gaps[at].deadline:
            return False
        self._chosen[at], self._members[at] = index, spent
        self._spent[index] += 1
        self._reserved[index] -= forced
        self._flip(at, index)
        return True

    def release(self, at: int) -> None:
        """Take back what level `at` chose, if anything."""
        index = self._chosen[at]
        if index != _NOBODY:
            self._chosen[at] = _NOBODY
            self._spent[index] -= 1
            self._reserved[index] += self._is_forced(at)
            self._flip(at, index)

    def held_by(self, index: int) -> Blame:
        """Return who is to blame that a candidate has no call left."""
        return Blame(firm=self._holders[index])

    def calls(self) -> dict[int, int]:
        """Return, for each gap, the call of the unknown write that fills it; all have chosen."""
        return {
            gap.revision: self._candidates[index].calls[member]
            for gap, index, member in zip(self._gaps, self._chosen, self._members, strict=True)
        }

    def blame(self, explanation: Explanation, level_count: int, slot: int) -> Blame:
        """Return those of the first `level_count` levels that keep `explanation` standing.

        Only pins before `slot` are trusted. Where a choice that could help is all spent, not those
        are to blame who would have it, but those who have it. Where a txn touched a key, whoever
        decides the state of the keys that this txn compares is to blame as well.
        """
        blame = Blame()
        for key in explanation.keys:
            blame = blame.merged(self._since_pin(key, explanation.need, level_count, slot))
        txns = blame.firm & self._txns
        while txns:
            at = txns.bit_length() - 1
            txns ^= 1 << at
            for key in self._candidates[self._chosen[at]].compares:
                earlier = self._since_pin(key, Need.OTHER, at, self._revisions[at])
                txns |= earlier.firm & ~blame.firm & self._txns & ((1 << at) - 1)
                blame = blame.merged(earlier)
        return blame

    def _since_pin(self, key: str, need: Need, level_count: int, slot: int) -> Blame:
        """Return the culprits for the state of `key` after the first `level_count` levels."""
        self.steps += 1
        facts = self._facts.keys.get(key)
        if facts is None:
            return Blame()
        first = self.level_count(facts.pin_before(slot))
        if first >= level_count:
            return Blame()
        segment = (1 << level_count) - (1 << first)
        firm = self._touched.get(key, 0) & segment
        optional, helpful = 0, 0
        for index in self._helping(key, need):
            options = self._options[index] & segment & ~firm
            if options:
                helpful |= 1 << index
                if self._is_spent(index):
                    firm |= self._holders[index]
                else:
                    optional |= options
        return Blame(firm, optional, helpful)

    def _helping(self, key: str, need: Need) -> list[int]:
        """Return the candidates that might change the state of `key` as needed.

        Where a lease may take the key, any write of it may help: it may put it on another lease.
        """
        match Need.OTHER if key in self._revocable else need:
            case Need.PRESENT:
                return self._putting.get(key, [])
            case Need.ABSENT:
                return self._deleting.get(key, [])
            case Need.OTHER:
                return self._putting.get(key, []) + self._deleting.get(key, [])

    def _is_spent(self, index: int) -> bool:
        """Return whether every call of a candidate is chosen, or kept for gaps without another."""
        kept = self._spent[index] + self._reserved[index]
        return kept >= len(self._candidates[index].calls)

    def _is_forced(self, at: int) -> bool:
        return len(self._gaps[at].candidates) == 1

    def _is_open(self, at: int) -> bool:
        """Return whether what a level does to a key may differ between solutions.

        A gap with one candidate does the same in all of them, unless what that does depends on
        what was before.
        """
        only = self._candidates[self._gaps[at].candidates[0]]
        return (
            not self._is_forced(at)
            or isinstance(only.request, Txn | Revoke)
            or (isinstance(only.request, Put) and only.request.keeps)
        )

    def _flip(self, at: int, index: int) -> None:
        """Note that level `at` chose a candidate, or no longer."""
        if not self._is_open(at):
            return
        self._holders[index] ^= 1 << at
        for key in self._candidates[index].touches:
            self._touched[key] = self._touched.get(key, 0) ^ (1 << at)
        if isinstance(self._candidates[index].request, Txn):
            self._txns ^= 1 << at

    def _index_candidates(self) -> None:
        for index, candidate in enumerate(self._candidates):
            for key in candidate.touches:
                if isinstance(candidate.request, Revoke):
                    self._revocable.add(key)
                if not isinstance(candidate.request, Delete | Revoke):
                    self._putting.setdefault(key, []).append(index)
                if not isinstance(candidate.request, Put):
                    self._deleting.setdefault(key, []).append(index)

    def _index_levels(self) -> None:
        for at, gap in enumerate(self._gaps):
            if self._is_forced(at):
                self._reserved[gap.candidates[0]] += 1
            if self._is_open(at):
                for index in gap.candidates:
                    self._options[index] |= 1 << at
