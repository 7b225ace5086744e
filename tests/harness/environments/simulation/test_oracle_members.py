"""What the oracle says of members: a story it must reject by that name, and one it must accept."""

import pytest

from harness.environments.simulation.oracle import Breach
from nodeimpl.ids import LogIndex, RequestId, Term
from nodeimpl.raft.configuration import (
    Configuration,
    ConfigurationEntry,
    encode_configuration_entry,
)
from nodeimpl.raft.messages import (
    Entry,
    EntryKind,
)
from tests.harness.environments.simulation.oracle_story import (
    N1,
    N2,
    N3,
    N4,
    Story,
    entry,
    hard,
)


# ------------------------------------------------------------ Membership (Raft §6)
def members(index: int, term: int, of: Configuration) -> Entry:
    data = encode_configuration_entry(ConfigurationEntry(RequestId(1), of))
    return Entry(Term(term), LogIndex(index), EntryKind.CONFIGURATION, data)


ALL = (N1, N2, N3)
JOINT = Configuration((N1, N2), (), ALL)


def test_voters_that_change_at_once_breach_joint_consensus(story: Story) -> None:
    with pytest.raises(Breach, match="majorities of the one that know nothing") as breach:
        story.stores(N1, members(1, 1, Configuration((N1, N2))), state=hard(1))
    assert breach.value.rule == "Joint consensus (Raft §6)"


def test_learners_that_change_at_once_do_not(story: Story) -> None:
    story.stores(N1, members(1, 1, Configuration(ALL, (N4,))), state=hard(1))


def test_a_change_that_follows_one_not_committed_is_a_breach(story: Story) -> None:
    story.stores(N1, members(1, 1, JOINT), state=hard(1))
    with pytest.raises(Breach, match="though the change by entry 1 is not committed") as breach:
        story.stores(N1, members(2, 1, Configuration((N1, N2))))
    assert breach.value.rule == "One change at a time (Raft §6)"


def test_a_change_that_follows_a_committed_one_is_none(story: Story) -> None:
    joint = members(1, 1, JOINT)
    story.wins(N1, 1)
    story.stores(N1, joint)
    story.stores(N2, joint)
    story.commits(N1, joint)
    story.stores(N1, members(2, 1, Configuration((N1, N2))))


def test_a_commit_needs_a_majority_of_the_members_in_force(story: Story) -> None:
    joint = members(1, 1, Configuration((N1, N4), (), ALL))
    story.oracle.joined(N4)
    story.wins(N1, 1)
    story.stores(N1, joint)
    story.stores(N2, joint)
    with pytest.raises(Breach, match="only n1, n2 held it durably; a majority of n1 n4 must"):
        story.commits(N1, joint)


def test_a_leader_needs_votes_of_the_members_in_force(story: Story) -> None:
    story.oracle.joined(N4)
    story.stores(N1, members(1, 1, Configuration((N1, N4), (), ALL)), state=hard(1))
    with pytest.raises(Breach, match="a majority of n1 n4 must"):
        story.wins(N1, 2)


def test_a_node_that_joined_counts_once_it_is_a_voter(story: Story) -> None:
    joint = members(1, 1, Configuration((N1, N4), (), ALL))
    story.oracle.joined(N4)
    story.wins(N1, 1)
    story.stores(N1, joint)
    story.stores(N2, joint)
    story.stores(N4, joint, state=hard(1))
    story.commits(N1, joint)


def test_the_members_of_a_node_are_those_its_log_names_last(story: Story) -> None:
    story.stores(N1, members(1, 1, JOINT), state=hard(1))
    story.stores(N1, entry(2, 1))
    assert story.oracle.members_of(N1) == JOINT
    assert story.oracle.members_of(N2) == Configuration(ALL)


def test_the_members_of_a_node_that_writes_are_not_known(story: Story) -> None:
    story.writes(N1, members(1, 1, JOINT), state=hard(1))
    assert story.oracle.members_of(N1) is None
