"""Membership changes by the rules of the paper and thesis, one test each (Raft §6; thesis §4)."""

from random import Random
from typing import Final

import msgspec
import pytest

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    ConfigurationEntry,
    Objection,
    encode_configuration_entry,
)
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Commit, ConfigurationChanged, ReadReady, RoleName, Send
from nodeimpl.raft.messages import (
    Entry,
    EntryKind,
    HardState,
    RequestVote,
    RequestVoteReply,
)
from nodeimpl.raft.state import Recovered
from tests.nodeimpl.raft.situations import (
    CONFIG,
    ME,
    OTHER,
    PEER,
    START,
    THREE,
    accepted,
    append,
    append_to,
    entries,
    entry,
    established_leader,
    follower,
    kinds,
    leader,
    role_of_leader,
    sent_to,
)

FOUR: Final = NodeId(4)
ASKED: Final = RequestId(7)
LATER: Final = Instant(START + CONFIG.election_timeout_ns_max)


def configuration(
    *voters: int, learners: tuple[int, ...] = (), outgoing: tuple[int, ...] | None = None
) -> Configuration:
    return msgspec.convert((voters, learners, outgoing), Configuration)


def members(
    index: int,
    term: int,
    of: Configuration,
) -> Entry:
    data = encode_configuration_entry(ConfigurationEntry(ASKED, of))
    return Entry(Term(term), LogIndex(index), EntryKind.CONFIGURATION, data)


def leader_with_learner() -> Raft:
    """Return a leader of voters 1, 2, 3 and learner 4, who has caught up."""
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(added=(FOUR,)))
    raft.receive(START, PEER, accepted(raft, 2))
    raft.receive(START, FOUR, accepted(raft, 2, round_=1))
    return raft


# ------------------------------------------------------------------ Raft §6: when, and of whom


def test_6_a_configuration_is_in_force_as_soon_as_it_is_in_the_log() -> None:
    raft = follower(1, voters=(ME, PEER))

    effects = raft.receive(
        START,
        PEER,
        append(members(2, 1, configuration(1, 2, 3)), term=1, prev_index=1, prev_term=1),
    )

    assert ConfigurationChanged(LogIndex(2), configuration(1, 2, 3)) in effects
    assert raft.configuration == configuration(1, 2, 3)


def test_6_a_configuration_that_is_truncated_is_in_force_no_more() -> None:
    raft = follower(1, voters=(ME, PEER))
    raft.receive(
        START,
        PEER,
        append(members(2, 1, configuration(1, 2, 3)), term=1, prev_index=1, prev_term=1),
    )

    effects = raft.receive(START, PEER, append(entry(2, 2), term=2, prev_index=1, prev_term=1))

    assert ConfigurationChanged(LogIndex(1), configuration(1, 2)) not in effects
    assert ConfigurationChanged(LogIndex(0), configuration(1, 2)) in effects
    assert raft.configuration == configuration(1, 2)


def test_6_the_latest_of_several_configurations_is_in_force() -> None:
    raft = follower(1)

    raft.receive(
        START,
        PEER,
        append(
            members(2, 1, configuration(1, 2, outgoing=(1, 2, 3))),
            members(3, 1, configuration(1, 2)),
            term=1,
            prev_index=1,
            prev_term=1,
        ),
    )

    assert raft.configuration == configuration(1, 2)


def test_6_a_restarted_node_uses_the_latest_configuration_in_its_log() -> None:
    recovered = Recovered(
        hard_state=HardState(Term(1), None),
        entries=(*entries(1), members(2, 1, configuration(1, 2, 3, 4))),
    )

    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)

    assert raft.configuration == configuration(1, 2, 3, 4)


def test_6_a_restarted_node_uses_the_configuration_that_its_store_was_saved_with() -> None:
    applied = members(2, 1, configuration(1, 2, 3, 4))
    recovered = Recovered(
        hard_state=HardState(Term(1), None),
        entries=(*entries(1), applied, *entries(1, after=2)),
        commit_index=LogIndex(3),
        configuration=applied.data,
    )

    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)

    assert raft.configuration == configuration(1, 2, 3, 4)


# ------------------------------------------------------------------ Raft §6: joint consensus


def test_6_a_change_of_voters_begins_with_the_joint_configuration() -> None:
    raft = established_leader()

    effects = raft.change_membership(START, ASKED, Change(removed=(OTHER,)))

    joint = configuration(1, 2, outgoing=(1, 2, 3))
    assert effects[0] == ConfigurationChanged(LogIndex(2), joint)
    assert kinds(effects[1:]) == ["AppendEntries", "AppendEntries", "Persist"]
    assert raft.log.entry_at(LogIndex(2)) == members(2, 1, joint)


def test_6_the_new_configuration_follows_once_the_joint_one_is_committed() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(removed=(OTHER,)))

    raft.receive(START, PEER, accepted(raft, 2))

    assert raft.configuration == configuration(1, 2)
    assert raft.log.entry_at(LogIndex(3)) == members(3, 1, configuration(1, 2))


def test_6_a_later_leader_finishes_a_change_that_it_inherits() -> None:
    recovered = Recovered(
        hard_state=HardState(Term(1), None),
        entries=(members(1, 1, configuration(1, 2, outgoing=(1, 2, 3))),),
    )
    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)
    raft.wake(raft.deadline)
    raft.receive(START, PEER, RequestVoteReply(Term(2), vote_granted=True))
    assert raft.role is RoleName.LEADER

    raft.receive(START, PEER, accepted(raft, 2))

    assert raft.log.entry_at(LogIndex(3)) == members(3, 2, configuration(1, 2))


@pytest.mark.parametrize(
    ("stored_by", "commits"),
    [
        pytest.param((2, 3), False, id="a majority of the old only"),
        pytest.param((4, 5), False, id="a majority of the new only"),
        pytest.param((3, 4), True, id="a majority of both"),
    ],
)
def test_6_a_joint_configuration_commits_with_majorities_of_both(
    stored_by: tuple[int, ...],
    commits: bool,  # noqa: FBT001 - a column of the table
) -> None:
    raft = elected_in(configuration(1, 4, 5, outgoing=(1, 2, 3)))

    for node_id in stored_by:
        raft.receive(START, NodeId(node_id), accepted(raft, 2))

    assert (raft.commit_index >= 2) == commits


def elected_in(of: Configuration) -> Raft:
    """Return a leader with this configuration in its log, not committed, and all votes."""
    recovered = Recovered(hard_state=HardState(Term(1), None), entries=(members(1, 1, of),))
    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)
    raft.wake(raft.deadline)
    for voter in of.members:
        raft.receive(START, voter, RequestVoteReply(Term(2), vote_granted=True))
    return raft


def test_6_an_election_in_a_joint_configuration_needs_majorities_of_both() -> None:
    joint = configuration(1, 4, 5, outgoing=(1, 2, 3))
    recovered = Recovered(hard_state=HardState(Term(1), None), entries=(members(1, 1, joint),))
    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)
    raft.wake(raft.deadline)

    raft.receive(START, PEER, RequestVoteReply(Term(2), vote_granted=True))
    raft.receive(START, OTHER, RequestVoteReply(Term(2), vote_granted=True))
    with_old = raft.role
    raft.receive(START, FOUR, RequestVoteReply(Term(2), vote_granted=True))

    assert (with_old, raft.role) == (RoleName.CANDIDATE, RoleName.LEADER)


def test_6_a_read_in_a_joint_configuration_needs_majorities_of_both() -> None:
    raft = leader_with_learner()
    raft.change_membership(START, ASKED, Change(promoted=(FOUR,), removed=(PEER, OTHER)))
    raft.read(START, [RequestId(9)])
    round_ = role_of_leader(raft).round

    with_old = raft.receive(START, PEER, accepted(raft, 2, round_=round_))
    with_both = raft.receive(START, FOUR, accepted(raft, 2, round_=round_))

    assert raft.configuration == configuration(1, 4, outgoing=(1, 2, 3))
    assert "ReadReady" not in kinds(with_old)
    assert ReadReady((RequestId(9),), LogIndex(2)) in with_both


# ------------------------------------------------------------------ one change at a time


def test_6_a_change_is_refused_while_another_is_not_committed() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(added=(FOUR,)))

    before = raft.objection_to_change(Change(removed=(OTHER,)))
    raft.receive(START, PEER, accepted(raft, 2))
    after = raft.objection_to_change(Change(removed=(OTHER,)))

    assert (before, after) == (Objection.CHANGE_UNDER_WAY, None)


def test_4_1_a_change_is_refused_until_the_leader_has_committed_in_its_term() -> None:
    raft = leader(1)

    assert raft.objection_to_change(Change(removed=(OTHER,))) is Objection.CHANGE_UNDER_WAY


def test_a_change_is_refused_during_a_leadership_transfer() -> None:
    raft = established_leader()
    raft.transfer(START, PEER)

    assert raft.objection_to_change(Change(removed=(OTHER,))) is Objection.CHANGE_UNDER_WAY


def test_only_a_leader_changes_the_members() -> None:
    assert follower().objection_to_change(Change(added=(FOUR,))) is Objection.NOT_LEADER


def test_a_change_that_could_not_commit_is_refused() -> None:
    # Nothing has been heard of node 3 for two looks: nodes 1 and 3 alone would be stuck.
    raft = established_leader()
    raft.wake(LATER)
    raft.receive(LATER, PEER, accepted(raft, 1, round_=2))
    raft.wake(Instant(LATER + CONFIG.election_timeout_ns_max))

    assert raft.objection_to_change(Change(removed=(PEER,))) is Objection.UNHEALTHY
    assert raft.objection_to_change(Change(removed=(OTHER,))) is None


# ------------------------------------------------------------------ thesis §4.2.1, learners


def test_4_2_1_a_new_node_begins_as_a_learner_in_one_step() -> None:
    raft = established_leader()

    raft.change_membership(START, ASKED, Change(added=(FOUR,)))

    assert raft.configuration == configuration(1, 2, 3, learners=(4,))
    assert FOUR in role_of_leader(raft).progress


def test_4_2_1_a_learner_is_sent_entries() -> None:
    raft = leader_with_learner()

    effects = raft.propose(START, [(RequestId(8), b"x")])

    assert append_to(FOUR, effects).entries == (entry(3, 1, b"x"),)


def test_4_2_1_a_learner_does_not_count_for_commitment() -> None:
    raft = leader_with_learner()
    raft.propose(START, [(RequestId(8), b"x")])

    from_learner = raft.receive(START, FOUR, accepted(raft, 3))
    from_voter = raft.receive(START, PEER, accepted(raft, 3))

    assert "Commit" not in kinds(from_learner)
    assert isinstance(from_voter[0], Commit)


def test_4_2_1_a_learner_does_not_count_for_reads() -> None:
    raft = leader_with_learner()
    raft.read(START, [RequestId(8)])
    round_ = role_of_leader(raft).round

    from_learner = raft.receive(START, FOUR, accepted(raft, 2, round_=round_))
    from_voter = raft.receive(START, PEER, accepted(raft, 2, round_=round_))

    assert "ReadReady" not in kinds(from_learner)
    assert "ReadReady" in kinds(from_voter)


def test_4_2_1_a_lone_voter_does_not_wait_for_its_learner() -> None:
    raft = leader(voters=(ME,))
    raft.wake(raft.deadline)
    raft.change_membership(START, ASKED, Change(added=(FOUR,)))

    effects = raft.propose(START, [(RequestId(8), b"x")])

    assert isinstance(effects[-1], Commit)


def test_4_2_1_a_learner_never_stands_for_election() -> None:
    raft = follower(1, voters=(ME, PEER))
    raft.receive(
        START,
        PEER,
        append(
            members(2, 1, configuration(2, 3, learners=(1,))), term=1, prev_index=1, prev_term=1
        ),
    )
    raft.receive(START, PEER, append(term=1, prev_index=2, prev_term=1, commit_index=2))

    effects = raft.wake(raft.deadline)

    assert effects == []
    assert raft.role is RoleName.FOLLOWER


def test_4_2_1_a_learner_is_not_asked_for_its_vote() -> None:
    recovered = Recovered(
        hard_state=HardState(Term(1), None),
        entries=(members(1, 1, configuration(1, 2, learners=(4,))),),
    )
    raft = Raft(CONFIG, ME, THREE, recovered, Random(0), START)

    effects = raft.wake(raft.deadline)

    assert sent_to(FOUR, effects) == []
    assert kinds(effects) == ["Became", "Persist", "RequestVote"]


def test_4_2_1_a_new_node_waits_for_the_leader_to_tell_it_of_the_members() -> None:
    raft = follower(voters=())

    effects = raft.wake(raft.deadline)

    assert effects == []
    assert raft.configuration == Configuration()


def test_4_1_a_node_heeds_leaders_and_candidates_that_it_does_not_know() -> None:
    raft = follower(voters=())

    entries_taken = raft.receive(START, PEER, append(entry(1, 1), term=1))
    vote = raft.receive(START, OTHER, RequestVote(Term(2), LogIndex(1), Term(1)))

    assert "AppendEntriesReply" in kinds(entries_taken)
    assert vote[-1] == Send(OTHER, RequestVoteReply(Term(2), vote_granted=True))


def test_4_2_1_a_learner_is_promoted_by_joint_consensus() -> None:
    raft = leader_with_learner()

    raft.change_membership(START, ASKED, Change(promoted=(FOUR,)))

    assert raft.configuration == configuration(1, 2, 3, 4, outgoing=(1, 2, 3))


def test_4_2_1_a_learner_that_was_never_heard_is_not_promoted() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(added=(FOUR,)))
    raft.receive(START, PEER, accepted(raft, 2))

    assert raft.objection_to_change(Change(promoted=(FOUR,))) is Objection.LEARNER_NOT_READY


@pytest.mark.parametrize(
    ("lacking", "objection"),
    [
        (CONFIG.append_entries_max, None),
        (CONFIG.append_entries_max + 1, Objection.LEARNER_NOT_READY),
    ],
)
def test_4_2_1_a_learner_is_ready_if_one_append_brings_it_to_the_end(
    lacking: int, objection: Objection | None
) -> None:
    raft = leader_with_learner()
    raft.propose(START, [(RequestId(8 + count), b"x") for count in range(lacking)])

    assert raft.objection_to_change(Change(promoted=(FOUR,))) is objection


# ------------------------------------------------------------------ thesis §4.2.2, removal


def test_4_2_2_a_removed_leader_does_not_count_itself() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(removed=(ME,)))
    raft.receive(START, PEER, accepted(raft, 2))
    raft.receive(START, OTHER, accepted(raft, 2))  # commits C_old,new
    raft.receive(START, PEER, accepted(raft, 3))

    with_one_of_two = raft.commit_index
    raft.receive(START, OTHER, accepted(raft, 3))

    assert (with_one_of_two, raft.commit_index) == (2, 3)


def test_4_2_2_a_removed_leader_steps_down_once_its_removal_is_committed() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(removed=(ME,)))
    for peer in (PEER, OTHER):
        raft.receive(START, peer, accepted(raft, 2))
    before = raft.role

    for peer in (PEER, OTHER):
        raft.receive(START, peer, accepted(raft, 3))

    assert (before, raft.role) == (RoleName.LEADER, RoleName.FOLLOWER)
    assert raft.wake(raft.deadline) == []


def test_4_2_2_a_node_stands_for_election_until_its_removal_is_committed() -> None:
    # It may be the only one with C_new in its log: nobody without it could win, by §5.4.1.
    raft = follower(1)
    removal = members(3, 1, configuration(2, 3))
    raft.receive(
        START,
        PEER,
        append(
            members(2, 1, configuration(2, 3, outgoing=(1, 2, 3))),
            removal,
            term=1,
            prev_index=1,
            prev_term=1,
            commit_index=2,
        ),
    )

    raft.wake(raft.deadline)
    not_counting_itself = raft.role
    raft.receive(START, PEER, RequestVoteReply(Term(2), vote_granted=True))
    raft.receive(START, OTHER, RequestVoteReply(Term(2), vote_granted=True))

    assert (not_counting_itself, raft.role) == (RoleName.CANDIDATE, RoleName.LEADER)


def test_4_2_2_a_removed_node_is_sent_nothing_more() -> None:
    raft = established_leader()
    raft.change_membership(START, ASKED, Change(removed=(OTHER,)))
    raft.receive(START, PEER, accepted(raft, 2))

    effects = raft.propose(START, [(RequestId(8), b"x")])

    assert sent_to(OTHER, effects) == []
    assert raft.receive(START, OTHER, accepted(raft, 2)) == []
