"""What a node finds at its start (Raft Figure 2: persistent state)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.raft.state import Recovered, RecoveredStateError
from nodeimpl.storage.recovery import recover
from nodeimpl.storage.wal_format import WalCorruption, encode


def entry(index: int, term: int = 1) -> Entry:
    return Entry(Term(term), LogIndex(index), EntryKind.COMMAND, b"%d" % index)


def state(term: int, voted_for: int | None = None) -> HardState:
    return HardState(Term(term), None if voted_for is None else NodeId(voted_for))


def log_of(*written: Persist) -> bytes:
    return b"".join(map(encode, written))


def test_an_empty_log_is_that_of_a_new_node() -> None:
    assert recover(b"", LogIndex(0)) == Recovered()


def test_the_last_hard_state_counts() -> None:
    log = log_of(Persist(state(1, 2), ()), Persist(state(3), ()), Persist(None, (entry(1),)))
    assert recover(log, LogIndex(0)).hard_state == state(3)


def test_entries_add_up_to_the_log() -> None:
    log = log_of(Persist(state(1), (entry(1), entry(2))), Persist(None, (entry(3),)))
    assert recover(log, LogIndex(0)).entries == (entry(1), entry(2), entry(3))


def test_an_entry_replaces_the_one_of_its_index_and_all_behind_it() -> None:
    # Raft §5.3: a conflicting entry is deleted with all that follow it.
    log = log_of(
        Persist(state(1), (entry(1), entry(2), entry(3))), Persist(state(2), (entry(2, term=2),))
    )
    assert recover(log, LogIndex(0)).entries == (entry(1), entry(2, term=2))


def test_the_applied_index_is_known_to_be_committed() -> None:
    log = log_of(Persist(state(1), (entry(1), entry(2))))
    assert recover(log, LogIndex(1)).commit_index == 1


def test_a_torn_tail_is_left_out() -> None:
    kept, torn = Persist(state(1), (entry(1),)), Persist(state(2), (entry(2),))
    log = log_of(kept, torn)[:-1]
    recovered = recover(log, LogIndex(0))
    assert (recovered.hard_state, recovered.entries) == (state(1), (entry(1),))


@pytest.mark.parametrize("index", [0, 3])
def test_a_gap_in_the_log_is_corruption(index: int) -> None:
    first = Persist(state(1), (entry(1),))
    log = log_of(first, Persist(None, (entry(index),)))
    with pytest.raises(WalCorruption, match=f"entry {index} leaves a gap") as raised:
        recover(log, LogIndex(0))
    assert raised.value.offset == len(encode(first))


def test_a_log_shorter_than_what_was_applied_is_refused() -> None:
    log = log_of(Persist(state(1), (entry(1),)))
    with pytest.raises(RecoveredStateError, match="has applied 2, but the log ends at 1"):
        recover(log, LogIndex(2))


@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(1, 4), st.integers(1, 3)).map(list), max_size=10
    )
)
def test_the_log_is_what_a_map_by_index_would_hold(writes: list[list[int]]) -> None:
    naive: dict[int, Entry] = {}
    written: list[Persist] = []
    for wanted, count, term in writes:
        first = min(wanted, len(naive) + 1)
        entries = tuple(entry(first + number, term) for number in range(count))
        naive = {index: old for index, old in naive.items() if index < first}
        naive |= {one.index: one for one in entries}
        written.append(Persist(state(9), entries))
    recovered = recover(log_of(*written), LogIndex(0))
    assert recovered.entries == tuple(naive[index] for index in sorted(naive))
