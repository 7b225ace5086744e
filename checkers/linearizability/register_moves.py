"""What operations on one register do: read, write, compare-and-set (see `sweep` for the search).

**Settling.** Reads and mismatches (a `cas` that found another value) that are legal now are done. A
pending write of the value the register already holds becomes optional: it has no effect here.

**A write makes every other pending write optional**: it hides just before, and any set of writes
hides there. Not so a `cas`: it is legal in one state only, and two hidden ones would conflict.

**Only wanted values are written.** A write of v within a chain changes nothing that matters unless
v is consumed before the next write: by what the chain aims at, or by a pending read or `cas` of v.
If something pending must find another value than v, every change of the value is wanted. And a
`cas` from v of unknown outcome makes v wanted if its new value is, and so backwards through any
number of them. A pending `cas` that is known to have succeeded is always tried.

**Flushing.** Where the register holds v already, a write of v keeps the state, but lets all pending
writes hide. Before another write that is pointless, for that write hides them too; before a `cas`
from v it is not, and so it is tried then.

**Unknown outcomes.** An unknown read or mismatch proves nothing. An unknown write of a value that
nobody can consume after its call is left out. A `cas` from v to v is a read of v.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from checkers.linearizability.register_history import (
    CAS,
    MISMATCH,
    READ,
    WRITE,
    RegisterHistory,
)
from checkers.linearizability.sweep import Configuration, CrashedKind

_Configuration: TypeAlias = Configuration[int]


class RegisterMoves:
    """The open operations on one register; a `Moves`. A state is the number of a value.

    If `reusable`, an operation of unknown outcome may take effect any number of times.
    """

    __slots__ = (
        "_all_mismatches",
        "_all_values",
        "_all_writes",
        "_bit",
        "_cas_of",
        "_cas_open",
        "_consumers",
        "_crashed",
        "_crashed_cas_of",
        "_crashed_edges",
        "_crashed_writes",
        "_goal",
        "_goal_wanted",
        "_history",
        "_mismatches_of",
        "_new",
        "_readers_of",
        "_reusable",
        "_wanted_by",
        "_width",
        "_writers",
        "_writers_of",
        "active",
        "guard",
        "movers",
        "pure",
        "remembered",
        "start",
    )

    def __init__(self, history: RegisterHistory, *, reusable: bool = False) -> None:
        self._history: Final = history
        self._reusable: Final = reusable
        self.start = 0
        self.remembered = 0
        self.active: Sequence[int] = history.active
        value_count = history.value_count
        self._all_values: Final = (1 << value_count) - 1
        # Open operations as bits: all of a kind, and by value.
        self._all_writes = 0
        self._all_mismatches = 0
        self._readers_of: Final = [0] * value_count
        self._writers_of: Final = [0] * value_count
        self._mismatches_of: Final = [0] * value_count
        self._cas_open: Final = [0] * value_count
        self._cas_of: Final[list[list[tuple[int, int]]]] = [[] for _ in range(value_count)]
        # By bit: the value an open write writes; the value an open read or cas needs, as a bit.
        self._writers: Final[dict[int, int]] = {}
        self._consumers: Final[dict[int, int]] = {}
        self.pure = 0
        self.movers = 0

        # Operations of unknown outcome, by kind: a write by its value, a cas by both of its.
        self._crashed: Final[dict[tuple[int, int | None], CrashedKind]] = {}
        self._crashed_writes: Final[dict[int, CrashedKind]] = {}
        self._crashed_cas_of: Final[list[list[tuple[int, CrashedKind]]]] = [
            [] for _ in range(value_count)
        ]
        self._crashed_edges: Final[list[tuple[int, int]]] = []
        self._wanted_by: Final[dict[int, int]] = {}
        self._width: Final = 1 + history.crashed_count.bit_length()
        self.guard = 0

        self._new = self._bit = self._goal = self._goal_wanted = 0

    # ------------------------------------------------------------ operations come and go

    def begin(self, place: int, bit: int) -> None:
        """Call the operation at `place`."""
        kind, value, new = self._history.coded[place]
        if kind == READ:
            self.pure |= bit
            self._readers_of[value] |= bit
            self._consumers[bit] = 1 << value
        elif kind == WRITE:
            self.movers |= bit
            self._all_writes |= bit
            self._writers_of[value] |= bit
            self._writers[bit] = value
        elif kind == CAS:
            self.movers |= bit
            self._cas_open[value] |= bit
            self._cas_of[value].append((bit, new))
            self._consumers[bit] = 1 << value
        else:
            self.pure |= bit
            self._all_mismatches |= bit
            self._mismatches_of[value] |= bit

    def finish(self, place: int, bit: int) -> None:
        """Forget the operation at `place`."""
        kind, value, new = self._history.coded[place]
        if kind == READ:
            self.pure ^= bit
            self._readers_of[value] ^= bit
            del self._consumers[bit]
        elif kind == WRITE:
            self.movers ^= bit
            self._all_writes ^= bit
            self._writers_of[value] ^= bit
            del self._writers[bit]
        elif kind == CAS:
            self.movers ^= bit
            self._cas_open[value] ^= bit
            self._cas_of[value].remove((bit, new))
            del self._consumers[bit]
        else:
            self.pure ^= bit
            self._all_mismatches ^= bit
            self._mismatches_of[value] ^= bit

    def crash(self, place: int) -> None:
        """Call the write or cas at `place`, whose outcome is unknown."""
        history = self._history
        its_kind, value, new = history.coded[place]
        if its_kind == CAS:
            kind = self._crashed.get((value, new))
            if kind is None:
                kind = self._crashed[value, new] = self._new_kind()
                self._crashed_cas_of[value].append((new, kind))
                self._crashed_edges.append((1 << value, 1 << new))
                self._wanted_by.clear()
            kind.limit += kind.unit
            return
        if not history.consumable(value, history.intervals[place][1]):
            return
        kind = self._crashed_writes.get(value)
        if kind is None:
            kind = self._crashed_writes[value] = self._crashed[value, None] = self._new_kind()
        kind.limit += kind.unit

    def _new_kind(self) -> CrashedKind:
        kind = CrashedKind(number=len(self._crashed), width=self._width, reusable=self._reusable)
        self.guard |= kind.guard
        return kind

    # ------------------------------------------------------------ at a return

    def settle(self, configurations: Sequence[_Configuration], moment: int) -> list[_Configuration]:
        """Return `configurations` with legal reads done and writes without effect optional."""
        del moment  # what is legal or without effect here does not depend on it
        readers, writers, mismatches_of = self._readers_of, self._writers_of, self._mismatches_of
        mismatches = self._all_mismatches
        settled = []
        for state, done, optional, used in configurations:
            now = done | readers[state] | (mismatches & ~mismatches_of[state])
            settled.append((state, now, optional | (writers[state] & ~now), used))
        return settled

    def noticeable(self, place: int, moment: int) -> bool:
        """Return whether the value that the operation at `place` writes can still be consumed."""
        return self._history.consumable(self._history.coded[place][1], moment)

    def aim(self, place: int, bit: int) -> None:
        """Make the operation at `place` the end of chains."""
        self._bit = bit
        kind, goal, self._new = self._history.coded[place]
        self._goal = goal
        if kind == WRITE:
            self._goal_wanted = 0
        elif kind == MISMATCH:
            self._goal_wanted = self._all_values & ~(1 << goal)
        else:
            self._goal_wanted = 1 << goal

    def land(self, configuration: _Configuration) -> _Configuration | None:
        """Return `configuration` with what was aimed at done; None if illegal."""
        state, done, optional, used = configuration
        bit, goal = self._bit, self._goal
        if bit & self.pure:
            return (state, done ^ bit, optional, used) if done & bit else None
        if bit & self._all_writes:
            optional |= self._all_writes & ~done
            if state != goal:
                done, optional = self._settled_in(goal, done, optional)
            return (goal, done & ~bit, optional & ~bit, used)
        if state != goal:
            return None
        new = self._new
        done, optional = self._settled_in(new, done | bit, optional)
        return (new, done ^ bit, optional, used)

    def _settled_in(self, state: int, done: int, optional: int) -> tuple[int, int]:
        done |= self._readers_of[state] | (self._all_mismatches & ~self._mismatches_of[state])
        return done, optional | (self._writers_of[state] & ~done)

    def successors(self, configuration: _Configuration) -> list[_Configuration]:
        """Return what one more write or cas leads to, if it may matter."""
        state, done, _, _ = configuration
        found: list[_Configuration] = []
        wanted = self._wanted(done)
        if wanted:
            self._add_writes(configuration, wanted, found)
        if wanted and self._crashed:
            self._add_crashed(configuration, wanted, found)
        if self._cas_open[state] & ~done:
            self._add_cas(configuration, found)
        if self._all_writes & ~done and (
            self._cas_open[state] & ~done or self._crashed_cas_of[state]
        ):
            self._add_flushes(configuration, found)
        return found

    def _wanted(self, done: int) -> int:
        """Return the values, as bits, that something pending would consume."""
        if self._all_mismatches & ~done:
            return self._all_values
        wanted = self._goal_wanted
        for bit, value_bit in self._consumers.items():
            if not bit & done:
                wanted |= value_bit
        if not self._crashed_edges:
            return wanted
        closed = self._wanted_by.get(wanted)
        if closed is None:
            closed = self._wanted_by[wanted] = _backward_closure(wanted, self._crashed_edges)
        return closed

    def _add_writes(
        self, configuration: _Configuration, wanted: int, found: list[_Configuration]
    ) -> None:
        state, done, optional, used = configuration
        readers, writers, mismatches_of = self._readers_of, self._writers_of, self._mismatches_of
        mismatches, all_writes = self._all_mismatches, self._all_writes
        not_this = ~(done | self._bit)
        for bit, value in self._writers.items():
            if bit & not_this and wanted >> value & 1 and value != state:
                now = done | bit
                hidden = (optional | (all_writes & ~now)) & ~bit
                now |= readers[value] | (mismatches & ~mismatches_of[value])
                found.append((value, now, hidden | (writers[value] & ~now), used))

    def _add_crashed(
        self, configuration: _Configuration, wanted: int, found: list[_Configuration]
    ) -> None:
        state, done, optional, used = configuration
        hidden = optional | (self._all_writes & ~done)
        for value, kind in self._crashed_writes.items():
            if wanted >> value & 1 and value != state and used & kind.mask < kind.limit:
                now, its_optional = self._settled_in(value, done, hidden)
                found.append((value, now, its_optional, used + kind.cost))
        for value, kind in self._crashed_cas_of[state]:
            if wanted >> value & 1 and used & kind.mask < kind.limit:
                now, its_optional = self._settled_in(value, done, optional)
                found.append((value, now, its_optional, used + kind.cost))

    def _add_cas(self, configuration: _Configuration, found: list[_Configuration]) -> None:
        state, done, optional, used = configuration
        not_this = ~(done | self._bit)
        for bit, value in self._cas_of[state]:
            if bit & not_this:
                now, its_optional = self._settled_in(value, done | bit, optional)
                found.append((value, now, its_optional, used))

    def _add_flushes(self, configuration: _Configuration, found: list[_Configuration]) -> None:
        """Add writes of the value already held, where they let another pending write hide."""
        state, done, optional, used = configuration
        writes, pending = self._all_writes & ~done, self._all_writes & ~done & ~optional
        for bit, value in self._writers.items():
            if value == state and bit & writes and bit != self._bit and pending & ~bit:
                found.append((state, done | bit, (optional | writes) & ~bit, used))
        kind = self._crashed_writes.get(state)
        if pending and kind is not None and used & kind.mask < kind.limit:
            found.append((state, done, optional | writes, used + kind.cost))


def _backward_closure(wanted: int, edges: Sequence[tuple[int, int]]) -> int:
    """Return `wanted` and all values from which `edges` (from, to) lead into it."""
    before = -1
    while before != wanted:
        before = wanted
        for start, end in edges:
            if wanted & end:
                wanted |= start
    return wanted
