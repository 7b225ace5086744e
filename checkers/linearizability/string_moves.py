"""What operations on one string do: get, put, append (see `sweep` for the search).

**A state is the string, while someone may still see it**: while it is the beginning of what some
get answers that has not returned. Any other string is `DEAD`: a string of which nothing will be
read before the next put, whatever is appended to it. So in `DEAD` every pending put and append is
optional: it may take effect at once, and the string is still one that nobody sees.

**Settling.** A string that nobody will see any more becomes `DEAD`. A pending get of the very
string is done.

**A put makes every other pending put and append optional**: they hide just before.

**Only what leads to a visible string is tried** on the way, because whatever a dead string can
become, a visible one can: the next put treats both alike. Only what must take effect now, because
it returns, may kill the string.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, TypeAlias

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Configuration, CrashedKind
from checkers.models.kv import Append, Get, Put

DEAD: Final = None
"""A string that no get will see before the next put."""

_State: TypeAlias = str | None
_Configuration: TypeAlias = Configuration[_State]

_NEVER: Final = -1


class StringMoves:
    """The open operations on one string; a `Moves`. A state is a string, or `DEAD`.

    `intervals` are of a `Kv`. If `reusable`, an operation of unknown outcome may take effect any
    number of times.
    """

    __slots__ = (
        "_bit",
        "_crashed",
        "_getters_of",
        "_intervals",
        "_moment",
        "_mover_of",
        "_operation",
        "_reusable",
        "_visible",
        "_width",
        "active",
        "guard",
        "movers",
        "pure",
        "start",
    )

    def __init__(
        self, intervals: Sequence[Interval[object]], initial: str, *, reusable: bool = False
    ) -> None:
        self._intervals: Final = intervals
        self._reusable: Final = reusable
        self.active: Sequence[int] = [
            place
            for place, interval in enumerate(intervals)
            if interval.ret is not None or not isinstance(interval.operation, Get)
        ]
        self._visible: Final = _Visibility(intervals)
        self.start: _State = initial if self._visible.until(initial) != _NEVER else DEAD
        self._getters_of: Final[dict[str, int]] = {}
        self._mover_of: Final[dict[int, Put | Append]] = {}
        self.pure = 0
        self.movers = 0
        self._crashed: Final[dict[Put | Append, CrashedKind]] = {}
        self._width: Final = 1 + sum(interval.ret is None for interval in intervals).bit_length()
        self.guard = 0
        self._operation: object = None
        self._bit = self._moment = 0

    # ------------------------------------------------------------ operations come and go

    @property
    def remembered(self) -> int:
        """See `Moves`."""
        return self._visible.remembered

    def begin(self, place: int, bit: int) -> None:
        """Call the operation at `place`."""
        match self._intervals[place].operation:
            case Get(value):
                self._getters_of[value] = self._getters_of.get(value, 0) | bit
                self.pure |= bit
            case Put() | Append() as mover:
                self._mover_of[bit] = mover
                self.movers |= bit
            case operation:
                raise AssertionError(f"{operation!r} is not an operation of kv")

    def finish(self, place: int, bit: int) -> None:
        """Forget the operation at `place`."""
        match self._intervals[place].operation:
            case Get(value):
                self._getters_of[value] ^= bit
                if not self._getters_of[value]:
                    del self._getters_of[value]
                self.pure ^= bit
            case _:
                del self._mover_of[bit]
                self.movers ^= bit

    def crash(self, place: int) -> None:
        """Call the put or append at `place`, whose outcome is unknown."""
        mover = self._intervals[place].operation
        assert isinstance(mover, Put | Append), "an unknown get proves nothing and is not active"
        kind = self._crashed.get(mover)
        if kind is None:
            kind = self._crashed[mover] = CrashedKind(
                number=len(self._crashed), width=self._width, reusable=self._reusable
            )
            self.guard |= kind.guard
        kind.limit += kind.unit

    def uncrash(self, place: int) -> None:
        """Undo the `crash` of the operation at `place`."""
        mover = self._intervals[place].operation
        assert isinstance(mover, Put | Append), "no other was called"
        kind = self._crashed[mover]
        kind.limit -= kind.unit

    # ------------------------------------------------------------ at a return

    def settle(self, configurations: Sequence[_Configuration], moment: int) -> list[_Configuration]:
        """Return `configurations` with the gets of their strings done, and unseen strings dead."""
        self._moment = moment
        settled = []
        for state, done, optional, used in configurations:
            now, its_done, its_optional = self._settled_in(state, done, optional)
            settled.append((now, its_done, its_optional, used))
        return settled

    def _settled_in(self, state: _State, done: int, optional: int) -> tuple[_State, int, int]:
        if state is DEAD or self._visible.until(state) < self._moment:
            return DEAD, done, optional | (self.movers & ~done)
        return state, done | self._getters_of.get(state, 0), optional

    def noticeable(self, place: int, moment: int) -> bool:
        """Return whether a get can still see the effect of the operation at `place`."""
        operation = self._intervals[place].operation
        if isinstance(operation, Put):
            return self._visible.until(operation.value) >= moment
        return self._visible.last >= moment

    def aim(self, place: int, bit: int) -> None:
        """Make the operation at `place` the end of chains."""
        self._operation, self._bit = self._intervals[place].operation, bit

    def land(self, configuration: _Configuration) -> _Configuration | None:
        """Return `configuration` with what was aimed at done; None if illegal."""
        state, done, optional, used = configuration
        bit = self._bit
        match self._operation:
            case Put(value):
                optional |= self.movers & ~done
                state = value
            case Append(value):
                state = DEAD if state is DEAD else state + value
            case _:
                return (state, done ^ bit, optional, used) if done & bit else None
        state, done, optional = self._settled_in(state, done | bit, optional)
        return state, done ^ bit, optional & ~bit, used

    def successors(self, configuration: _Configuration) -> list[_Configuration]:
        """Return what one more put or append leads to, if it can be seen."""
        state, done, optional, used = configuration
        found: list[_Configuration] = []
        not_this = ~(done | self._bit)
        for bit, mover in self._mover_of.items():
            if bit & not_this:
                after = self._after(state, mover)
                if after is not DEAD:
                    hidden = optional | (self.movers if isinstance(mover, Put) else 0)
                    now = done | bit
                    gets = self._getters_of.get(after, 0)
                    found.append((after, now | gets, hidden & ~now, used))
        for mover, kind in self._crashed.items():
            if used & kind.mask < kind.limit:
                after = self._after(state, mover)
                if after is not DEAD:
                    hidden = optional | (self.movers if isinstance(mover, Put) else 0)
                    gets = self._getters_of.get(after, 0)
                    found.append((after, done | gets, hidden & ~done, used + kind.cost))
        return found

    def _after(self, state: _State, mover: Put | Append) -> _State:
        """Return the string after `mover`; `DEAD` if nobody will see it."""
        if isinstance(mover, Put):
            after = mover.value
        elif state is DEAD:
            return DEAD
        else:
            after = state + mover.value
        return after if self._visible.until(after) >= self._moment else DEAD


class _Visibility:
    """Until when a string may be seen: the last return of a get that answers it or an extension."""

    __slots__ = ("_known", "_peaks", "_values", "last", "remembered")

    def __init__(self, intervals: Sequence[Interval[object]]) -> None:
        returns: dict[str, int] = {}
        for interval in intervals:
            if isinstance(interval.operation, Get) and interval.ret is not None:
                value = interval.operation.value
                returns[value] = max(interval.ret, returns.get(value, _NEVER))
        self.last: Final = max(returns.values(), default=_NEVER)
        # Extensions of a string are neighbours in sorted order; level k holds, for each place,
        # the latest return among 2^k values from there on.
        self._values: Final = sorted(returns)
        self._peaks: Final = [[returns[value] for value in self._values]]
        width = 1
        while 2 * width <= len(self._values):
            below = self._peaks[-1]
            self._peaks.append([max(pair) for pair in zip(below, below[width:], strict=False)])
            width *= 2
        self._known: Final[dict[str, int]] = {}
        self.remembered = 0
        """What `_known` takes, in configurations of some 256 bytes."""

    def until(self, string: str) -> int:
        """Return the last moment at which `string` may be seen; -1 if it never can."""
        until = self._known.get(string)
        if until is None:
            until = self._known[string] = self._peak(string)
            self.remembered += 1 + len(string) // 256
        return until

    def _peak(self, string: str) -> int:
        length = len(string)
        first = bisect_left(self._values, string)
        end = bisect_right(self._values, string, lo=first, key=lambda value: value[:length])
        if first == end:
            return _NEVER
        level = (end - first).bit_length() - 1
        peaks = self._peaks[level]
        return max(peaks[first], peaks[end - (1 << level)])
