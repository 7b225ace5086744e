"""etcd's write-ahead log: what is read of a good one, a torn one and a spoilt one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.raft.checker import judge_facts
from checkers.raft.crc32c import crc32c
from checkers.raft.etcd_wal import (
    Segment,
    WalCorruption,
    WalLog,
    entries_of,
    final_entries,
    read_wal,
    records_of,
)
from checkers.raft.wal import WalEntry, WalSnapshot, WalState, facts_of_wals
from checkers.verdict import Answer
from tests.checkers.raft.etcd_log import MEMBER_ID, entry, frame, segments, snapshot, state

NAMES = {MEMBER_ID: "n1", 7: "n2"}
ENTRIES = st.lists(
    st.tuples(st.integers(1, 2**40), st.integers(1, 300), st.binary(max_size=700)), max_size=8
)


def test_the_checksum_is_that_of_rfc_3720() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283


@given(ENTRIES, ENTRIES, st.integers(0, 600))
def test_every_entry_of_every_segment_is_read(
    first: list[tuple[int, int, bytes]], second: list[tuple[int, int, bytes]], zeros: int
) -> None:
    log = read_wal(segments([entry(*e) for e in first], [entry(*e) for e in second], zeros=zeros))

    read = [(found.index, found.term, found.data) for found in entries_of(log)]
    assert read == [*first, *second]
    assert log.member_id == MEMBER_ID
    assert log.torn is None


def test_records_are_told_in_the_words_of_raft() -> None:
    log = read_wal(segments([entry(1, 1, b"x", kind=1), state(2, 7, 1), snapshot(1, 1)]))

    told = records_of("n1", log, NAMES)

    assert [type(record) for record in told] == [WalEntry, WalState, WalSnapshot]
    assert isinstance(told[0], WalEntry)
    assert told[0].kind == "configuration"
    assert told[1] == WalState(node="n1", term=2, voted_for="n2", commit_index=1)
    assert told[2] == WalSnapshot(node="n1", index=1, term=1)


def test_an_entry_that_was_written_again_replaces_all_from_there_on() -> None:
    log = read_wal(segments([entry(1, 1), entry(2, 1, b"a"), entry(3, 1), entry(2, 2, b"b")]))

    assert {index: found.data for index, found in final_entries(log).items()} == {1: b"", 2: b"b"}


@given(st.data())
def test_a_log_that_ends_anywhere_is_read_up_to_there(data: st.DataObject) -> None:
    (whole,) = segments([entry(index, 1, b"v" * 40) for index in range(1, 6)], zeros=0)
    length = data.draw(st.integers(0, len(whole.content)))

    log = read_wal([Segment(whole.name, whole.content[:length])])

    read = [found.index for found in entries_of(log)]
    assert read == [1, 2, 3, 4, 5][: len(read)]
    assert len(read) == 5 or length < len(whole.content)


def test_a_sector_that_was_never_written_is_a_torn_end() -> None:
    (whole,) = segments([entry(1, 1), entry(2, 1, b"v" * 2_000)], zeros=0)
    content = whole.content[:1_024] + bytes(512) + whole.content[1_536:]

    log = read_wal([Segment(whole.name, content)])

    assert [found.index for found in entries_of(log)] == [1]
    assert log.torn is not None
    assert "checksum is wrong" in log.torn


@given(st.data())
def test_a_flipped_bit_is_corruption_with_its_place(data: st.DataObject) -> None:
    (whole,) = segments([entry(index, 1, b"value") for index in range(1, 5)], zeros=0)
    payload = whole.content.rindex(b"value")
    place = data.draw(st.integers(payload, payload + 4))
    content = bytearray(whole.content)
    content[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(WalCorruption, match=r"0-0+\.wal, byte \d+: the checksum is wrong") as found:
        read_wal([Segment(whole.name, bytes(content))])

    assert found.value.offset < place


def test_a_segment_that_is_cut_off_in_the_midst_of_a_log_is_corruption() -> None:
    first, second = segments([entry(1, 1, b"v" * 40)], [entry(2, 1)], zeros=0)

    with pytest.raises(WalCorruption, match="a record is cut off"):
        read_wal([Segment(first.name, first.content[:-8]), second])


def test_a_missing_segment_is_corruption() -> None:
    first, _, third = segments([entry(1, 1)], [entry(2, 1)], [entry(3, 1)])

    with pytest.raises(WalCorruption, match="the segment before it is missing"):
        read_wal([first, third])


def test_a_segment_of_another_log_breaks_the_chain() -> None:
    first, _ = segments([entry(1, 1, b"this")], [entry(2, 1)])
    _, other = segments([entry(1, 1, b"that")], [entry(2, 1)])

    with pytest.raises(WalCorruption, match="the chain of checksums breaks"):
        read_wal([first, other])


def test_what_is_no_record_is_corruption() -> None:
    (whole,) = segments([entry(1, 1)], zeros=0)
    garbage = (8).to_bytes(8, "little") + b"\xff" * 8

    with pytest.raises(WalCorruption, match="no record"):
        read_wal([Segment(whole.name, whole.content + garbage)])


def test_an_empty_log_says_nothing() -> None:
    assert read_wal([]) == WalLog(member_id=0, records=(), torn=None)
    assert list(entries_of(read_wal([Segment("0-0.wal", frame(4, b"", 0))]))) == []


def test_logs_that_match_are_valid_and_others_convicted() -> None:
    ours = [entry(1, 1, b"a"), entry(2, 1, b"b"), state(1, 7, 2)]
    theirs = [entry(1, 1, b"a"), entry(2, 1, b"x"), state(1, 7, 2)]

    assert judged(ours, ours) is Answer.VALID
    assert judged(ours, theirs) is Answer.INVALID


def test_who_was_sent_a_snapshot_may_be_heard_first() -> None:
    late = [snapshot(5, 1), entry(6, 1, b"f"), entry(7, 1, b"g"), state(1, 7, 7)]
    whole = [*(entry(index, 1, b"x") for index in range(1, 6)), *late[1:]]

    assert judged(late, whole) is Answer.VALID
    assert judged(late, [*whole[:-1], entry(8, 1, b"h"), state(1, 7, 8)]) is Answer.VALID


def test_a_term_that_falls_is_convicted() -> None:
    assert judged([state(3, 7, 0), state(2, 7, 0)], []) is Answer.INVALID


def judged(*logs: list[tuple[int, bytes]]) -> Answer:
    """Judge the logs of n1, n2, ..."""
    records = {
        f"n{place}": records_of(f"n{place}", read_wal(segments(log)), NAMES)
        for place, log in enumerate(logs, start=1)
    }
    return judge_facts(facts_of_wals(records)).answer
