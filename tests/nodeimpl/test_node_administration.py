"""Changes of members and leaders at the boundary: who is answered what, and when."""

import msgspec
import pytest

from nodeimpl.administration import REFUSALS
from nodeimpl.api.errors import (
    BAD_LEADER_TRANSFEREE,
    LEADER_TRANSFER_TIMED_OUT,
    MEMBER_EXISTS,
    MEMBER_NOT_FOUND,
    NOT_LEADER,
    REQUEST_TIMED_OUT,
    ApiError,
)
from nodeimpl.boundary import (
    AdminReply,
    ChangeMembers,
    Effect,
    LeaderMoved,
    MembersChanged,
    MoveLeader,
)
from nodeimpl.ids import Instant, NodeId, RequestId, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    ConfigurationEntry,
    Objection,
    decode_configuration_entry,
    encode_configuration_entry,
)
from nodeimpl.raft.messages import HardState
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.test_node import (
    ALONE,
    ME,
    OTHER,
    PEER,
    THREE,
    TIMEOUT,
    Driven,
    accepted,
    append,
    follower,
    leader,
    lone_leader,
    put,
)

FOUR = NodeId(4)
ADD_FOUR = ChangeMembers(7, Change(added=(FOUR,)))


def given(driven: Driven, wish: ChangeMembers | MoveLeader) -> list[Effect]:
    return driven.node.handle(driven.now, wish)


def answers(effects: list[Effect]) -> list[AdminReply]:
    return [effect for effect in effects if isinstance(effect, AdminReply)]


def test_a_change_is_answered_when_it_is_committed_and_applied() -> None:
    driven = leader()

    at_once = given(driven, ADD_FOUR)
    committed = driven.hear(accepted(2))

    assert answers(at_once) == []
    assert answers(committed) == [AdminReply(7, MembersChanged(Configuration(THREE, (FOUR,))))]


def test_a_change_of_voters_is_answered_when_the_last_of_its_two_entries_is() -> None:
    driven = leader()
    given(driven, ChangeMembers(7, Change(removed=(OTHER,))))

    joint = driven.hear(accepted(2))
    final = driven.hear(accepted(3))

    assert answers(joint) == []
    assert answers(final) == [AdminReply(7, MembersChanged(Configuration((ME, PEER))))]


def test_a_lone_node_changes_its_members_in_the_call_that_asks_for_it() -> None:
    effects = given(lone_leader(), ADD_FOUR)

    assert answers(effects) == [AdminReply(7, MembersChanged(Configuration(ALONE, (FOUR,))))]


@pytest.mark.parametrize(
    ("driven", "wish", "refusal"),
    [
        (follower(), ADD_FOUR, NOT_LEADER),
        (leader(), ChangeMembers(7, Change(added=(PEER,))), MEMBER_EXISTS),
        (leader(), ChangeMembers(7, Change(removed=(FOUR,))), MEMBER_NOT_FOUND),
        (follower(), MoveLeader(7, PEER), NOT_LEADER),
        (leader(), MoveLeader(7, FOUR), BAD_LEADER_TRANSFEREE),
    ],
)
def test_what_is_not_begun_is_refused_at_once_and_for_certain(
    driven: Driven, wish: ChangeMembers | MoveLeader, refusal: ApiError
) -> None:
    assert given(driven, wish) == [AdminReply(7, refusal)]
    assert refusal.definite


def test_every_objection_has_an_answer() -> None:
    assert set(REFUSALS) == set(Objection)


def test_a_change_that_does_not_commit_in_time_is_answered_as_unknown() -> None:
    driven = leader()
    given(driven, ADD_FOUR)

    effects = driven.wake_at(driven.now + TIMEOUT)

    assert answers(effects) == [AdminReply(7, REQUEST_TIMED_OUT)]
    assert answers(driven.hear(accepted(2))) == []


def test_a_transfer_is_answered_when_the_target_is_seen_to_lead() -> None:
    driven = leader()
    driven.hear(accepted(1), PEER)

    at_once = given(driven, MoveLeader(7, PEER))
    heartbeat = msgspec.structs.replace(append(commit_index=1), term=Term(2))
    led = driven.hear(heartbeat, PEER)

    assert answers(at_once) == []
    assert answers(led) == [AdminReply(7, LeaderMoved(PEER))]


def test_a_transfer_to_the_leader_itself_is_done_at_once() -> None:
    assert given(leader(), MoveLeader(7, ME)) == [AdminReply(7, LeaderMoved(ME))]


def test_a_transfer_that_takes_too_long_is_answered_as_unknown() -> None:
    driven = leader()
    driven.ask(put())
    given(driven, MoveLeader(7, OTHER))

    effects = driven.wake_at(driven.now + TIMEOUT)

    assert answers(effects) == [AdminReply(7, LEADER_TRANSFER_TIMED_OUT)]


def test_the_store_is_saved_with_the_members_of_its_index() -> None:
    driven = lone_leader(backend_commit_entries=3)

    given(driven, ADD_FOUR)
    driven.ask(put())

    assert driven.backend.applied.index == 3
    saved = decode_configuration_entry(driven.backend.applied.configuration)
    assert saved.configuration == Configuration(ALONE, (FOUR,))


def test_a_node_restarts_with_the_members_its_store_was_saved_with() -> None:
    backend = MemoryBackend()
    data = encode_configuration_entry(
        ConfigurationEntry(RequestId(1), Configuration((ME, PEER), (FOUR,)))
    )
    applied = Applied(accepted(1).match_index, Term(1), data)
    backend.commit(backend.seal(applied))
    recovered = Recovered(
        hard_state=HardState(Term(1), None),
        commit_index=applied.index,
        prefix_index=applied.index,
        prefix_term=applied.term,
        configuration=data,
    )

    driven = Driven(recovered=recovered, backend=backend)

    assert driven.node.raft.configuration == Configuration((ME, PEER), (FOUR,))


def test_a_node_that_joins_waits_to_be_told_of_the_members() -> None:
    driven = Driven(())

    effects = driven.wake_at(Instant(driven.node.deadline))

    assert effects == []
    assert driven.node.raft.configuration == Configuration()
