"""The log against a slow, obvious twin: a dictionary from index to entry."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import Entry
from tests.nodeimpl.raft.situations import entry

term_steps = st.lists(st.integers(0, 2), min_size=1, max_size=4)


class LogTwins(RuleBasedStateMachine):
    """Appends, truncates and trims both, and compares all that can be asked."""

    @initialize(prefix_index=st.integers(0, 3))
    def begin(self, prefix_index: int) -> None:
        self.prefix_index = prefix_index
        self.prefix_term = min(prefix_index, 1)
        self.twin: dict[int, Entry] = {}
        self.log = RaftLog(prefix_index=LogIndex(prefix_index), prefix_term=Term(self.prefix_term))

    @rule(steps=term_steps)
    def append(self, steps: list[int]) -> None:
        index, term = self.last()
        new = []
        for step in steps:
            index, term = index + 1, max(1, term + step)
            new.append(entry(index, term, b"*" * step))
        self.log.append(new)
        self.twin |= {one.index: one for one in new}

    @precondition(lambda self: bool(self.twin))
    @rule(choice=st.integers(0, 9))
    def truncate(self, choice: int) -> None:
        first = sorted(self.twin)[choice % len(self.twin)]
        self.log.truncate(LogIndex(first))
        self.twin = {index: one for index, one in self.twin.items() if index < first}

    @rule(choice=st.integers(0, 9))
    def trim(self, choice: int) -> None:
        """Forget any prefix, or none."""
        places = [self.prefix_index, *sorted(self.twin)]
        index = places[choice % len(places)]
        self.forget(index, self.twin[index].term if index in self.twin else self.prefix_term)
        self.log.trim(LogIndex(index))

    @rule(forward=st.integers(0, 9), term=st.integers(1, 3))
    def restart(self, forward: int, term: int) -> None:
        """Begin behind an entry that may be here, be another here, or lie behind the end."""
        index = self.prefix_index + 1 + forward
        if index not in self.twin or self.twin[index].term != term:
            self.twin = {}
        self.forget(index, term)
        self.log.restart(LogIndex(index), Term(term))

    def forget(self, index: int, term: int) -> None:
        self.twin = {place: one for place, one in self.twin.items() if place > index}
        self.prefix_index, self.prefix_term = index, term

    @invariant()
    def ends_are_equal(self) -> None:
        assert (self.log.last_index, self.log.last_term) == self.last()

    @invariant()
    def contents_are_equal(self) -> None:
        held = self.log.between(self.log.first_index, self.log.last_index)
        assert list(held) == [self.twin[index] for index in sorted(self.twin)]

    @invariant()
    def matches_are_equal(self) -> None:
        known = {(index, int(one.term)) for index, one in self.twin.items()}
        known.add((self.prefix_index, self.prefix_term))
        last_index, last_term = self.last()
        for index in range(last_index + 2):
            for term in range(last_term + 2):
                asked = self.log.matches(LogIndex(index), Term(term))
                assert asked == ((index, term) in known)

    @invariant()
    def terms_are_found_alike(self) -> None:
        for term in range(self.last()[1] + 2):
            places = [index for index, one in self.twin.items() if one.term == term]
            assert self.log.first_index_of_term(Term(term)) == min(places, default=None)
            known = [*places, *[self.prefix_index] * (term == self.prefix_term > 0)]
            assert self.log.last_index_of_term(Term(term)) == max(known, default=None)

    def last(self) -> tuple[int, int]:
        if not self.twin:
            return self.prefix_index, self.prefix_term
        index = max(self.twin)
        return index, self.twin[index].term


TestLogTwins = LogTwins.TestCase
TestLogTwins.settings = settings(max_examples=40, stateful_step_count=15)


@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    first=st.integers(1, 12),
    entries_max=st.integers(1, 6),
    bytes_max=st.integers(1, 12),
)
def test_a_batch_is_the_longest_one_within_the_limits(
    sizes: list[int], first: int, entries_max: int, bytes_max: int
) -> None:
    log = RaftLog([entry(index, 1, b"*" * size) for index, size in enumerate(sizes, 1)])
    first = min(first, len(sizes))
    allowed = [
        count
        for count in range(1, min(entries_max, len(sizes) - first + 1) + 1)
        if count == 1 or sum(sizes[first - 1 : first - 1 + count]) <= bytes_max
    ]

    batch = log.batch(LogIndex(first), entries_max=entries_max, bytes_max=bytes_max)

    assert [one.index for one in batch] == list(range(first, first + max(allowed)))
