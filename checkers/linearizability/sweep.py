"""The search for a linearization: one sweep over the returns, in real time.

**The question** (Herlihy & Wing 1990; Wing & Gong 1993): is there one order of the operations that
respects real time and in which each is legal? When an operation returns, it has taken effect. So we
sweep over the returns and keep, after each, every *configuration* the system could be in. If none
is left, no order exists. If one survives the last return, its past is an order: operations that
never returned may as well never have happened.

**A configuration** is the model's state; a status for each operation that is open (called, not yet
returned): *pending* (not in the order yet), *done* (in it) or *optional*; and how many operations
of unknown outcome have been used, by kind. An operation is *optional* if it may be counted as
pending or as done, whichever is needed later: it has hidden at some point of the order where it
leaves no trace, and it hides there or not, independently of all others. So of 2^n configurations
for n hidden operations, one is kept.

**Operations of unknown outcome** never return, so nothing ever forces them into the order. Alike
ones are interchangeable: once two such writes of 3 have been called, it does not matter which is
used. They are counted by kind, and all counts are packed into one int (`CrashedKind`).

**At a return** of operation i (`Sweep._return`):

1. *Settle* each configuration: what costs nothing is done at once. A pure operation that is legal
   now never gets a better moment, and it changes nothing; an operation without effect in this state
   becomes optional.
2. If i is done, the configuration lives on and i is forgotten. If i is optional, likewise, and
   unless i's effect could never be noticed any more, i may also be used yet, as if it were pending.
3. If i is pending, it needs a chain of effects that ends in i: `_expand` tries all chains, first in
   first out, so that short ones come first. Chains end in i because whatever would come after i can
   wait for its own return.

**The antichain.** Configuration A *dominates* B if A can do whatever B can: same state; every pure
operation done in B is done in A; every other has the same status in both or is optional in A; and A
has used no more operations of any unknown kind. Only configurations that no other dominates are
kept, over all links of all chains of one return and again afterwards.

**Beam and relaxation.** A sweep may keep only the most promising configurations (`beam`); one that
survives is still a witness, so `VALID` is sound, and so is `INVALID` if nothing was ever cut. A
sweep may also let the operations of unknown outcome be used again and again (`Moves` built so);
that only permits more, so its `INVALID` is sound. `search` tries these before the full sweep.

What a model's operations do is the business of a `Moves`; this module knows none.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from checkers.linearizability.interval import Interval
from checkers.verdict import Answer

StateT = TypeVar("StateT", bound=Hashable)

Configuration: TypeAlias = tuple[StateT, int, int, int]
"""(state, done, optional, used): two sets of open operations as bits, disjoint, and the counts."""

REMEMBERED_MAX: Final = 1_000_000
"""Configurations held at once, where nobody says otherwise: a few hundred megabytes."""


class CrashedKind:
    """Operations of one kind whose outcome is unknown: a field of the counts in `used`.

    Each field is one bit wider than its largest count. That highest bit, its guard, is zero in all
    counts; so for counts a and b, `(a | guard) - b` keeps the guard exactly if a >= b, and one
    subtraction compares all fields at once.
    """

    __slots__ = ("cost", "guard", "limit", "mask", "unit")

    def __init__(self, *, number: int, width: int, reusable: bool) -> None:
        self.unit: Final = 1 << (number * width)
        self.guard: Final = self.unit << (width - 1)
        self.mask: Final = self.guard - self.unit
        self.cost: Final = 0 if reusable else self.unit
        """What using one adds to `used`."""
        self.limit = 0
        """How many have been called so far, in place: free while `used & mask < limit`."""


class Moves(Protocol[StateT]):
    """What the open operations can do to a configuration. Changes as they open and close."""

    start: StateT
    """The state before the first operation."""
    active: Sequence[int]
    """The places of the intervals that need to be looked at; the others prove nothing."""
    pure: int
    """The bits of the open operations that never change the state."""
    movers: int
    """The bits of all other open operations."""
    guard: int
    """The guards of all `CrashedKind`s."""

    @property
    def remembered(self) -> int:
        """What it remembers for speed, in configurations: as many as would take the same memory."""

    def crash(self, place: int) -> None:
        """Call the operation at `place`, whose outcome is unknown."""

    def begin(self, place: int, bit: int) -> None:
        """Call the operation at `place`; until `finish` it is known by `bit`."""

    def finish(self, place: int, bit: int) -> None:
        """Forget the operation at `place`, which has returned; no configuration mentions it."""

    def settle(
        self, configurations: Sequence[Configuration[StateT]], moment: int
    ) -> list[Configuration[StateT]]:
        """Return `configurations` with all done that costs nothing, seen from `moment`."""

    def noticeable(self, place: int, moment: int) -> bool:
        """Return whether anyone, from `moment` on, can notice the effect of the one at `place`."""

    def aim(self, place: int, bit: int) -> None:
        """Make the operation at `place` the end of the chains to come."""

    def land(self, configuration: Configuration[StateT]) -> Configuration[StateT] | None:
        """Return `configuration` with what was aimed at done and its bit cleared; None if illegal.

        A pure operation is legal exactly if it is done already: configurations are settled.
        """

    def successors(self, configuration: Configuration[StateT]) -> list[Configuration[StateT]]:
        """Return the settled configurations one effect further that may matter to a chain."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    answer: Answer
    steps: int
    """Configurations looked at."""
    place: int | None = None
    """The interval at whose return it ended: died, if `INVALID`; gave up, if `UNKNOWN`.

    None if it got to the end, or if the method does not go by time.
    """
    suspects: tuple[int, ...] = ()
    """Intervals that the method itself blames, by place; may be empty."""
    method: str = "sweep"
    is_out_of_memory: bool = False
    """Whether it gave up because it may not hold more; only if `UNKNOWN`."""


class Sweep(Generic[StateT]):
    """One sweep over the returns of `intervals`; `run` it once."""

    def __init__(
        self,
        moves: Moves[StateT],
        intervals: Sequence[Interval[object]],
        *,
        steps_max: int,
        beam: int | None = None,
        chains_max: int | None = None,
        remembered_max: int = REMEMBERED_MAX,
    ) -> None:
        """Of `chains_max` configurations at one return, and of `remembered_max`, the rest is cut.

        The latter counts what the moves remember, too.
        """
        self._chains_max: Final = chains_max or remembered_max
        self._remembered_max: Final = remembered_max
        self._moves: Final = moves
        self._count: Final = len(intervals)
        self._intervals: Final = intervals
        self._events: Final = _events(intervals, moves.active)
        self._steps_max: Final = steps_max
        self._beam: Final = beam
        self._steps = 0
        self._was_cut = self._is_out_of_memory = False

    def run(self) -> Outcome:
        """Return whether a configuration survives; `INVALID` only if none was ever cut."""
        moves, count, intervals = self._moves, self._count, self._intervals
        configurations: list[Configuration[StateT]] = [(moves.start, 0, 0, 0)]
        bits: dict[int, int] = {}
        free: list[int] = []
        for moment, event in self._events:
            if event >= count:
                place = event - count
                bit = bits.pop(place)
                configurations = self._return(configurations, place, bit, moment)
                free.append(bit)
                if not configurations or self._steps > self._steps_max:
                    return self._ended(place)
            elif intervals[event][2] is None:
                moves.crash(event)
            else:
                bits[event] = bit = free.pop() if free else 1 << len(bits)
                moves.begin(event, bit)
        return Outcome(answer=Answer.VALID, steps=self._steps)

    def _ended(self, place: int) -> Outcome:
        unsure = self._was_cut or self._steps > self._steps_max
        answer = Answer.UNKNOWN if unsure else Answer.INVALID
        return Outcome(
            answer=answer,
            steps=self._steps,
            place=place,
            is_out_of_memory=self._is_out_of_memory and unsure,
        )

    def _return(
        self, configurations: list[Configuration[StateT]], place: int, bit: int, moment: int
    ) -> list[Configuration[StateT]]:
        """Return the configurations after the operation at `place` has returned."""
        moves = self._moves
        survivors: dict[StateT, list[Configuration[StateT]]] = {}
        chains = []
        settled = moves.settle(configurations, moment)
        self._steps += len(settled)
        for configuration in settled:
            state, done, optional, used = configuration
            if done & bit:
                survivors.setdefault(state, []).append((state, done ^ bit, optional, used))
                continue
            if optional & bit:
                survivors.setdefault(state, []).append((state, done, optional ^ bit, used))
                if not moves.noticeable(place, moment):
                    continue
            chains.append(configuration)
        if chains:
            moves.aim(place, bit)
            self._expand(chains, survivors, pure=bool(bit & moves.pure))
        moves.finish(place, bit)
        return self._kept(survivors)

    def _expand(  # noqa: C901, PLR0912 - see the docstring
        self,
        chains: list[Configuration[StateT]],
        survivors: dict[StateT, list[Configuration[StateT]]],
        *,
        pure: bool,
    ) -> None:
        """Add to `survivors` what chains from `chains` arrive at; `chains` grows as they do.

        The hot loop: dominance is spelt out here because a call for each candidate costs a third
        of the whole search.
        """
        moves = self._moves
        pures, movers, guard = moves.pure, moves.movers, moves.guard
        land, successors = moves.land, moves.successors
        chains_max, remembered_max = self._chains_max, self._remembered_max
        steps, landed_max = self._steps, 4 * self._beam if self._beam else self._steps_max
        seen: dict[StateT, list[Configuration[StateT]]] = {}
        for configuration in chains:
            seen.setdefault(configuration[0], []).append(configuration)
        landed_count = 0
        for configuration in chains:
            landed = land(configuration)
            if landed is not None:
                survivors.setdefault(landed[0], []).append(landed)
                landed_count += 1
                if pure:
                    continue  # it was legal on the way: longer chains can wait
            if len(chains) + moves.remembered > remembered_max:
                self._was_cut = self._is_out_of_memory = True
                break
            if landed_count >= landed_max or steps > self._steps_max or len(chains) > chains_max:
                self._was_cut = True
                break
            for successor in successors(configuration):
                steps += 1
                state, done, optional, used = successor
                rivals = seen.get(state)
                if rivals is None:
                    seen[state] = [successor]
                    chains.append(successor)
                    continue
                guarded = used | guard
                for _, its_done, its_optional, its_used in rivals:
                    if (
                        not (
                            done & ~its_done & pures
                            or (done ^ its_done) & movers & ~its_optional
                            or optional & ~its_optional
                        )
                        and (guarded - its_used) & guard == guard
                    ):
                        break
                else:
                    rivals.append(successor)
                    chains.append(successor)
        self._steps = steps

    def _kept(
        self, survivors: dict[StateT, list[Configuration[StateT]]]
    ) -> list[Configuration[StateT]]:
        """Return the survivors that no other dominates; the best of them, if there is a beam."""
        moves = self._moves
        kept: list[Configuration[StateT]] = []
        for rivals in survivors.values():
            if len(rivals) > 1:
                kept += antichain(rivals, pure=moves.pure, movers=moves.movers, guard=moves.guard)
            else:
                kept += rivals
        if self._beam and len(kept) > self._beam:
            self._was_cut = True
            kept.sort(key=_promise)
            del kept[self._beam :]
        return kept


def antichain(
    rivals: Iterable[Configuration[StateT]], *, pure: int, movers: int, guard: int
) -> list[Configuration[StateT]]:
    """Return those of `rivals`, all of one state, that no other dominates."""
    kept: list[Configuration[StateT]] = []
    for rival in sorted(dict.fromkeys(rivals), key=_rank):
        _, done, optional, used = rival
        guarded = used | guard
        for _, its_done, its_optional, its_used in kept:
            if (
                not (
                    done & ~its_done & pure
                    or (done ^ its_done) & movers & ~its_optional
                    or optional & ~its_optional
                )
                and (guarded - its_used) & guard == guard
            ):
                break
        else:
            kept.append(rival)
    return kept


def _rank(configuration: Configuration[StateT]) -> tuple[int, int]:
    """Sort what dominates before what it dominates: fewer used, then more done and optional."""
    _, done, optional, used = configuration
    return used, -done.bit_count() - 2 * optional.bit_count()


def _promise(configuration: Configuration[StateT]) -> tuple[int, int]:
    """Sort what is likely to survive first."""
    _, done, optional, used = configuration
    return used.bit_count(), -done.bit_count() - optional.bit_count()


def _events(intervals: Sequence[Interval[object]], active: Sequence[int]) -> list[tuple[int, int]]:
    """Return (moment, place) of calls and (moment, count + place) of returns, in order."""
    count = len(intervals)
    events = []
    for place in active:
        _, call, ret, _ = intervals[place]
        events.append((call, place))
        if ret is not None:
            events.append((ret, count + place))
    events.sort()
    return events
