"""The follower's side of Raft §7, by the numbers of Figure 13.

The follower under test has entries 1 and 2 of term 1, the first one committed. PEER leads term 2
and sends its state at 5 of term 1: six bytes, in chunks of four.
"""

import msgspec
import pytest

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import (
    Configuration,
    ConfigurationEntry,
    encode_configuration_entry,
)
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import (
    Commit,
    ConfigurationChanged,
    Persist,
    RaftEffect,
    Restore,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    InstallSnapshot,
    InstallSnapshotReply,
    Snapshot,
)
from tests.nodeimpl.raft.situations import (
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    entries,
    entry,
    follower,
    kinds,
    sent_to,
)


def chunk(  # noqa: PLR0913 - a message has many fields
    offset: int = 0,
    data: bytes = b"0123",
    *,
    done: bool = False,
    term: int = 2,
    index: int = 5,
    first_round: int = 7,
    round_: int = 7,
) -> InstallSnapshot:
    return InstallSnapshot(
        term=Term(term),
        first_round=first_round,
        last_included_index=LogIndex(index),
        last_included_term=Term(1),
        configuration=b"",
        offset=offset,
        data=data,
        done=done,
        round=round_,
    )


LAST = chunk(4, b"45", done=True, round_=8)
STATE = Snapshot(LogIndex(5), Term(1), b"", b"012345")


def behind() -> Raft:
    return follower(1, 1, term=2, commit_index=1)


def with_first_chunk() -> Raft:
    raft = behind()
    raft.receive(START, PEER, chunk())
    return raft


def with_whole_state() -> Raft:
    raft = with_first_chunk()
    raft.receive(START, PEER, LAST)
    return raft


def asked(raft: Raft, offset: int, *, round_: int) -> list[RaftEffect]:
    return [Send(PEER, InstallSnapshotReply(raft.current_term, offset, round_))]


def test_figure_13_1_an_earlier_leader_is_told_of_the_current_term() -> None:
    raft = behind()

    effects = raft.receive(START, PEER, chunk(term=1))

    assert effects == [Send(PEER, InstallSnapshotReply(Term(2), 0, 0))]
    assert raft.leader is None


def test_figure_13_2_a_first_chunk_is_taken() -> None:
    raft = behind()

    effects = raft.receive(START, PEER, chunk())

    assert effects[1:] == asked(raft, 4, round_=7)


def test_the_sender_is_followed_in_its_term_which_is_durable_before_the_answer() -> None:
    raft = behind()

    effects = raft.receive(START, PEER, chunk(term=3))

    assert raft.leader == PEER
    assert effects[1:] == [Persist(HardState(Term(3), None), ()), *asked(raft, 4, round_=7)]


def test_a_chunk_postpones_the_election() -> None:
    raft = behind()
    asked_at = raft.deadline

    raft.receive(asked_at, PEER, chunk())

    assert raft.deadline > asked_at


def test_figure_13_3_a_chunk_is_written_at_its_offset() -> None:
    raft = with_first_chunk()

    assert raft.receive(START, PEER, LAST) == [Restore(STATE)]


@pytest.mark.parametrize("offset", [0, 3, 5])
def test_a_chunk_that_belongs_elsewhere_is_not_taken_and_the_next_one_asked_for(
    offset: int,
) -> None:
    raft = with_first_chunk()

    effects = raft.receive(START, PEER, chunk(offset, b"wrong", done=True, round_=9))

    assert effects == asked(raft, 4, round_=9)
    assert raft.receive(START, PEER, LAST) == [Restore(STATE)]


def test_a_chunk_from_the_middle_of_an_unknown_snapshot_is_not_taken() -> None:
    raft = behind()

    effects = raft.receive(START, PEER, LAST)

    assert effects[1:] == asked(raft, 0, round_=8)


def test_figure_13_5_a_later_snapshot_takes_the_place_of_an_earlier_one() -> None:
    raft = with_first_chunk()

    effects = raft.receive(START, PEER, chunk(4, b"45", done=True, first_round=9, round_=10))

    assert effects == asked(raft, 0, round_=10)


def test_a_chunk_of_an_earlier_snapshot_comes_too_late() -> None:
    raft = behind()
    raft.receive(START, PEER, chunk(first_round=9, round_=9))

    effects = raft.receive(START, PEER, LAST)

    assert effects == asked(raft, 4, round_=8)


def test_chunks_of_two_leaders_are_never_mixed() -> None:
    raft = with_first_chunk()

    effects = raft.receive(START, OTHER, chunk(4, b"45", done=True, term=3))

    assert effects[-1] == Send(OTHER, InstallSnapshotReply(Term(3), 0, 7))


def test_figure_13_6_what_the_log_holds_need_not_be_sent() -> None:
    raft = follower(1, 1, 1, 1, 1, 1, term=2, commit_index=1)

    effects = raft.receive(START, PEER, chunk())

    assert effects[1:] == [
        Send(PEER, accepted(raft, 5, round_=7)),
        Commit(entries(1, 1, 1, 1, after=1)),
    ]
    assert (raft.log.first_index, raft.last_index) == (1, 6)


def test_what_is_committed_need_not_be_sent() -> None:
    raft = follower(1, 1, 1, 1, 1, 1, term=2, commit_index=6)

    effects = raft.receive(START, PEER, chunk(index=3))

    assert effects[1:] == [Send(PEER, accepted(raft, 3, round_=7))]


def test_figure_13_7_the_log_begins_behind_the_snapshot() -> None:
    raft = with_whole_state()

    effects = raft.snapshot_restored(START, is_restored=True)

    assert [effect for effect in effects if not isinstance(effect, ConfigurationChanged)] == [
        Restored(LogIndex(5), Term(1)),
        Trim(LogIndex(5), Term(1)),
        Send(PEER, accepted(raft, 5, round_=8)),
    ]
    assert (raft.log.prefix_index, raft.last_index, raft.commit_index) == (5, 5, 5)


def test_figure_13_7_a_log_that_conflicts_is_discarded() -> None:
    raft = follower(1, *[2] * 7, term=2, commit_index=1)
    raft.receive(START, PEER, chunk())
    raft.receive(START, PEER, LAST)

    raft.snapshot_restored(START, is_restored=True)

    assert (raft.log.prefix_index, raft.last_index) == (5, 5)


def test_what_follows_the_snapshot_is_accepted_behind_it() -> None:
    raft = with_whole_state()
    raft.snapshot_restored(START, is_restored=True)
    new = entry(6, 2)

    effects = raft.receive(
        START, PEER, append(new, term=2, prev_index=5, prev_term=1, commit_index=6)
    )

    assert kinds(effects) == ["Persist", "AppendEntriesReply", "Commit"]
    assert effects[-1] == Commit((new,))


def test_bytes_that_make_no_state_are_asked_for_anew() -> None:
    raft = with_whole_state()

    effects = raft.snapshot_restored(START, is_restored=False)

    assert effects == asked(raft, 0, round_=8)
    assert (raft.last_index, raft.commit_index) == (2, 1)
    assert raft.receive(START, PEER, chunk(round_=9)) == asked(raft, 4, round_=9)


def test_the_last_chunk_repeated_is_acknowledged_again() -> None:
    raft = with_whole_state()
    raft.snapshot_restored(START, is_restored=True)

    effects = raft.receive(START, PEER, LAST)

    (reply,) = sent_to(PEER, effects)
    assert isinstance(reply, AppendEntriesReply)
    assert (reply.accepted, reply.match_index) == (True, 5)


def test_a_read_is_answered_behind_the_snapshot() -> None:
    raft = with_whole_state()
    raft.snapshot_restored(START, is_restored=True)

    effects = raft.read(START, [RequestId(1)])

    assert kinds(effects) == ["ReadIndex"]


# ------------------------------------------------------------------ members (Raft §6, §7)


def install(raft: Raft, configuration: bytes) -> None:
    """Let the whole state arrive in one chunk, with the members it names, and be restored."""
    message = msgspec.structs.replace(chunk(done=True), configuration=configuration)
    raft.receive(START, PEER, message)
    raft.snapshot_restored(START, is_restored=True)


def members(*voters: NodeId) -> bytes:
    return encode_configuration_entry(
        ConfigurationEntry(RequestId(1), Configuration(voters=tuple(voters)))
    )


def test_the_members_that_a_snapshot_names_are_in_force() -> None:
    raft = behind()

    install(raft, members(ME, PEER))

    assert raft.configuration == Configuration(voters=(ME, PEER))


def test_a_snapshot_that_names_none_was_taken_before_the_members_ever_changed() -> None:
    # An uncommitted change in the log that the snapshot discards was never made.
    raft = behind()
    uncommitted = Entry(Term(2), LogIndex(3), EntryKind.CONFIGURATION, members(ME))
    raft.receive(START, PEER, append(uncommitted, term=2, prev_index=2, prev_term=1))

    install(raft, b"")

    assert raft.configuration == Configuration(voters=(ME, PEER, OTHER))
