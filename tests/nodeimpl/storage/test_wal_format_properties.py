"""Any log is read back, and any tearing of its last frame leaves the frames before it."""

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.wal_format import Write, decode, encode

numbers = st.integers(0, 2**64 - 1)
entries = st.builds(
    Entry,
    term=numbers.map(Term),
    index=numbers.map(LogIndex),
    kind=st.sampled_from(EntryKind),
    data=st.binary(max_size=40),
)
hard_states = st.builds(
    HardState,
    current_term=numbers.map(Term),
    voted_for=st.none() | st.integers(1, 2**64 - 1).map(NodeId),
)
persists = st.builds(
    Persist,
    hard_state=st.none() | hard_states,
    entries=st.lists(entries, max_size=3).map(tuple),
)
trims = st.builds(Trim, prefix_index=numbers.map(LogIndex), prefix_term=numbers.map(Term))
writes = st.one_of(persists, trims)


def log_of(written: list[Write]) -> bytes:
    return b"".join(map(encode, written))


@given(st.lists(writes, max_size=4))
def test_any_log_is_read_back(written: list[Write]) -> None:
    contents = decode(log_of(written))
    assert (contents.writes, contents.torn_tail) == (tuple(written), None)


@given(st.lists(writes, max_size=3), writes, st.data())
def test_tearing_the_last_frame_loses_the_last_frame_only(
    before: list[Write], last: Write, data: st.DataObject
) -> None:
    whole, torn = log_of(before), encode(last)
    kept = data.draw(st.integers(1, len(torn) - 1))
    contents = decode(whole + torn[:kept])
    assert contents.writes == tuple(before)
    assert contents.torn_tail is not None
    assert contents.torn_tail.offset == len(whole)


@given(st.lists(writes, max_size=3), writes, st.data())
def test_zeroing_parts_of_the_last_frame_loses_the_last_frame_only(
    before: list[Write], last: Write, data: st.DataObject
) -> None:
    # A file that grew before its bytes were written: a crash leaves zeros in their place.
    whole, torn = log_of(before), bytearray(encode(last))
    start = data.draw(st.integers(0, len(torn) - 1))
    end = data.draw(st.integers(start + 1, len(torn)))
    torn[start:end] = bytes(end - start)
    contents = decode(whole + torn)
    is_spoilt = torn != encode(last)  # Zeros may have stood there anyway.
    assert contents.writes == tuple(before if is_spoilt else [*before, last])
    assert (contents.torn_tail is not None) == is_spoilt


@given(st.lists(writes, max_size=4))
def test_offsets_say_where_each_frame_begins(written: list[Write]) -> None:
    log = log_of(written)
    contents = decode(log)
    again = [decode(log[offset:]).writes for offset in contents.offsets]
    assert again == [tuple(written[number:]) for number in range(len(written))]
