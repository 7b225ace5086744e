"""Recovery against a slow, obvious twin: a dictionary from index to entry, and a prefix."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.recovery import compacted, implied_trim, recover
from nodeimpl.storage.wal_format import decode, encode

STATE = HardState(Term(9), None)


class LogFile(RuleBasedStateMachine):
    """Writes, trims and compacts a log, as a driver might in any order; the store keeps pace."""

    def __init__(self) -> None:
        super().__init__()
        self.file = encode(Persist(STATE, ()))
        self.prefix = (0, 0)
        self.twin: dict[int, Entry] = {}

    @property
    def last_index(self) -> int:
        return max(self.twin, default=self.prefix[0])

    @rule(back=st.integers(0, 3), count=st.integers(1, 4), term=st.integers(1, 3))
    def write(self, back: int, count: int, term: int) -> None:
        first = max(self.prefix[0] + 1, self.last_index + 1 - back)
        entries = tuple(
            Entry(Term(term), LogIndex(first + number), EntryKind.COMMAND, b"%d" % number)
            for number in range(count)
        )
        self.file += encode(Persist(None, entries))
        self.twin = {index: entry for index, entry in self.twin.items() if index < first}
        self.twin |= {entry.index: entry for entry in entries}

    @rule(forward=st.integers(1, 5), term=st.integers(1, 3))
    def trim(self, forward: int, term: int) -> None:
        index = self.prefix[0] + forward
        self.file += encode(Trim(LogIndex(index), Term(term)))
        is_here = index in self.twin and self.twin[index].term == term
        self.twin = {place: one for place, one in self.twin.items() if is_here and place > index}
        self.prefix = (index, term)

    @rule()
    def compact(self) -> None:
        self.file = compacted(self.file)

    @invariant()
    def recovery_finds_what_was_written(self) -> None:
        index, term = self.prefix
        recovered = recover(self.file, Applied(LogIndex(index), Term(term)))
        assert recovered.hard_state == STATE
        assert (recovered.prefix_index, recovered.prefix_term) == self.prefix
        assert list(recovered.entries) == [self.twin[place] for place in sorted(self.twin)]

    @invariant()
    def what_a_store_ahead_implies_makes_the_log_whole(self) -> None:
        ahead = Applied(LogIndex(self.last_index + 1), Term(4))
        recovered = recover(self.file, ahead)
        missing = implied_trim(decode(self.file), recovered)
        assert missing == Trim(ahead.index, ahead.term)
        assert recover(self.file + encode(missing), ahead) == recovered


TestLogFile = LogFile.TestCase
TestLogFile.settings = settings(max_examples=60, stateful_step_count=20)
