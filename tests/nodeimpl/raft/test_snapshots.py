"""The leader's side of Raft §7: what is trimmed, and the state sent in the place of that.

The leader under test has trimmed entries 1 to 5 of term 1, and holds 6 to 8 and its no-op, 9 of
term 2. The state is ten bytes, and travels four at a time.
"""

import msgspec
import pytest

from nodeimpl.ids import Instant, LogIndex, RequestId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import NeedSnapshot, RaftEffect, ReadReady, RoleName, Trim
from nodeimpl.raft.messages import InstallSnapshot, InstallSnapshotReply, Snapshot
from nodeimpl.raft.progress import Progress, ProgressState
from tests.nodeimpl.raft.situations import (
    CONFIG,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    append_to,
    entry,
    kinds,
    refused,
    role_of_leader,
    sent_to,
    trimmed_follower,
    trimmed_leader,
)

SMALL = msgspec.structs.replace(
    CONFIG, snapshot_entries=1, catch_up_entries=0, snapshot_chunk_bytes=4
)
STATE = b"0123456789"
LATER = Instant(START + CONFIG.heartbeat_interval_ns)


def snapshot(index: int = 8, term: int = 1, data: bytes = STATE) -> Snapshot:
    return Snapshot(LogIndex(index), Term(term), b"members", data)


def leader() -> Raft:
    return trimmed_leader(5, 1, 1, 1, 1, config=SMALL)


def sending_leader() -> Raft:
    """Return a leader that has sent PEER the first chunk, in round 2."""
    raft = leader()
    raft.receive(START, PEER, refused(raft, 3))
    raft.snapshot_ready(START, snapshot())
    return raft


def progress_of_peer(raft: Raft) -> Progress:
    return role_of_leader(raft).progress[PEER]


def asks_for(raft: Raft, offset: int, *, round_: int) -> InstallSnapshotReply:
    return InstallSnapshotReply(raft.current_term, offset, round_)


def chunk(effects: list[RaftEffect]) -> InstallSnapshot:
    """Return the one message to PEER, which is a chunk."""
    (message,) = sent_to(PEER, effects)
    assert isinstance(message, InstallSnapshot), f"{message} is sent instead"
    return message


# ------------------------------------------------------------------ who needs a snapshot


def test_a_follower_whose_log_ends_in_the_prefix_needs_the_state() -> None:
    raft = leader()

    effects = raft.receive(START, PEER, refused(raft, 3))

    assert effects == [NeedSnapshot()]


def test_a_follower_that_conflicts_within_the_prefix_needs_the_state() -> None:
    raft = trimmed_leader(5, 3, 4, config=SMALL)

    assert raft.receive(START, PEER, refused(raft, 4, 2)) == [NeedSnapshot()]


def test_a_follower_whose_log_ends_with_the_prefix_needs_entries_only() -> None:
    raft = leader()

    effects = raft.receive(START, PEER, refused(raft, 6))

    assert append_to(PEER, effects).prev_log_index == 5


def test_a_follower_that_conflicts_in_the_term_of_the_prefix_may_need_entries_only() -> None:
    # It holds 4 to 8 of term 3; up to 5 that is what was trimmed here.
    raft = trimmed_leader(5, 3, 4, 4, 4, config=SMALL)

    effects = raft.receive(START, PEER, refused(raft, 4, 3))

    assert append_to(PEER, effects).prev_log_index == 5


# ------------------------------------------------------------------ how it travels


def test_the_first_chunk_begins_the_state_and_says_what_it_stands_for() -> None:
    raft = leader()
    raft.receive(START, PEER, refused(raft, 3))

    first = chunk(raft.snapshot_ready(START, snapshot()))

    assert (first.offset, first.data, first.done) == (0, b"0123", False)
    assert (first.last_included_index, first.last_included_term) == (8, 1)
    assert (first.configuration, first.round, first.first_round) == (b"members", 2, 2)


def test_all_who_wait_are_sent_the_state() -> None:
    raft = leader()
    raft.receive(START, PEER, refused(raft, 3))
    raft.receive(START, OTHER, refused(raft, 1))

    effects = raft.snapshot_ready(START, snapshot())

    assert kinds(effects) == ["InstallSnapshot", "InstallSnapshot"]


def test_an_answer_sends_the_chunk_that_it_asks_for() -> None:
    raft = sending_leader()

    second = chunk(raft.receive(START, PEER, asks_for(raft, 4, round_=2)))
    third = chunk(raft.receive(START, PEER, asks_for(raft, 8, round_=3)))

    assert (second.offset, second.data, second.done, second.round) == (4, b"4567", False, 3)
    assert (third.offset, third.data, third.done, third.round) == (8, b"89", True, 4)
    assert second.first_round == third.first_round == 2


def test_a_follower_that_lost_everything_is_sent_the_state_from_its_beginning() -> None:
    raft = sending_leader()
    raft.receive(START, PEER, asks_for(raft, 4, round_=2))

    again = chunk(raft.receive(START, PEER, asks_for(raft, 0, round_=3)))

    assert (again.offset, again.data) == (0, b"0123")


def test_an_empty_state_is_one_chunk() -> None:
    raft = leader()
    raft.receive(START, PEER, refused(raft, 3))

    only = chunk(raft.snapshot_ready(START, snapshot(data=b"")))

    assert (only.data, only.done) == (b"", True)


def test_only_the_first_answer_to_a_chunk_is_obeyed() -> None:
    raft = sending_leader()
    raft.receive(START, PEER, asks_for(raft, 4, round_=2))

    assert raft.receive(START, PEER, asks_for(raft, 4, round_=2)) == []


def test_an_answer_of_an_earlier_term_is_not_obeyed() -> None:
    raft = sending_leader()

    assert raft.receive(START, PEER, InstallSnapshotReply(Term(1), 4, 2)) == []


def test_no_entries_are_sent_meanwhile() -> None:
    raft = sending_leader()

    effects = raft.propose(START, [(RequestId(1), b"x")])

    assert sent_to(PEER, effects) == []


def test_a_chunk_that_may_be_lost_is_sent_again_as_it_was_with_the_next_heartbeat() -> None:
    raft = sending_leader()

    again, heartbeat = sent_to(PEER, raft.wake(LATER))

    assert isinstance(again, InstallSnapshot)
    assert (again.offset, again.round) == (0, 2)
    assert type(heartbeat).__name__ == "AppendEntries"


def test_the_answer_to_a_chunk_counts_though_it_was_sent_again() -> None:
    # Were it not so, nothing would ever arrive over a link slower than the heartbeat interval.
    raft = sending_leader()
    raft.wake(LATER)

    assert chunk(raft.receive(LATER, PEER, asks_for(raft, 4, round_=2))).offset == 4


def test_a_chunk_is_not_sent_again_with_every_round_of_reads() -> None:
    raft = sending_leader()
    raft.receive(START, OTHER, accepted(raft, 9))

    effects = raft.read(START, [RequestId(1)])

    assert [type(message).__name__ for message in sent_to(PEER, effects)] == ["AppendEntries"]


def test_an_answer_to_a_chunk_confirms_a_read() -> None:
    raft = sending_leader()
    raft.receive(START, OTHER, accepted(raft, 9))
    raft.receive(START, PEER, asks_for(raft, 4, round_=2))
    raft.read(START, [RequestId(1)])

    effects = raft.receive(START, PEER, asks_for(raft, 8, round_=4))

    assert ReadReady((RequestId(1),), LogIndex(9)) in effects


# ------------------------------------------------------------------ how it ends


def test_a_heartbeat_asks_whether_the_snapshot_is_installed() -> None:
    raft = sending_leader()

    _, heartbeat = sent_to(PEER, raft.wake(LATER))

    assert heartbeat == append(term=2, prev_index=8, prev_term=1, commit_index=5, round_=3)


def test_until_it_is_a_refusal_is_no_news() -> None:
    raft = sending_leader()
    raft.wake(LATER)

    assert raft.receive(LATER, PEER, refused(raft, 3, round_=3)) == []


def test_once_it_is_what_follows_is_sent() -> None:
    raft = sending_leader()
    raft.receive(START, PEER, asks_for(raft, 8, round_=2))

    effects = raft.receive(START, PEER, accepted(raft, 8, round_=3))

    assert append_to(PEER, effects).entries == (raft.log.entry_at(LogIndex(9)),)
    assert progress_of_peer(raft).state is ProgressState.REPLICATE


def test_a_follower_that_turns_out_to_hold_the_prefix_is_sent_what_follows_that() -> None:
    raft = sending_leader()

    effects = raft.receive(START, PEER, accepted(raft, 6))

    assert append_to(PEER, effects).prev_log_index == 6


def test_a_follower_that_is_silent_for_an_election_timeout_is_probed_again() -> None:
    raft = sending_leader()
    silent = Instant(START + CONFIG.election_timeout_ns_max)

    (heartbeat,) = sent_to(PEER, raft.wake(silent))

    assert heartbeat == append(term=2, prev_index=5, prev_term=1, commit_index=5, round_=3)
    assert raft.receive(silent, PEER, refused(raft, 3, round_=3)) == [NeedSnapshot()]


def test_who_leads_no_more_sends_no_more() -> None:
    raft = sending_leader()
    raft.receive(START, OTHER, append(term=3))

    assert raft.receive(START, PEER, InstallSnapshotReply(Term(3), 4, 2)) == []


# ------------------------------------------------------------------ trimming


def committed(index: int, **settings: int) -> Raft:
    """Return a follower with entries 6 to 15 behind a prefix, committed up to `index`."""
    config = msgspec.structs.replace(SMALL, **settings)
    raft = trimmed_follower(5, 1, *[1] * 10, config=config)
    raft.receive(START, PEER, append(term=1, prev_index=15, prev_term=1, commit_index=index))
    return raft


def test_what_the_state_machine_holds_is_trimmed() -> None:
    raft = committed(10)

    effects = raft.trim(START, LogIndex(10))

    assert effects == [Trim(LogIndex(10), Term(1))]
    assert (raft.log.first_index, raft.log.last_index) == (11, 15)


def test_entries_to_catch_up_with_are_kept() -> None:
    raft = committed(10, catch_up_entries=3)

    assert raft.trim(START, LogIndex(10)) == [Trim(LogIndex(7), Term(1))]


@pytest.mark.parametrize(("saved", "trimmed"), [(9, False), (10, True)])
def test_few_entries_are_not_worth_it(saved: int, trimmed: bool) -> None:  # noqa: FBT001 (a case)
    raft = committed(10, catch_up_entries=2, snapshot_entries=3)

    assert bool(raft.trim(START, LogIndex(saved))) is trimmed


def test_nothing_is_trimmed_that_is_not_committed() -> None:
    raft = committed(8)

    with pytest.raises(AssertionError, match="only what is committed is applied"):
        raft.trim(START, LogIndex(9))


def test_nothing_is_trimmed_behind_a_snapshot_under_way() -> None:
    raft = sending_leader()
    raft.receive(START, OTHER, accepted(raft, 9))

    assert raft.trim(START, LogIndex(9)) == [Trim(LogIndex(8), Term(1))]


def test_a_follower_for_whom_trimmed_entries_were_next_is_probed_with_the_next_heartbeat() -> None:
    raft = leader()
    raft.receive(START, PEER, refused(raft, 6))
    raft.receive(START, OTHER, accepted(raft, 9))

    effects = raft.trim(START, LogIndex(9))
    (heartbeat,) = sent_to(PEER, raft.wake(LATER))

    assert effects == [Trim(LogIndex(9), Term(2))]
    assert heartbeat == append(term=2, prev_index=9, prev_term=2, commit_index=9, round_=4)


def test_a_leader_can_be_elected_with_nothing_but_a_prefix() -> None:
    raft = trimmed_leader(5, 1, config=SMALL)

    assert raft.role is RoleName.LEADER
    assert raft.log.entry_at(LogIndex(6)).term == 2


def test_a_late_append_that_begins_in_the_prefix_is_cut_there() -> None:
    raft = committed(10)
    raft.trim(START, LogIndex(10))
    late = append(entry(10, 1), entry(11, 1), term=1, prev_index=9, prev_term=1)

    (reply,) = sent_to(PEER, raft.receive(START, PEER, late))

    assert reply == accepted(raft, 11)


def test_a_late_append_that_ends_in_the_prefix_is_acknowledged_up_to_there() -> None:
    raft = committed(10)
    raft.trim(START, LogIndex(10))
    late = append(entry(7, 1), term=1, prev_index=6, prev_term=1)

    (reply,) = sent_to(PEER, raft.receive(START, PEER, late))

    assert reply == accepted(raft, 10)
