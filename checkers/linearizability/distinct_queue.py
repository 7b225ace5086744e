"""Queues in which every value is enqueued once: decided in O(n log n).

If no value is enqueued twice, it is known for each dequeue which enqueue it answers, and a history
can be wrong in four ways only, each shown by few operations (Henzinger, Sezgin & Vafeiadis 2013,
"Aspect-oriented linearizability proofs": VFresh, VRepet, VOrd, VWit):

1. a value is dequeued that nobody enqueued, or before its enqueue was called;
2. a value is dequeued twice;
3. a was enqueued before b, but b is dequeued before a is, or a never is (not of unordered queues);
4. a dequeue finds the queue empty, but at each moment of its time some value is surely there: its
   enqueue has returned and its dequeue has not been called.

**Why these are all.** Let `a` come before `b` if a's enqueue returned before b's was called, or a's
dequeue before b's. Both relations are interval orders, so a circle of several of their steps has
one of two steps in it, which is 3. Without one there is an order of values v1, v2, ... Give the
enqueue of each the moment of the latest call among the enqueues up to it, and its dequeue the
latest among that and the calls of the dequeues up to it: by the choice of the order, and by 1, no
moment is later than the operation's return. An empty queue at moment p asks that each value be
enqueued and dequeued before p or not at all. Which values must come before p (one of their
operations has returned) and which after (one has not been called) is consistent by 4, and whatever
comes before the former, or after the latter, is among them. So p cuts the order in two.

**Unknown outcomes.** An enqueue of unknown outcome took effect exactly if its value was dequeued;
then it never returned. A dequeue that may not have happened counts as one that never returned: in
the order above, never is a moment as good as any. One of which nobody knows what it took may have
taken any value that no other did, at any moment after its call, or nothing. Which values must be
taken so is known, for a value that was enqueued later has been dequeued, and so is by when: before
that dequeue returned. So as many must have been called by each of these moments (3). If a queue was
found empty as well, what was taken when matters for both: then this method may give up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Sequence
from typing import Final, TypeAlias

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.models.queue import Dequeue, DequeueUnknown, Enqueue, FoundEmpty
from checkers.verdict import Answer

METHOD: Final = "distinct values"

_FOR_EVER: Final = 1 << 62
_NOBODY: Final = -1

_Blame: TypeAlias = tuple[int, ...]
"""Places of operations that cannot go together; none at all, if there is no conflict."""


class _Life:
    """One value, from enqueue to dequeue."""

    __slots__ = ("dequeue", "dequeue_call", "dequeue_ret", "enqueue", "enqueue_call", "enqueue_ret")

    def __init__(self, place: int, call: int, ret: int) -> None:
        self.enqueue: Final = place
        """The place of the enqueue; `_NOBODY` if the value was there from the start."""
        self.enqueue_call: Final = call
        self.enqueue_ret: Final = ret
        self.dequeue = _NOBODY
        self.dequeue_call = _FOR_EVER
        self.dequeue_ret = _FOR_EVER

    @property
    def is_taken(self) -> bool:
        """Whether it is known to have been dequeued."""
        return self.dequeue_ret != _FOR_EVER

    @property
    def places(self) -> _Blame:
        """Its operations."""
        return tuple(place for place in (self.enqueue, self.dequeue) if place != _NOBODY)


def judge(
    intervals: Sequence[Interval[object]], initial: Sequence[Hashable], *, in_order: bool
) -> Outcome | None:
    """Return the answer for `intervals`, of a queue that holds `initial` first; None: cannot tell.

    If `in_order`, it is first in, first out. `INVALID` comes with suspects: a few operations that
    cannot go together.
    """
    queue = _DistinctQueue(initial)
    if not queue.take_enqueues(intervals):
        return None
    blame = queue.take_dequeues(intervals) or (queue.order_conflict() if in_order else ())
    if not blame:
        blame = queue.empty_conflict()
        if queue.is_open:
            return None
    return Outcome(
        answer=Answer.INVALID if blame else Answer.VALID,
        steps=len(intervals),
        suspects=tuple(sorted(set(blame))),
        method=METHOD,
    )


class _DistinctQueue:
    """The operations of one queue, by value."""

    __slots__ = ("_empties", "_lives", "_takers", "is_open")

    def __init__(self, initial: Sequence[Hashable]) -> None:
        self._lives: Final[dict[Hashable, _Life]] = {}
        self._takers: Final[list[int]] = []
        """The calls of dequeues of unknown outcome; rising."""
        self._empties: Final[list[tuple[int, int, int]]] = []
        """The (call, return, place) of dequeues that found the queue empty."""
        self.is_open = False
        """Whether the conflict found, or that none was, means nothing."""
        for place, value in enumerate(initial):
            moment = 2 * place - _FOR_EVER  # one after the other, before all else
            self._lives[value] = _Life(_NOBODY, moment, moment + 1)
        self.is_open = len(self._lives) < len(initial)

    def take_enqueues(self, intervals: Sequence[Interval[object]]) -> bool:
        """Take what was enqueued; return False if a value was so twice."""
        lives = self._lives
        for place, (operation, call, ret, _) in enumerate(intervals):
            if isinstance(operation, Enqueue):
                if operation.value in lives:
                    return False
                lives[operation.value] = _Life(place, call, _FOR_EVER if ret is None else ret)
        return not self.is_open

    def take_dequeues(self, intervals: Sequence[Interval[object]]) -> _Blame:
        """Take what was dequeued; return what is wrong by rules 1 and 2."""
        for place, (operation, call, ret, _) in enumerate(intervals):
            if isinstance(operation, Dequeue):
                life = self._lives.get(operation.value)
                if ret is None:  # it may not have happened
                    if life is not None and call < life.dequeue_call and not life.is_taken:
                        life.dequeue, life.dequeue_call = place, call
                elif life is None or life.is_taken or ret < life.enqueue_call:
                    return (place, *(life.places if life is not None else ()))
                else:
                    life.dequeue, life.dequeue_call, life.dequeue_ret = place, call, ret
            elif isinstance(operation, FoundEmpty) and ret is not None:
                self._empties.append((call, ret, place))
            elif isinstance(operation, DequeueUnknown):
                assert ret is None, "what has returned is known"
                self._takers.append(call)
        self._takers.sort()
        return ()

    def order_conflict(self) -> _Blame:
        """Return what is wrong by rule 3."""
        lives = list(self._lives.values())
        # By the call of the enqueue, the first return of a dequeue of that value or a later one.
        later = sorted(lives, key=lambda life: life.enqueue_call)
        first = later[:]
        for at in range(len(first) - 2, -1, -1):
            if first[at + 1].dequeue_ret < first[at].dequeue_ret:
                first[at] = first[at + 1]
        calls = [life.enqueue_call for life in later]
        wanted: list[tuple[_Life, _Life]] = []
        for life in lives:
            at = bisect_right(calls, life.enqueue_ret)
            if at < len(first) and first[at].dequeue_ret < life.dequeue_call:
                if life.is_taken:
                    return (*life.places, *first[at].places)
                wanted.append((life, first[at]))
        # What was not dequeued in time must be what dequeues of unknown outcome took.
        wanted.sort(key=lambda pair: pair[1].dequeue_ret)
        for count, (_, overtaker) in enumerate(wanted):
            if count == len(self._takers) or self._takers[count] > overtaker.dequeue_ret:
                pairs = wanted[: count + 1]
                return tuple(place for pair in pairs for life in pair for place in life.places)
        return ()

    def empty_conflict(self) -> _Blame:
        """Return what is wrong by rule 4; `is_open` if dequeues of unknown outcome blur it."""
        taken = [life for life in self._lives.values() if life.is_taken]
        conflict = self._covered(taken)
        if not conflict and len(taken) < len(self._lives):
            conflict = self._covered(self._lives.values())
            self.is_open = bool(conflict) and bool(self._takers)
        return conflict

    def _covered(self, lives: Iterable[_Life]) -> _Blame:
        """Return a dequeue that found nothing, though at each moment one of `lives` was there."""
        starts: list[int] = []
        ends: list[int] = []
        members: list[list[_Life]] = []  # of each stretch of time in which a value is always there
        present = [life for life in lives if life.enqueue_ret < life.dequeue_call]
        for life in sorted(present, key=lambda life: life.enqueue_ret) if self._empties else ():
            if not ends or life.enqueue_ret > ends[-1]:
                starts.append(life.enqueue_ret)
                ends.append(life.dequeue_call)
                members.append([life])
            else:
                ends[-1] = max(ends[-1], life.dequeue_call)
                members[-1].append(life)
        for call, ret, place in self._empties:
            at = bisect_left(starts, call) - 1
            if at >= 0 and ret < ends[at]:
                meet = [
                    life
                    for life in members[at]
                    if life.enqueue_ret < ret and life.dequeue_call > call
                ]
                return (place, *(each for life in meet for each in life.places))
        return ()
