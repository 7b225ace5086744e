"""The replicated log as one node holds it in memory (Raft §5.3).

What is durable of it is the business of `Persist` effects; this is the log as it will be once all
effects returned so far have been carried out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.messages import Entry

NO_INDEX: Final = LogIndex(0)
"""Before the first entry: what an empty log ends at."""
NO_TERM: Final = Term(0)
"""The term at `NO_INDEX`; no entry has it."""


def _term(entry: Entry) -> Term:
    return entry.term


class RaftLog:
    """Entries `first_index`..`last_index`, behind a prefix that may have been trimmed.

    Invariants, asserted where entries enter and leave:

    - indices are contiguous: the entry after index i has index i + 1;
    - terms never fall from one entry to the next (a term's leader appends behind what it has);
    - the terms of entries are at least 1;
    - a conflict removes a suffix (`truncate`), a snapshot a prefix (`trim`): what stays is in one
      piece.

    `prefix_index` and `prefix_term` name the last entry of the trimmed prefix; both are 0 while
    the log begins at index 1. That term is still known: it is what an AppendEntries for
    `first_index` is checked against.
    """

    __slots__ = ("_entries", "last_index", "prefix_index", "prefix_term")

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        *,
        prefix_index: LogIndex = NO_INDEX,
        prefix_term: Term = NO_TERM,
    ) -> None:
        assert (prefix_index == NO_INDEX) == (prefix_term == NO_TERM), "only index 0 has term 0"
        self.prefix_index = prefix_index
        self.prefix_term = prefix_term
        self.last_index = prefix_index
        """The index of the last entry; `prefix_index` if none is held."""
        self._entries: list[Entry] = []
        self.append(entries)

    @property
    def first_index(self) -> LogIndex:
        """The index of the first entry held, or that the first one will get."""
        return LogIndex(self.prefix_index + 1)

    @property
    def last_term(self) -> Term:
        """The term of the last entry; `prefix_term` if none is held."""
        return self._entries[-1].term if self._entries else self.prefix_term

    def term_at(self, index: LogIndex) -> Term:
        """Return the term of the entry at `index`, from `prefix_index` to `last_index`."""
        place = index - self.prefix_index - 1
        if place == -1:
            return self.prefix_term
        assert 0 <= place < len(self._entries), (
            f"index {index} is outside of {self.first_index}..{self.last_index}"
        )
        return self._entries[place].term

    def entry_at(self, index: LogIndex) -> Entry:
        """Return the entry at `index`, from `first_index` to `last_index`."""
        place = index - self.prefix_index - 1
        assert 0 <= place < len(self._entries), (
            f"index {index} is outside of {self.first_index}..{self.last_index}"
        )
        return self._entries[place]

    def matches(self, index: LogIndex, term: Term) -> bool:
        """Return whether the entry at `index` is here and of `term` (Raft §5.3, consistency check).

        By the Log Matching Property the two logs are then equal up to `index`.
        """
        place = index - self.prefix_index - 1
        if place == -1:
            return term == self.prefix_term
        return 0 <= place < len(self._entries) and self._entries[place].term == term

    def between(self, first: LogIndex, last: LogIndex) -> tuple[Entry, ...]:
        """Return the entries `first`..`last`, both included; none if `last` is `first` - 1."""
        prefix_index = self.prefix_index
        assert prefix_index < first <= last + 1 <= self.last_index + 1, (
            f"{first}..{last} is outside of {self.first_index}..{self.last_index}"
        )
        return tuple(self._entries[first - prefix_index - 1 : last - prefix_index])

    def batch(self, first: LogIndex, *, entries_max: int, bytes_max: int) -> tuple[Entry, ...]:
        """Return entries from `first` on, as many as the limits allow.

        At least one if there is one: an entry larger than `bytes_max` travels alone.
        """
        entries = self.between(first, LogIndex(min(self.last_index, first + entries_max - 1)))
        bytes_count = 0
        for count, entry in enumerate(entries):
            bytes_count += len(entry.data)
            if bytes_count > bytes_max and count:
                return entries[:count]
        return entries

    def missing(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return `entries` from the first one on that is not in this log (Figure 2, step 3 and 4).

        The first of `entries` must follow an entry of this log. What is returned either lies
        behind `last_index`, or its first entry conflicts with the one here and replaces it.
        """
        if not entries or entries[0].index > self.last_index:
            return entries
        for count, entry in enumerate(entries):
            if not self.matches(entry.index, entry.term):
                return entries[count:]
        return ()

    def append(self, entries: Sequence[Entry]) -> None:
        """Put `entries` behind the last one."""
        last_index, last_term = self.last_index, self.last_term
        for entry in entries:
            assert entry.index == last_index + 1, (
                f"entry {entry.index} does not follow {last_index}"
            )
            assert entry.term >= max(last_term, 1), (
                f"entry {entry.index} of term {entry.term} follows one of term {last_term}"
            )
            last_index, last_term = entry.index, entry.term
        self._entries.extend(entries)
        self.last_index = last_index

    def truncate(self, first: LogIndex) -> None:
        """Drop the entry at `first` and all behind it."""
        assert self.first_index <= first <= self.last_index, (
            f"cannot truncate from {first}: the log is {self.first_index}..{self.last_index}"
        )
        del self._entries[first - self.prefix_index - 1 :]
        self.last_index = LogIndex(first - 1)

    def trim(self, prefix_index: LogIndex) -> None:
        """Forget the entries up to `prefix_index`, which the state machine holds (Raft §7)."""
        assert self.prefix_index <= prefix_index <= self.last_index, (
            f"cannot trim up to {prefix_index}: the log is {self.first_index}..{self.last_index}"
        )
        prefix_term = self.term_at(prefix_index)
        del self._entries[: prefix_index - self.prefix_index]
        self.prefix_index = prefix_index
        self.prefix_term = prefix_term

    def restart(self, prefix_index: LogIndex, prefix_term: Term) -> None:
        """Begin behind a snapshot that ends with this entry (Raft Figure 13, 6. and 7.).

        Entries behind it stay if the log holds this very entry; otherwise none do.
        """
        if self.matches(prefix_index, prefix_term):
            self.trim(prefix_index)
            return
        assert prefix_index > self.prefix_index, "what was trimmed is committed, and stays so"
        self._entries.clear()
        self.prefix_index = prefix_index
        self.prefix_term = prefix_term
        self.last_index = prefix_index

    def first_index_of_term(self, term: Term) -> LogIndex | None:
        """Return the first index held with an entry of `term`; None if there is none."""
        place = bisect_left(self._entries, term, key=_term)
        if place == len(self._entries) or self._entries[place].term != term:
            return None
        return self._entries[place].index

    def last_index_of_term(self, term: Term) -> LogIndex | None:
        """Return the last index known to have an entry of `term`; None if there is none.

        It may be `prefix_index`, of which the term is known.
        """
        place = bisect_right(self._entries, term, key=_term) - 1
        if place < 0:
            return self.prefix_index if self.prefix_index and term == self.prefix_term else None
        if self._entries[place].term != term:
            return None
        return self._entries[place].index
