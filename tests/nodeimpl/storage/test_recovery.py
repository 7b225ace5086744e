"""What a node finds at its start (Raft Figure 2: persistent state; §7: behind a snapshot)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.mvcc.backend import NOTHING_APPLIED, Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.raft.state import Recovered, RecoveredStateError
from nodeimpl.storage.recovery import compacted, implied_trim, recover
from nodeimpl.storage.wal_format import WalCorruption, Write, decode, encode


def entry(index: int, term: int = 1) -> Entry:
    return Entry(Term(term), LogIndex(index), EntryKind.COMMAND, b"%d" % index)


def state(term: int, voted_for: int | None = None) -> HardState:
    return HardState(Term(term), None if voted_for is None else NodeId(voted_for))


def trim(index: int, term: int = 1) -> Trim:
    return Trim(LogIndex(index), Term(term))


def applied(index: int, term: int = 1, configuration: bytes = b"") -> Applied:
    return Applied(LogIndex(index), Term(term), configuration)


def log_of(*written: Write) -> bytes:
    return b"".join(map(encode, written))


def entries_of(*written: Write) -> list[Entry]:
    """Return the log that recovery finds; the store holds nothing, or what was trimmed last."""
    trims = [write for write in written if isinstance(write, Trim)]
    store = applied(trims[-1].prefix_index, trims[-1].prefix_term) if trims else NOTHING_APPLIED
    return list(recover(log_of(*written), store).entries)


ONE_TO_FOUR = Persist(state(3), (entry(1), entry(2), entry(3, term=3), entry(4, term=3)))


def test_an_empty_log_is_that_of_a_new_node() -> None:
    assert recover(b"", NOTHING_APPLIED) == Recovered()


def test_the_last_hard_state_counts() -> None:
    log = log_of(Persist(state(1, 2), ()), Persist(state(3), ()), Persist(None, (entry(1),)))
    assert recover(log, NOTHING_APPLIED).hard_state == state(3)


def test_entries_add_up_to_the_log() -> None:
    log = log_of(Persist(state(1), (entry(1), entry(2))), Persist(None, (entry(3),)))
    assert recover(log, NOTHING_APPLIED).entries == (entry(1), entry(2), entry(3))


def test_an_entry_replaces_the_one_of_its_index_and_all_behind_it() -> None:
    # Raft §5.3: a conflicting entry is deleted with all that follow it.
    log = log_of(
        Persist(state(1), (entry(1), entry(2), entry(3))), Persist(state(2), (entry(2, term=2),))
    )
    assert recover(log, NOTHING_APPLIED).entries == (entry(1), entry(2, term=2))


def test_the_applied_index_is_known_to_be_committed() -> None:
    log = log_of(Persist(state(1), (entry(1), entry(2))))
    assert recover(log, applied(1)).commit_index == 1


def test_a_torn_tail_is_left_out() -> None:
    kept, torn = Persist(state(1), (entry(1),)), Persist(state(2), (entry(2),))
    log = log_of(kept, torn)[:-1]
    recovered = recover(log, NOTHING_APPLIED)
    assert (recovered.hard_state, recovered.entries) == (state(1), (entry(1),))


@pytest.mark.parametrize("index", [0, 3])
def test_a_gap_in_the_log_is_corruption(index: int) -> None:
    first = Persist(state(1), (entry(1),))
    log = log_of(first, Persist(None, (entry(index),)))
    with pytest.raises(WalCorruption, match=f"entry {index} leaves a gap") as raised:
        recover(log, NOTHING_APPLIED)
    assert raised.value.offset == len(encode(first))


def test_a_trimmed_log_begins_behind_its_prefix() -> None:
    recovered = recover(log_of(ONE_TO_FOUR, trim(2)), applied(2))
    assert (recovered.prefix_index, recovered.prefix_term) == (2, 1)
    assert recovered.entries == (entry(3, term=3), entry(4, term=3))
    assert recovered.last_index == 4


def test_entries_behind_a_prefix_that_is_here_stay() -> None:
    # Raft Figure 13, 6.: "retain log entries following it"
    assert entries_of(ONE_TO_FOUR, trim(3, term=3)) == [entry(4, term=3)]


@pytest.mark.parametrize(("index", "term"), [(4, 2), (3, 2), (9, 3)])
def test_nothing_stays_behind_a_prefix_that_is_not(index: int, term: int) -> None:
    # Raft Figure 13, 7.: "discard the entire log"
    assert entries_of(ONE_TO_FOUR, trim(index, term)) == []


def test_a_log_goes_on_behind_its_prefix() -> None:
    next_entry = entry(10, term=3)
    assert entries_of(ONE_TO_FOUR, trim(9, term=3), Persist(None, (next_entry,))) == [next_entry]


@pytest.mark.parametrize("index", [2, 4])
def test_an_entry_within_the_prefix_or_behind_a_gap_is_corruption(index: int) -> None:
    log = log_of(Persist(state(1), (entry(1), entry(2))), trim(2), Persist(None, (entry(index),)))
    with pytest.raises(WalCorruption, match=f"entry {index} leaves a gap: the log holds 3..2"):
        recover(log, applied(2))


def test_a_prefix_that_grows_shorter_is_corruption() -> None:
    with pytest.raises(WalCorruption, match="trimmed up to 2, but before up to 3"):
        recover(log_of(ONE_TO_FOUR, trim(3, term=3), trim(2)), applied(3, term=3))


def test_a_log_trimmed_beyond_the_store_is_refused() -> None:
    with pytest.raises(RecoveredStateError, match="has applied 2, but the log was trimmed up to 3"):
        recover(log_of(ONE_TO_FOUR, trim(3, term=3)), applied(2))


@pytest.mark.parametrize(
    "store", [applied(9, term=3), applied(4, term=2)], ids=["log too short", "another entry"]
)
def test_a_store_ahead_of_the_log_implies_the_trim_that_a_crash_prevented(store: Applied) -> None:
    log = log_of(ONE_TO_FOUR)
    recovered = recover(log, store)
    assert (recovered.prefix_index, recovered.prefix_term) == (store.index, store.term)
    assert (recovered.entries, recovered.commit_index) == ((), store.index)
    assert implied_trim(decode(log), recovered) == trim(store.index, store.term)


def test_a_store_within_the_log_implies_nothing() -> None:
    log = log_of(ONE_TO_FOUR)
    recovered = recover(log, applied(3, term=3))
    assert recovered.entries == ONE_TO_FOUR.entries
    assert implied_trim(decode(log), recovered) is None


def test_a_trim_that_was_written_is_not_implied() -> None:
    log = log_of(ONE_TO_FOUR, trim(1), trim(2))
    assert implied_trim(decode(log), recover(log, applied(2))) is None


def test_the_trim_that_is_implied_makes_the_log_whole() -> None:
    log = log_of(ONE_TO_FOUR)
    recovered = recover(log, applied(9, term=3))
    missing = implied_trim(decode(log), recovered)
    assert missing is not None
    assert recover(log + encode(missing), applied(9, term=3)) == recovered


def test_a_log_that_lost_everything_under_its_store_is_refused() -> None:
    with pytest.raises(RecoveredStateError, match="log ends in term 3, but the current term is 0"):
        recover(b"", applied(9, term=3))


def test_the_configuration_is_that_of_the_store() -> None:
    log = log_of(ONE_TO_FOUR)
    assert recover(log, applied(2, configuration=b"members")).configuration == b"members"


def test_a_compacted_log_holds_what_is_left_and_no_more() -> None:
    log = log_of(Persist(state(1), ()), ONE_TO_FOUR, trim(2), Persist(state(4), ()))
    left = Persist(state(4), (entry(3, term=3), entry(4, term=3)))
    assert decode(compacted(log)).writes == (trim(2), left)


@pytest.mark.parametrize("log", [b"", log_of(Persist(state(1), ()))], ids=["new", "no entries"])
def test_a_log_that_was_never_trimmed_has_no_prefix_when_compacted(log: bytes) -> None:
    assert compacted(log) == log


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
    recovered = recover(log_of(*written), NOTHING_APPLIED)
    assert recovered.entries == tuple(naive[index] for index in sorted(naive))
