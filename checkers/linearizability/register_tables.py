"""A history of one register as tables, one row for each return: what `register_search` walks on.

The search goes to and fro, so nothing here changes once it is built. A row has all that is open at
its return: operations as bits, and operations of unknown outcome as counts.

**Blocks.** Were a bit an operation's place, the sets would be as long as the history. So rows come
in blocks, in each of which operations are numbered anew, and the first row of a block says which
bits of the block before become which: those of what is still open there.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from checkers.linearizability.register_history import CAS, READ, WRITE, RegisterHistory
from checkers.linearizability.sweep import CrashedKind

_BLOCK_OPERATIONS: Final = 28
"""How many operations a block has, so that its sets fit into one digit of an int; unless more
than half as many are open at once."""

_Carry: TypeAlias = tuple[tuple[int, int], ...]


class Masks(dict[int, int]):
    """Sets of operations as bits, by value; `default` for a value that has no entry."""

    default = 0

    def __missing__(self, value: int) -> int:
        self[value] = self.default
        return self.default


class Block:
    """The operations of some consecutive rows, as sets of bits."""

    __slots__ = (
        "cas",
        "consumers",
        "legal",
        "mismatches",
        "movers",
        "new",
        "refused",
        "value",
        "writers",
        "writes",
    )

    def __init__(self) -> None:
        self.legal: Final = Masks()
        """By the state: the reads and mismatches that are legal in it."""
        self.refused: Final[dict[int, int]] = {}
        """By value: the mismatches that are not legal in that state."""
        self.writers: Final = Masks()
        """By value: its writes."""
        self.cas: Final = Masks()
        """By expected value."""
        self.consumers: Final = Masks()
        """By value: the reads of it and the `cas` from it."""
        self.writes = 0
        self.mismatches = 0
        self.movers = 0
        """Writes and `cas`: all that may change the state."""
        self.value: Final[dict[int, int]] = {}
        """By bit: the value that a write writes."""
        self.new: Final[dict[int, int]] = {}
        """By bit: the value that a `cas` writes."""

    def seal(self) -> None:
        """Derive what needs all operations; none may be added any more."""
        # All bits of a kind add up to their union, for they are distinct.
        self.writes = sum(self.value)
        self.movers = self.writes + sum(self.new)
        self.mismatches = sum(self.refused.values())
        self.consumers.update(self.legal)
        for value, bits in self.cas.items():
            self.consumers[value] = self.consumers.get(value, 0) | bits
        if self.mismatches:
            for value in {**self.legal, **self.refused}:
                legal = self.mismatches & ~self.refused.get(value, 0)
                self.legal[value] = self.legal.get(value, 0) | legal
            self.legal.default = self.mismatches


Row: TypeAlias = tuple[int, int, int, int, int, int, int, Block, _Carry | None]
"""A return, as a bare tuple, for one is made for every operation:

- the bit of the operation that returns, its kind, its value and, of a `cas`, its new value;
- the bits of all that are called and have not returned, this one included;
- how many operations of each unknown kind have been called, packed as `used` is;
- its moment;
- the block;
- at the first row of each block but the first: the old and new bits of what stays open.
"""


class RegisterTables:
    """The rows of a history, and its operations of unknown outcome by kind."""

    __slots__ = (
        "_blocks",
        "_kinds",
        "_width",
        "crashed_cas",
        "crashed_writes",
        "edge_bits",
        "edges",
        "guard",
        "noticeable",
        "places",
        "rows",
        "value_count",
    )

    def __init__(self, history: RegisterHistory) -> None:
        self.rows: Final[list[Row]] = []
        self.places: Final[list[int]] = []
        """For each row, the place of the operation that returns."""
        self.crashed_writes: Final[dict[int, CrashedKind]] = {}
        """Writes of unknown outcome, by value."""
        self.crashed_cas: Final[dict[int, list[tuple[int, CrashedKind]]]] = {}
        """By expected value: new values and the `cas` of unknown outcome that write them."""
        self.edge_bits: Final[dict[int, int]] = {}
        """A bit for each value that a `cas` of unknown outcome expects or writes."""
        self.edges: Final[list[tuple[int, int]]] = []
        """The same `cas`: the bits of both values."""
        self.guard = 0
        """The guards of all kinds of unknown outcome."""
        self._kinds: Final[dict[tuple[int, int], CrashedKind]] = {}
        self.value_count: Final = history.value_count
        self.noticeable: Final = history.consumable
        """Whether anyone can notice, from a moment on, that a value was written."""
        self._width: Final = 1 + history.crashed_count.bit_length()
        self._blocks: Final = self._build(history)

    def grow(self) -> bool:
        """Add the rows of at least one more block; return False if there are no more.

        Rows are made as the search gets to them, for many a history is refuted early.
        """
        count = len(self.rows)
        while len(self.rows) == count:
            if next(self._blocks, None) is None:
                return False
        return True

    def _build(  # noqa: C901, PLR0912, PLR0915 - see below  # long: half of a short search
        self, history: RegisterHistory
    ) -> Iterator[Block]:
        """Make the rows, in the order of returns, and yield each block when it is complete.

        In one loop: it takes half the time that a short search takes.
        """
        coded, count = history.coded, len(history.coded)
        bits: dict[int, int] = {}  # the open operations, by place
        block = Block()
        legal, writers, cas, refused = block.legal, block.writers, block.cas, block.refused
        of_writes, of_cas = block.value, block.new
        bit_next, bit_limit = 1, 1 << _BLOCK_OPERATIONS
        carry: _Carry | None = None
        opened = limits = 0
        add_row, add_place = self.rows.append, self.places.append
        shift = history.moment_shift
        place_mask = (1 << shift) - 1
        for packed in history.calls_and_returns:
            event = packed & place_mask
            if event >= 2 * count:
                kind, value, new = coded[event - 2 * count]
                if kind == CAS or history.consumable(value, packed >> shift):
                    limits += self._crashed(kind, value, new).unit
                continue
            if event >= count:
                place = event - count
                bit, (kind, value, new) = bits.pop(place), coded[place]
                add_row((bit, kind, value, new, opened, limits, packed >> shift, block, carry))
                add_place(place)
                opened ^= bit
                carry = None
                continue
            if bit_next >= bit_limit and carry is None:
                block.seal()
                yield block
                block = Block()
                legal, writers, cas, refused = block.legal, block.writers, block.cas, block.refused
                of_writes, of_cas = block.value, block.new
                carry = tuple((bit, 1 << at) for at, bit in enumerate(bits.values()))
                opening = [*bits, event]
                bit_next, opened = 1, 0
                bit_limit = 1 << max(_BLOCK_OPERATIONS, 2 * len(bits))
            else:
                opening = [event]
            for event in opening:
                kind, value, new = coded[event]
                if kind == READ:
                    legal[value] = legal.get(value, 0) | bit_next
                elif kind == WRITE:
                    writers[value] = writers.get(value, 0) | bit_next
                    of_writes[bit_next] = value
                elif kind == CAS:
                    cas[value] = cas.get(value, 0) | bit_next
                    of_cas[bit_next] = new
                else:
                    refused[value] = refused.get(value, 0) | bit_next
                bits[event] = bit_next
                opened |= bit_next
                bit_next <<= 1
        block.seal()
        yield block

    def _crashed(self, kind: int, value: int, new: int) -> CrashedKind:
        """Return the kind of an operation of unknown outcome."""
        key = (value, new if kind == CAS else -1)
        found = self._kinds.get(key)
        if found is None:
            found = CrashedKind(number=len(self._kinds), width=self._width, reusable=False)
            self._kinds[key] = found
            self.guard |= found.guard
            if kind == CAS:
                self.crashed_cas.setdefault(value, []).append((new, found))
                for end in (value, new):
                    self.edge_bits.setdefault(end, 1 << len(self.edge_bits))
                self.edges.append((self.edge_bits[value], self.edge_bits[new]))
            else:
                self.crashed_writes[value] = found
        return found
