"""The search for an order of the operations on one register, depth first.

Configurations and what may be done to them are those of `sweep` and `register_moves`; their
arguments for *optional* operations, for flushing and for values that are *wanted* hold here too.
What differs is the order in which configurations are looked at. The sweep keeps all that are
possible after each return; this search follows one as far as it gets, and comes back for the others
only where that one dies. Most histories have an order, and most have many, so the first attempt
often succeeds; and where many outcomes are unknown, the sweep drowns in ways to use them, of which
this search needs one.

**Memory.** After each return, the search remembers the configurations it was in. One that is
dominated by another remembered there need not be followed: whatever it can do, the other can, and
that has failed already, or will be looked at yet, for it waits on the stack. So each return has an
antichain of configurations that lead nowhere (as in Lowe 2017, with dominance in place of
equality), and the search is complete: when the stack is empty, there is no order.

**Chains** that end in the operation which returns are looked for first in, first out, as in the
sweep, but only until the first arrives; the rest of the search for chains waits on the stack.
"""

from typing import Final, TypeAlias

from checkers.linearizability.register_history import CAS, READ, WRITE
from checkers.linearizability.register_tables import Block, RegisterTables
from checkers.linearizability.sweep import Outcome
from checkers.verdict import Answer

METHOD: Final = "depth first"

_Configuration: TypeAlias = tuple[int, int, int, int]
"""(state, done, optional, used), as in `sweep`."""

_Rivals: TypeAlias = dict[int, list[tuple[int, int, int]]]
"""By state, the (done, optional, used) of configurations met."""


class _Chains:
    """The search for chains from one configuration to the return of one row, as far as it got."""

    __slots__ = ("at", "found", "landed", "met", "row")

    def __init__(self, row: int, start: _Configuration, *, landed: bool) -> None:
        self.row: Final = row
        self.found: Final = [start]
        """Configurations on chains, in the order in which they were found."""
        self.met: Final[_Rivals] = {}
        """The same by state, once any has been extended."""
        self.at = 0
        """How many of them have been extended."""
        self.landed = landed
        """Whether it was tried if the next of them arrives."""


_Choice: TypeAlias = tuple[int, bool, _Configuration]
"""What `_Chains` are made of, when they are needed: a row, `landed` and a configuration."""


class RegisterSearch:
    """One search.

    If `reusable`, operations of unknown outcome may be used again and again, which permits more, so
    only `INVALID` means anything. A step is a configuration looked at; `remembered_max` bounds the
    configurations held at any moment.
    """

    __slots__ = (
        "_came_back",
        "_closed_edges",
        "_closures",
        "_deepest",
        "_met_after",
        "_pause_at",
        "_remembered_count",
        "_remembered_max",
        "_reusable",
        "_stack",
        "_steps",
        "_steps_max",
        "_tables",
        "_trail",
    )

    def __init__(
        self,
        tables: RegisterTables,
        steps_max: int,
        remembered_max: int,
        *,
        reusable: bool = False,
    ) -> None:
        self._tables: Final = tables
        self._reusable: Final = reusable
        self._steps_max: Final = steps_max
        self._pause_at = steps_max
        self._steps = 0
        self._deepest = 0
        """The last row that could not be passed at once."""
        self._stack: Final[list[_Choice | _Chains]] = []
        self._trail: Final[list[_Configuration]] = []
        """The configuration after each row, until the search first comes back."""
        self._came_back = False
        self._met_after: Final[dict[int, list[tuple[int, int, int]]]] = {}
        """By row and state (`_met`): the (done, optional, used) of configurations met."""
        self._remembered_count = 0
        self._remembered_max: Final = remembered_max
        self._closures: Final[dict[int, int]] = {}
        self._closed_edges = 0

    def run(self, pause_at: int) -> Outcome:
        """Return whether there is an order; `UNKNOWN` if that takes too many steps.

        After `pause_at` steps in all, less than `steps_max`, it may be called again, and goes on.
        """
        self._pause_at = min(pause_at, self._steps_max)
        stack = self._stack
        chains = self._come_back() if stack else self._follow(0, (0, 0, 0, 0))
        while chains is not None:
            self._deepest = max(self._deepest, chains.row)
            arrived = self._next(chains)
            if chains.at < len(chains.found):
                stack.append(chains)
            else:
                self._remembered_count -= len(chains.found) - 1
            if arrived is not None:
                if not self._came_back:
                    self._trail.append(arrived)
                chains = self._follow(chains.row + 1, arrived)
            elif self._is_spent():
                return self._ended(Answer.UNKNOWN)
            elif not stack:
                return self._ended(Answer.INVALID)
            else:
                chains = self._come_back()
        return Outcome(answer=Answer.VALID, steps=self._steps, method=METHOD)

    def _is_spent(self) -> bool:
        return (
            self._steps >= self._steps_max
            or (self._steps >= self._pause_at and bool(self._stack))
            or self._is_out_of_memory()
        )

    def _is_out_of_memory(self) -> bool:
        held = self._remembered_count + len(self._stack) + len(self._closures)
        return held > self._remembered_max

    def _ended(self, answer: Answer) -> Outcome:
        place = self._tables.places[self._deepest]
        return Outcome(
            answer=answer,
            steps=self._steps,
            place=place,
            method=METHOD,
            is_out_of_memory=answer is Answer.UNKNOWN and self._is_out_of_memory(),
        )

    def _follow(  # noqa: C901, PLR0912, PLR0915 - the hot loop  # long: a call costs as much as a row
        self, row: int, configuration: _Configuration
    ) -> _Chains | None:
        """Go on from `row` until it takes a longer chain; return the search for it.

        It has nothing to find if this way was taken before, or if all steps are spent. None if
        there are no more rows.
        Whatever else could have been done on the way is put on the stack.
        """
        tables, stack, trail = self._tables, self._stack, self._trail
        came_back = self._came_back
        state, done, optional, used = configuration
        rows, start = tables.rows, row
        stop = row + self._steps_max - self._steps
        while row < len(rows) or tables.grow():
            bit, kind, value, new, open_bits, _, moment, block, carry = rows[row]
            if carry is not None:
                done, optional = _carried(done, carry), _carried(optional, carry)
            # Settle: what is legal now and changes nothing is done; what has no effect may hide.
            done |= block.legal[state] & open_bits
            if done & bit:
                done ^= bit
            else:
                optional |= block.writers[state] & open_bits & ~done
                if optional & bit:
                    if tables.noticeable(
                        value, moment
                    ):  # it hid, but may also be used: later, if need be
                        stack.append((row, False, (state, done, optional, used)))
                    optional ^= bit
                elif kind == WRITE:
                    now = done | bit
                    if open_bits & ~now & ~block.writes:  # else nothing pending consumes a value
                        stack.append((row, True, (state, done, optional, used)))
                    optional = (optional | block.writes & open_bits) & ~now
                    state, done = value, (now | block.legal[value] & open_bits) ^ bit
                elif kind == CAS:
                    if state != value:
                        break
                    now = done | bit
                    if open_bits & ~now & ~(optional & block.writes):  # else a detour gains nothing
                        stack.append((row, True, (state, done, optional, used)))
                    now |= block.legal[new] & open_bits
                    optional = (optional | block.writers[new] & open_bits) & ~now
                    state, done = new, now ^ bit
                else:  # the simplest chain: one open write of what is read
                    writers = block.writers[value] & open_bits & ~done
                    if not writers or kind != READ:
                        break
                    stack.append((row, True, (state, done, optional, used)))
                    now = done | writers & -writers | block.legal[value] & open_bits
                    optional = (optional | block.writes & open_bits) & ~now
                    state, done = value, now ^ bit
            if not came_back:
                trail.append((state, done, optional, used))
            if row >= stop or (came_back and self._met(row, state, done, optional, used)):
                self._steps += row - start
                chains = _Chains(row, (state, done, optional, used), landed=True)
                chains.at = 1
                return chains
            row += 1
        else:
            self._steps += row - start
            return None
        self._steps += row - start
        return _Chains(row, (state, done, optional, used), landed=True)

    def _come_back(self) -> _Chains:
        """Return the last choice that is left; and remember where the first attempt went."""
        if not self._came_back:
            self._came_back = True
            width, met_after = self._tables.value_count, self._met_after
            for row, (state, *rest) in enumerate(self._trail):
                met_after.setdefault(row * width + state, []).append((rest[0], rest[1], rest[2]))
            self._remembered_count += len(self._trail)
        choice = self._stack.pop()
        if isinstance(choice, _Chains):
            return choice
        row, landed, configuration = choice
        return _Chains(row, configuration, landed=landed)

    def _met(self, row: int, state: int, done: int, optional: int, used: int) -> bool:
        """Return whether what dominates this configuration was met after `row`; note it."""
        tables = self._tables
        key = row * tables.value_count + state
        rivals = self._met_after.get(key)
        self._remembered_count += 1
        if rivals is None:
            self._met_after[key] = [(done, optional, used)]
            return False
        movers, guard = tables.rows[row][7].movers, tables.guard
        guarded = used | guard
        for its_done, its_optional, its_used in rivals:
            if (
                not (
                    done & ~its_done & ~movers
                    or (done ^ its_done) & movers & ~its_optional
                    or optional & ~its_optional
                )
                and (guarded - its_used) & guard == guard
            ):
                self._remembered_count -= 1
                return True
        rivals.append((done, optional, used))
        return False

    # ------------------------------------------------------------ chains

    def _next(self, chains: _Chains) -> _Configuration | None:
        """Return the next configuration after the row that chains lead to; None if no more do."""
        bit, kind, _, _, _, _, _, _, _ = self._tables.rows[chains.row]
        found = chains.found
        while chains.at < len(found):
            configuration = found[chains.at]
            if not chains.landed:
                chains.landed = True
                arrived = self._arrived(chains.row, configuration)
                if arrived is not None and not self._met(chains.row, *arrived):
                    return arrived
            chains.at += 1
            chains.landed = False
            # What was legal on the way needs no longer chain: that can wait for the next return.
            if kind in (WRITE, CAS) or not configuration[1] & bit:
                self._extend(chains)
                if self._steps > self._pause_at or self._is_out_of_memory():
                    return None
        return None

    def _arrived(self, row: int, configuration: _Configuration) -> _Configuration | None:
        """Return `configuration` with what returns at `row` done; None if illegal."""
        bit, kind, value, new, open_bits, _, _, block, _ = self._tables.rows[row]
        state, done, optional, used = configuration
        if kind == WRITE:
            now = done | bit
            hidden = (optional | block.writes & open_bits) & ~now
            return value, (now | block.legal[value] & open_bits) ^ bit, hidden, used
        if kind == CAS:
            if state != value:
                return None
            now = done | bit | block.legal[new] & open_bits
            hidden = (optional | block.writers[new] & open_bits) & ~now
            return new, now ^ bit, hidden, used
        return (state, done ^ bit, optional, used) if done & bit else None

    def _extend(self, chains: _Chains) -> None:
        """Add what one more effect leads to from the last of `chains` looked at."""
        found, met = chains.found, chains.met
        configuration = found[chains.at - 1]
        movers, guard = self._tables.rows[chains.row][7].movers, self._tables.guard
        if not met:
            met[configuration[0]] = [configuration[1:]]
        for successor in self._successors(chains.row, configuration):
            self._steps += 1
            state, done, optional, used = successor
            rivals = met.get(state)
            if rivals is None:
                met[state] = [(done, optional, used)]
                found.append(successor)
                self._remembered_count += 1
                continue
            guarded = used | guard
            for its_done, its_optional, its_used in rivals:
                if (
                    not (
                        done & ~its_done & ~movers
                        or (done ^ its_done) & movers & ~its_optional
                        or optional & ~its_optional
                    )
                    and (guarded - its_used) & guard == guard
                ):
                    break
            else:
                rivals.append((done, optional, used))
                found.append(successor)
                self._remembered_count += 1

    def _successors(self, row: int, configuration: _Configuration) -> list[_Configuration]:
        """Return what one more write or cas leads to, if it may matter."""
        tables = self._tables
        bit, _, _, _, open_bits, limits, _, block, _ = tables.rows[row]
        state, done, optional, used = configuration
        left = open_bits & ~done
        writes, legal, consumers = block.writes & left, block.legal, block.consumers
        anything = block.mismatches & left  # needs another value, whichever
        successors: list[_Configuration] = []
        edge_bits = tables.edge_bits
        wanted_by_cas = self._wanted_by_cas(block, left) if edge_bits and limits else 0
        hidden = optional | writes
        candidates = writes & ~bit
        while candidates:
            low = candidates & -candidates
            candidates ^= low
            value = block.value[low]
            if value != state and (
                consumers[value] & left or anything or wanted_by_cas & edge_bits.get(value, 0)
            ):
                now = done | low | legal[value] & open_bits
                successors.append((value, now, hidden & ~low, used))
        if limits:
            self._add_crashed(row, configuration, wanted_by_cas, successors)
        cas = block.cas[state] & left
        candidates = cas & ~bit
        while candidates:
            low = candidates & -candidates
            candidates ^= low
            value = block.new[low]
            now = done | low | legal[value] & open_bits
            successors.append(
                (value, now, optional | block.writers[value] & open_bits & ~now, used)
            )
        if writes & ~optional and (cas or state in tables.crashed_cas):
            self._add_flushes(row, configuration, successors)
        return successors

    def _add_crashed(
        self,
        row: int,
        configuration: _Configuration,
        wanted_by_cas: int,
        successors: list[_Configuration],
    ) -> None:
        """Add what operations of unknown outcome lead to."""
        tables = self._tables
        _, _, _, _, open_bits, limits, _, block, _ = tables.rows[row]
        state, done, optional, used = configuration
        left = open_bits & ~done
        anything = block.mismatches & left
        edge_bits, consumers = tables.edge_bits, block.consumers
        hidden = optional | block.writes & left
        for value, kind in tables.crashed_writes.items():
            if (
                value != state
                and used & kind.mask < limits & kind.mask
                and (consumers[value] & left or anything or wanted_by_cas & edge_bits.get(value, 0))
            ):
                now = done | block.legal[value] & open_bits
                cost = 0 if self._reusable else kind.unit
                successors.append((value, now, hidden, used + cost))
        for value, kind in tables.crashed_cas.get(state, ()):
            if used & kind.mask < limits & kind.mask and (
                consumers[value] & left or anything or wanted_by_cas & edge_bits[value]
            ):
                now = done | block.legal[value] & open_bits
                cost = 0 if self._reusable else kind.unit
                its_optional = optional | block.writers[value] & open_bits & ~now
                successors.append((value, now, its_optional, used + cost))

    def _add_flushes(
        self, row: int, configuration: _Configuration, successors: list[_Configuration]
    ) -> None:
        """Add writes of the value already held, where they let another pending write hide."""
        bit, _, _, _, open_bits, limits, _, block, _ = self._tables.rows[row]
        state, done, optional, used = configuration
        writes = block.writes & open_bits & ~done
        pending = writes & ~optional
        candidates = block.writers[state] & writes & ~bit
        while candidates:
            low = candidates & -candidates
            candidates ^= low
            if pending & ~low:
                successors.append((state, done | low, (optional | writes) & ~low, used))
        kind = self._tables.crashed_writes.get(state)
        if kind is not None and used & kind.mask < limits & kind.mask:
            cost = 0 if self._reusable else kind.unit
            successors.append((state, done, optional | writes, used + cost))

    def _wanted_by_cas(self, block: Block, left: int) -> int:
        """Return from which values `cas` of unknown outcome lead to one that is wanted, as bits.

        The bits are `RegisterTables.edge_bits`; wanted values themselves are among them.
        """
        wanted = 0
        for value, edge_bit in self._tables.edge_bits.items():
            if block.consumers[value] & left or block.mismatches & left:
                wanted |= edge_bit
        closed = self._closures.get(wanted)
        if len(self._tables.edges) > self._closed_edges:  # the tables grow
            self._closed_edges = len(self._tables.edges)
            self._closures.clear()
            closed = None
        if closed is None:
            closed, before = wanted, -1
            while before != closed:
                before = closed
                for start, end in self._tables.edges:
                    if closed & end:
                        closed |= start
            self._closures[wanted] = closed
        return closed


def _carried(bits: int, carry: tuple[tuple[int, int], ...]) -> int:
    """Return `bits` of a block as bits of the next."""
    carried = 0
    for old, new in carry:
        if bits & old:
            carried |= new
    return carried
