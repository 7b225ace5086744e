"""The search for an order of the operations of any model, depth first.

Configurations, settling, chains and dominance are those of `sweep`, and so are their arguments.
What differs is the order in which configurations are looked at. The sweep keeps all that are
possible after each return; this search follows one as far as it gets, and comes back for the others
only where that one dies. Most histories have an order, and most have many, so the first attempt
often succeeds; and where many outcomes are unknown, the sweep drowns in ways to use them, of which
this search needs one. (`register_search` is the same for registers, with tables made for them.)

**Memory.** After each return, the search remembers the configurations it was in. One that is
dominated by another remembered there need not be followed: whatever it can do, the other can, and
that has failed already, or will be looked at yet, for it waits on the stack. So each return has an
antichain of configurations that lead nowhere (as in Lowe 2017, with dominance in place of
equality), and the search is complete: when the stack is empty, there is no order.

**Going back.** The moves know what is open now, so the search walks to and fro in time with them:
to undo a call is to forget the operation, to undo a return is to call it again, by the same bit.
"""

from collections.abc import Hashable, Sequence
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Configuration, Moves, Outcome
from checkers.verdict import Answer

METHOD: Final = "depth first"

StateT = TypeVar("StateT", bound=Hashable)

_Rival: TypeAlias = tuple[int, int, int]
"""(done, optional, used) of a configuration met; its state is known from where it is kept."""

_Event: TypeAlias = tuple[int, int, int, bool]
"""(moment, place, bit, whether it is a return); the bit of a call of unknown outcome is 0."""


class ReversibleMoves(Moves[StateT], Protocol[StateT]):
    """Moves that can go back in time: `begin` undoes `finish`, and the other way round."""

    def uncrash(self, place: int) -> None:
        """Undo the last `crash`, which was of the operation at `place`."""


class _Chains(Generic[StateT]):
    """The search for chains from one configuration to the return at one event, as far as it got."""

    __slots__ = ("at", "event", "found", "landed", "met")

    def __init__(self, event: int, start: Configuration[StateT]) -> None:
        self.event: Final = event
        self.found: Final = [start]
        """Configurations on chains, in the order in which they were found."""
        self.met: Final[dict[StateT, list[_Rival]]] = {start[0]: [start[1:]]}
        """The same by state."""
        self.at = 0
        """How many of them have been extended."""
        self.landed = False
        """Whether it was tried if the next of them arrives."""


class DepthFirst(Generic[StateT]):
    """One search. A step is a configuration looked at.

    `remembered_max` bounds the configurations held at any moment, and what the moves remember.
    """

    def __init__(
        self,
        moves: ReversibleMoves[StateT],
        intervals: Sequence[Interval[object]],
        *,
        steps_max: int,
        remembered_max: int,
    ) -> None:
        self._moves: Final = moves
        self._events: Final = _events(intervals, moves.active)
        self._steps_max: Final = steps_max
        self._remembered_max: Final = remembered_max
        self._pause_at = steps_max
        self._steps = 0
        self._now = 0
        """The events before this one have happened to `_moves`."""
        self._deepest = 0
        self._stack: Final[list[_Chains[StateT]]] = []
        self._met_after: Final[dict[tuple[int, StateT], list[_Rival]]] = {}
        """By event and state: the configurations met after the event."""
        self._remembered_count = 0

    def run(self, pause_at: int) -> Outcome:
        """Return whether there is an order; `UNKNOWN` if that takes too many steps, or too much.

        After `pause_at` steps in all, less than `steps_max`, it may be called again, and goes on.
        """
        self._pause_at = min(pause_at, self._steps_max)
        stack = self._stack
        start = (self._moves.start, 0, 0, 0)
        chains = stack.pop() if stack else self._follow(0, start)
        while chains is not None:
            self._deepest = max(self._deepest, chains.event)
            arrived = self._next(chains)
            if chains.at < len(chains.found):
                stack.append(chains)
            else:
                self._remembered_count -= len(chains.found)
            if self._is_spent():
                return self._ended(Answer.UNKNOWN)
            if arrived is not None:
                chains = self._follow(chains.event + 1, arrived)
            elif not stack:
                return self._ended(Answer.INVALID)
            elif self._steps >= self._pause_at:
                return self._ended(Answer.UNKNOWN)
            else:
                chains = stack.pop()
        return Outcome(answer=Answer.VALID, steps=self._steps, method=METHOD)

    def _is_spent(self) -> bool:
        return self._steps >= self._steps_max or self._is_out_of_memory()

    def _is_out_of_memory(self) -> bool:
        return self._remembered_count + self._moves.remembered > self._remembered_max

    def _ended(self, answer: Answer) -> Outcome:
        _, place, _, _ = self._events[self._deepest]
        return Outcome(
            answer=answer,
            steps=self._steps,
            place=place,
            method=METHOD,
            is_out_of_memory=answer is Answer.UNKNOWN and self._is_out_of_memory(),
        )

    # ------------------------------------------------------------ along the returns

    def _follow(self, first: int, configuration: Configuration[StateT]) -> _Chains[StateT] | None:
        """Go on from event `first` until a return takes a chain; return the search for it.

        It has nothing to find if this way was taken before, or if all steps are spent. None if
        there are no more returns.
        """
        moves, events = self._moves, self._events
        for event in range(first, len(events)):
            moment, place, bit, is_return = events[event]
            if not is_return:
                continue
            self._seek(event)
            ((state, done, optional, used),) = moves.settle((configuration,), moment)
            self._steps += 1
            if done & bit:
                done ^= bit
            elif optional & bit:
                if moves.noticeable(place, moment):  # it hid, but may also be used: later
                    self._push(event, (state, done, optional, used))
                optional ^= bit
            else:
                self._remembered_count += 1
                return _Chains(event, (state, done, optional, used))
            configuration = (state, done, optional, used)
            if self._is_spent() or self._met(event, configuration):
                nothing = _Chains(event, configuration)
                nothing.at = 1
                self._remembered_count += 1
                return nothing
        return None

    def _push(self, event: int, configuration: Configuration[StateT]) -> None:
        self._stack.append(_Chains(event, configuration))
        self._remembered_count += 1

    def _seek(self, event: int) -> None:
        """Let everything before `event` have happened to the moves, and nothing else."""
        moves, events = self._moves, self._events
        while self._now < event:
            _, place, bit, is_return = events[self._now]
            self._now += 1
            if is_return:
                moves.finish(place, bit)
            elif bit:
                moves.begin(place, bit)
            else:
                moves.crash(place)
        while self._now > event:
            self._now -= 1
            _, place, bit, is_return = events[self._now]
            if is_return:
                moves.begin(place, bit)
            elif bit:
                moves.finish(place, bit)
            else:
                moves.uncrash(place)

    def _met(self, event: int, configuration: Configuration[StateT]) -> bool:
        """Return whether what dominates this configuration was met after `event`; note it."""
        state, done, optional, used = configuration
        rivals = self._met_after.get((event, state))
        if rivals is None:
            self._met_after[event, state] = [(done, optional, used)]
        elif self._is_dominated((done, optional, used), rivals):
            return True
        else:
            rivals.append((done, optional, used))
        self._remembered_count += 1
        return False

    def _is_dominated(self, rival: _Rival, others: Sequence[_Rival]) -> bool:
        """Return whether one of `others`, of the same state, dominates `rival` (see `sweep`)."""
        done, optional, used = rival
        pures, movers, guard = self._moves.pure, self._moves.movers, self._moves.guard
        guarded = used | guard
        for its_done, its_optional, its_used in others:
            if (
                not (
                    done & ~its_done & pures
                    or (done ^ its_done) & movers & ~its_optional
                    or optional & ~its_optional
                )
                and (guarded - its_used) & guard == guard
            ):
                return True
        return False

    # ------------------------------------------------------------ chains

    def _next(self, chains: _Chains[StateT]) -> Configuration[StateT] | None:
        """Return the next configuration after the return that chains lead to; None: no more now."""
        if chains.at == len(chains.found):
            return None
        moves, found = self._moves, chains.found
        moment, place, bit, _ = self._events[chains.event]
        self._seek(chains.event)
        moves.settle((), moment)
        moves.aim(place, bit)
        is_pure = bool(bit & moves.pure)
        while chains.at < len(found):
            configuration = found[chains.at]
            if not chains.landed:
                chains.landed = True
                arrived = moves.land(configuration)
                if arrived is not None and not self._met(chains.event, arrived):
                    return arrived
            chains.at += 1
            chains.landed = False
            # What was legal on the way needs no longer chain: that can wait for the next return.
            if not (is_pure and configuration[1] & bit):
                self._extend(chains, configuration)
                if self._steps >= self._pause_at or self._is_spent():
                    return None
        return None

    def _extend(self, chains: _Chains[StateT], configuration: Configuration[StateT]) -> None:
        """Add what one more effect leads to from `configuration`."""
        found, met = chains.found, chains.met
        for successor in self._moves.successors(configuration):
            self._steps += 1
            state, done, optional, used = successor
            rivals = met.get(state)
            if rivals is None:
                met[state] = [(done, optional, used)]
            elif self._is_dominated((done, optional, used), rivals):
                continue
            else:
                rivals.append((done, optional, used))
            found.append(successor)
            self._remembered_count += 1


def _events(intervals: Sequence[Interval[object]], active: Sequence[int]) -> list[_Event]:
    """Return calls and returns in order, each operation that returns with a bit of its own."""
    moments = []
    for place in active:
        _, call, ret, _ = intervals[place]
        moments.append((call, place, False))
        if ret is not None:
            moments.append((ret, place, True))
    moments.sort()
    events: list[_Event] = []
    bits: dict[int, int] = {}
    free: list[int] = []
    for moment, place, is_return in moments:
        if is_return:
            bit = bits.pop(place)
            free.append(bit)
        elif intervals[place].ret is None:
            bit = 0
        else:
            bits[place] = bit = free.pop() if free else 1 << len(bits)
        events.append((moment, place, bit, is_return))
    return events
