"""For each property the oracle judges: a story it must reject by that name, and one it must accept.

Three nodes. A story is told as the host tells it: a node writes, its write is synced, it speaks,
its role changes, it applies what is committed, it crashes and comes back.
"""

import pytest

from harness.environments.simulation.oracle import Breach, Oracle
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.mvcc.commands import encode_command
from nodeimpl.raft.configuration import (
    Configuration,
    ConfigurationEntry,
    encode_configuration_entry,
)
from nodeimpl.raft.effects import Persist, RoleName
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    Proposal,
    RequestVote,
    RequestVoteReply,
)

N1, N2, N3, N4 = NodeId(1), NodeId(2), NodeId(3), NodeId(4)
LEADER, FOLLOWER, CANDIDATE = RoleName.LEADER, RoleName.FOLLOWER, RoleName.CANDIDATE


def hard(term: int, voted_for: NodeId | None = None) -> HardState:
    return HardState(Term(term), voted_for)


def entry(index: int, term: int, data: bytes = b"") -> Entry:
    return Entry(Term(term), LogIndex(index), EntryKind.COMMAND, data)


def log(*terms: int) -> tuple[Entry, ...]:
    """Return the log whose entries are of these terms."""
    return tuple(entry(index, term) for index, term in enumerate(terms, 1))


def acknowledgement(term: int, match_index: int) -> AppendEntriesReply:
    return AppendEntriesReply(
        term=Term(term),
        accepted=True,
        match_index=LogIndex(match_index),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=1,
    )


class Story:
    """Told to the oracle sentence by sentence."""

    def __init__(self) -> None:
        self.oracle = Oracle((N1, N2, N3))

    def writes(self, node: NodeId, *entries: Entry, state: HardState | None = None) -> None:
        self.oracle.wrote(node, Persist(state, entries))

    def syncs(self, node: NodeId) -> None:
        self.oracle.synced(node)

    def stores(self, node: NodeId, *entries: Entry, state: HardState | None = None) -> None:
        """Write and sync."""
        self.writes(node, *entries, state=state)
        self.syncs(node)

    def becomes(self, node: NodeId, role: RoleName, term: int) -> None:
        self.oracle.became(node, role, Term(term))

    def wins(self, node: NodeId, term: int) -> None:
        """Persist a term with a vote for oneself, get another node's vote, and lead the term."""
        self.stores(node, state=hard(term, node))
        self.stores(N1 if node == N2 else N2, state=hard(term, node))
        self.becomes(node, LEADER, term)

    def commits(self, node: NodeId, *entries: Entry) -> None:
        self.oracle.committed(node, entries)

    def crashes(self, node: NodeId) -> None:
        self.oracle.crashed(node)

    def recovers(
        self, node: NodeId, *entries: Entry, state: HardState, prefix_index: int = 0
    ) -> None:
        self.oracle.recovered(node, state, entries, LogIndex(prefix_index))

    def saves(self, node: NodeId, index: int, term: int, store_hash: int = 7) -> None:
        """Make the store durable, as the outcome of the log up to `index`."""
        self.oracle.saved(node, LogIndex(index), Term(term), store_hash)

    def trims(self, node: NodeId, index: int, term: int) -> None:
        self.oracle.trimmed(node, LogIndex(index), Term(term))


@pytest.fixture
def story() -> Story:
    return Story()


def committed_by_n1_and_n2(*terms: int) -> Story:
    """Return a story in which a log is durable on n1 and n2, and committed by n1, term after term.

    n1 leads the last term.
    """
    story = Story()
    for index, term in enumerate(terms, 1):
        if term != ([0, *terms])[index - 1]:
            story.wins(N1, term)
            story.stores(N2, state=hard(term, N1))
        for node in (N1, N2):
            story.stores(node, entry(index, term))
        story.commits(N1, entry(index, term))
    return story


# ------------------------------------------------------------ Election Safety (Raft §5.2)
def test_two_leaders_of_one_term_breach_election_safety(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N3, state=hard(1, N3))
    with pytest.raises(Breach, match="both n1 and n3 became leader of term 1") as breach:
        story.becomes(N3, LEADER, 1)
    assert breach.value.rule == "Election Safety (Raft §5.2)"


def test_two_leaders_of_two_terms_do_not(story: Story) -> None:
    story.wins(N1, 1)
    story.wins(N2, 2)


def test_one_leader_may_tell_of_its_term_twice(story: Story) -> None:
    story.wins(N1, 1)
    story.becomes(N1, LEADER, 1)


def test_a_term_has_one_leader_even_after_a_crash(story: Story) -> None:
    story.wins(N1, 1)
    story.crashes(N1)
    story.stores(N3, state=hard(1, N3))
    with pytest.raises(Breach) as breach:
        story.becomes(N3, LEADER, 1)
    assert breach.value.rule == "Election Safety (Raft §5.2)"


# ------------------------------------------------------------ majority of votes (Raft §5.2)
def test_a_leader_with_the_votes_of_a_minority_is_a_breach(story: Story) -> None:
    story.stores(N1, state=hard(1, N1))
    with pytest.raises(Breach, match="only n1 voted for it in that term") as breach:
        story.becomes(N1, LEADER, 1)
    assert breach.value.rule == "Majority of votes (Raft §5.2)"


def test_votes_of_earlier_terms_do_not_count(story: Story) -> None:
    story.stores(N1, state=hard(1, N1))
    story.stores(N2, state=hard(1, N1))
    story.stores(N1, state=hard(2, N1))
    with pytest.raises(Breach) as breach:
        story.becomes(N1, LEADER, 2)
    assert breach.value.rule == "Majority of votes (Raft §5.2)"


def test_votes_that_are_not_durable_do_not_count(story: Story) -> None:
    story.stores(N1, state=hard(1, N1))
    story.writes(N2, state=hard(1, N1))
    with pytest.raises(Breach) as breach:
        story.becomes(N1, LEADER, 1)
    assert breach.value.rule == "Majority of votes (Raft §5.2)"


def test_a_voter_that_went_on_to_a_later_term_has_voted_all_the_same(story: Story) -> None:
    story.stores(N1, state=hard(1, N1))
    story.stores(N2, state=hard(1, N1))
    story.stores(N2, state=hard(2))
    story.becomes(N1, LEADER, 1)


# ------------------------------------------------------------ election restriction (Raft §5.4.1)
def votes_for_n2(story: Story, last_index: int, last_term: int) -> None:
    """Let n2 ask in term 4 with a log that ends so, and n1 grant its vote."""
    story.stores(N2, state=hard(4, N2))
    story.oracle.sent(N2, N1, RequestVote(Term(4), LogIndex(last_index), Term(last_term)))
    story.stores(N1, state=hard(4, N2))
    story.oracle.sent(N1, N2, RequestVoteReply(Term(4), vote_granted=True))


def test_a_vote_for_a_shorter_log_is_a_breach(story: Story) -> None:
    story.stores(N1, *log(1, 3), state=hard(3))
    with pytest.raises(Breach, match="n1, whose log ends at 2 of term 3, votes") as breach:
        votes_for_n2(story, 1, 3)
    assert breach.value.rule == "Election restriction (Raft §5.4.1)"


def test_a_vote_for_a_longer_log_of_an_earlier_term_is_a_breach(story: Story) -> None:
    story.stores(N1, *log(1, 3), state=hard(3))
    with pytest.raises(Breach) as breach:
        votes_for_n2(story, 9, 2)
    assert breach.value.rule == "Election restriction (Raft §5.4.1)"


def test_a_vote_for_an_equal_log_is_none(story: Story) -> None:
    story.stores(N1, *log(1, 3), state=hard(3))
    votes_for_n2(story, 2, 3)


def test_a_vote_for_a_shorter_log_of_a_later_term_is_none(story: Story) -> None:
    story.stores(N1, *log(1, 2), state=hard(2))
    votes_for_n2(story, 1, 3)


# ------------------------------------------------------------ earlier terms (Raft §5.4.2)
def test_a_leader_that_commits_an_entry_of_an_earlier_term_alone_is_a_breach(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.stores(N2, *log(1), state=hard(1))
    story.wins(N1, 2)
    with pytest.raises(Breach, match="leader of term 2, committed up to entry 1") as breach:
        story.commits(N1, entry(1, 1))
    assert breach.value.rule == "Commitment of earlier terms (Raft §5.4.2, Figure 8)"


def test_a_leader_that_commits_it_with_one_of_its_own_is_none(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.stores(N2, *log(1), state=hard(1))
    story.wins(N1, 2)
    story.stores(N1, entry(2, 2))
    story.stores(N2, entry(2, 2))
    story.commits(N1, entry(1, 1), entry(2, 2))


# ------------------------------------------------------------ Leader Append-Only (Raft §5.3)
def test_a_leader_that_overwrites_its_log_breaches_leader_append_only(story: Story) -> None:
    story.wins(N1, 2)
    story.stores(N1, *log(2, 2))
    with pytest.raises(Breach, match="overwrote its own log from index 2") as breach:
        story.stores(N1, entry(2, 2, b"other"))
    assert breach.value.rule == "Leader Append-Only (Raft §5.3)"


def test_a_leader_that_appends_does_not(story: Story) -> None:
    story.wins(N1, 2)
    story.stores(N1, *log(2, 2))
    story.stores(N1, entry(3, 2))


def test_a_leader_that_stepped_down_may_be_overwritten(story: Story) -> None:
    story.wins(N1, 2)
    story.stores(N1, *log(2, 2))
    story.becomes(N1, FOLLOWER, 3)
    story.stores(N1, entry(2, 3), state=hard(3))


def test_a_leader_that_crashed_may_be_overwritten(story: Story) -> None:
    story.wins(N1, 2)
    story.stores(N1, *log(2, 2))
    story.crashes(N1)
    story.recovers(N1, *log(2, 2), state=hard(2, N1))
    story.stores(N1, entry(2, 3), state=hard(3))


# ------------------------------------------------------------ Log Matching (Raft §5.3)
def test_one_index_and_term_with_two_contents_breach_log_matching(story: Story) -> None:
    story.stores(N1, entry(1, 1, b"one"), state=hard(1))
    with pytest.raises(Breach, match="n2 holds an entry 1 of term 1") as breach:
        story.stores(N2, entry(1, 1, b"other"), state=hard(1))
    assert breach.value.rule == "Log Matching (Raft §5.3)"


def test_one_index_and_term_with_two_histories_breach_log_matching(story: Story) -> None:
    story.stores(N1, *log(1, 3), state=hard(3))
    with pytest.raises(Breach, match="n2 holds an entry 2 of term 3") as breach:
        story.stores(N2, *log(2, 3), state=hard(3))
    assert breach.value.rule == "Log Matching (Raft §5.3)"


def test_logs_that_part_in_different_terms_do_not(story: Story) -> None:
    story.stores(N1, *log(1, 2), state=hard(2))
    story.stores(N2, *log(1, 3), state=hard(3))


# ------------------------------------------------------------ Leader Completeness (Raft §5.4)
def test_a_leader_without_a_committed_entry_breaches_leader_completeness() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.stores(N3, *log(1), state=hard(1))
    with pytest.raises(
        Breach, match="n3 became leader of term 2 without the committed entry 2"
    ) as (breach):
        story.wins(N3, 2)
    assert breach.value.rule == "Leader Completeness (Raft §5.4)"


def test_a_leader_with_another_entry_in_its_place_breaches_it_too() -> None:
    story = committed_by_n1_and_n2(2)
    story.stores(N3, *log(1, 1, 1), state=hard(2))
    with pytest.raises(Breach) as breach:
        story.wins(N3, 3)
    assert breach.value.rule == "Leader Completeness (Raft §5.4)"


def test_a_leader_with_all_committed_entries_does_not() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.wins(N2, 2)


def test_what_a_leader_has_only_written_does_not_count_for_its_completeness() -> None:
    story = committed_by_n1_and_n2(1)
    story.stores(N1, state=hard(2, N3))
    story.stores(N3, state=hard(2, N3))
    story.writes(N3, *log(1))
    with pytest.raises(Breach) as breach:
        story.becomes(N3, LEADER, 2)
    assert breach.value.rule == "Leader Completeness (Raft §5.4)"


def test_a_leader_that_tells_late_of_its_election_need_not_hold_what_came_after_it() -> None:
    story = committed_by_n1_and_n2(1)
    story.becomes(N1, FOLLOWER, 2)
    story.stores(N1, state=hard(2, N1))
    story.stores(N2, state=hard(2, N1))
    story.stores(N2, state=hard(3, N2))
    story.stores(N2, entry(2, 3))
    story.stores(N3, *log(1), entry(2, 3), state=hard(3, N2))
    story.commits(N3, entry(2, 3))
    story.becomes(N1, LEADER, 2)


def test_a_commit_that_shows_after_a_later_election_counts_as_well(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N1, *log(1))
    story.stores(N2, *log(1), state=hard(1, N1))
    story.wins(N3, 2)
    with pytest.raises(Breach, match="n3, leader of term 2, does not have it") as breach:
        story.commits(N1, entry(1, 1))
    assert breach.value.rule == "Leader Completeness (Raft §5.4)"


def test_a_late_commit_of_what_the_later_leader_has_does_not(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N1, *log(1))
    story.stores(N2, *log(1), state=hard(1, N1))
    story.wins(N2, 2)
    story.commits(N1, entry(1, 1))


# ------------------------------------------------------------ State Machine Safety (Raft §5.4.3)
def test_two_entries_applied_at_one_index_breach_state_machine_safety() -> None:
    story = committed_by_n1_and_n2(1)
    with pytest.raises(Breach, match="n3 applied at index 1 an entry of term 2") as breach:
        story.commits(N3, entry(1, 2))
    assert breach.value.rule == "State Machine Safety (Raft §5.4.3)"


def test_one_entry_applied_by_all_does_not() -> None:
    story = committed_by_n1_and_n2(1)
    story.commits(N2, entry(1, 1))
    story.commits(N3, entry(1, 1))


def test_an_entry_applied_before_its_predecessor_was_committed_breaches_it(story: Story) -> None:
    story.stores(N1, *log(1, 1), state=hard(1))
    with pytest.raises(Breach, match="though only 0 entries were ever committed") as breach:
        story.commits(N1, entry(2, 1))
    assert breach.value.rule == "State Machine Safety (Raft §5.4.3)"


# ------------------------------------------------------------ Durability (Raft §5.3)
def test_a_commit_that_a_minority_holds_breaches_durability(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N1, *log(1))
    with pytest.raises(
        Breach, match="only n1 held it durably; a majority of n1 n2 n3 must"
    ) as breach:
        story.commits(N1, entry(1, 1))
    assert breach.value.rule == "Durability (Raft §5.3)"


def test_a_commit_that_a_majority_has_written_but_not_synced_breaches_it(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N1, *log(1))
    story.stores(N2, state=hard(1, N1))
    story.writes(N2, *log(1))
    with pytest.raises(Breach) as breach:
        story.commits(N1, entry(1, 1))
    assert breach.value.rule == "Durability (Raft §5.3)"


def test_a_commit_that_a_majority_holds_does_not(story: Story) -> None:
    story.wins(N1, 1)
    story.stores(N1, *log(1))
    story.stores(N2, *log(1), state=hard(1, N1))
    story.commits(N1, entry(1, 1))
    assert story.oracle.commit_count == 1


def test_a_holder_of_another_entry_at_the_index_is_no_holder(story: Story) -> None:
    story.stores(N1, *log(2), state=hard(2))
    story.stores(N2, *log(1), state=hard(1))
    with pytest.raises(Breach) as breach:
        story.commits(N1, entry(1, 2))
    assert breach.value.rule == "Durability (Raft §5.3)"


# ------------------------------------------------------------ acknowledgements (Raft Figure 2)
def followed_by_n2_with(*terms: int) -> Story:
    """Return a story in which n1 leads term 2 with a log of the terms 1 and 2, and n2 has this."""
    story = Story()
    story.wins(N1, 2)
    story.stores(N1, *log(1, 2))
    story.stores(N2, *log(*terms))
    return story


def test_an_acknowledged_entry_that_the_leader_does_not_hold_is_a_breach() -> None:
    story = followed_by_n2_with(1, 1)
    with pytest.raises(Breach, match="n2 acknowledged entries up to 2 in term 2") as breach:
        story.oracle.sent(N2, N1, acknowledgement(2, 2))
    assert breach.value.rule == "Acknowledgement (Raft Figure 2, matchIndex)"


def test_one_that_stands_behind_what_is_acknowledged_is_none() -> None:
    story = followed_by_n2_with(1, 1)
    story.oracle.sent(N2, N1, acknowledgement(2, 1))


def test_one_that_the_leader_has_not_synced_yet_is_none() -> None:
    story = followed_by_n2_with(1, 2, 2)
    story.writes(N1, entry(3, 2))
    story.oracle.sent(N2, N1, acknowledgement(2, 3))


def test_one_that_who_led_has_replaced_under_a_later_leader_is_none() -> None:
    story = followed_by_n2_with(1, 2)
    story.becomes(N1, FOLLOWER, 3)
    story.stores(N1, entry(2, 3), state=hard(3, N3))
    story.oracle.sent(N2, N1, acknowledgement(2, 2))


# ------------------------------------------------------------ Persistence (Raft Figure 2)
def test_a_term_told_before_it_is_durable_breaches_persistence(story: Story) -> None:
    story.stores(N1, state=hard(1))
    story.writes(N1, state=hard(2))
    refusal = RequestVoteReply(Term(2), vote_granted=False)
    with pytest.raises(Breach, match="n1 tells n2 of term 2, but its durable term is 1") as breach:
        story.oracle.sent(N1, N2, refusal)
    assert breach.value.rule == "Persistence (Raft §5.1)"


def test_a_durable_term_does_not(story: Story) -> None:
    story.stores(N1, state=hard(2))
    story.oracle.sent(N1, N2, RequestVoteReply(Term(2), vote_granted=False))
    story.oracle.sent(N1, N2, Proposal(Term(2), RequestId(1), b""))
    heartbeat = AppendEntries(Term(2), LogIndex(0), Term(0), (), LogIndex(0), 1)
    story.oracle.sent(N1, N2, heartbeat)


def test_a_vote_granted_before_it_is_durable_breaches_persistence(story: Story) -> None:
    story.stores(N1, state=hard(2))
    story.writes(N1, state=hard(2, N2))
    with pytest.raises(Breach, match="n1 grants its vote to n2 in term 2") as breach:
        story.oracle.sent(N1, N2, RequestVoteReply(Term(2), vote_granted=True))
    assert breach.value.rule == "Persistence (Raft §5.2)"


def test_a_vote_granted_to_another_than_the_durable_one_breaches_it(story: Story) -> None:
    story.stores(N1, state=hard(2, N3))
    with pytest.raises(Breach) as breach:
        story.oracle.sent(N1, N2, RequestVoteReply(Term(2), vote_granted=True))
    assert breach.value.rule == "Persistence (Raft §5.2)"


def test_a_durable_vote_does_not(story: Story) -> None:
    story.stores(N2, state=hard(2, N2))
    story.oracle.sent(N2, N1, RequestVote(Term(2), LogIndex(0), Term(0)))
    story.stores(N1, state=hard(2, N2))
    story.oracle.sent(N1, N2, RequestVoteReply(Term(2), vote_granted=True))


def test_a_candidate_that_has_not_stored_its_own_vote_breaches_persistence(story: Story) -> None:
    story.stores(N1, state=hard(2))
    with pytest.raises(Breach, match="n1 asks for votes in term 2") as breach:
        story.oracle.sent(N1, N2, RequestVote(Term(2), LogIndex(0), Term(0)))
    assert breach.value.rule == "Persistence (Raft §5.2)"


def test_a_candidate_that_has_stored_it_does_not(story: Story) -> None:
    story.stores(N1, state=hard(2, N1))
    story.oracle.sent(N1, N2, RequestVote(Term(2), LogIndex(0), Term(0)))


def test_entries_acknowledged_before_they_are_durable_breach_persistence(story: Story) -> None:
    story.stores(N2, *log(1), state=hard(1))
    story.writes(N2, entry(2, 1))
    with pytest.raises(
        Breach, match="acknowledged entries up to 2 in term 1, but only 1"
    ) as breach:
        story.oracle.sent(N2, N1, acknowledgement(1, 2))
    assert breach.value.rule == "Persistence (Raft §5.3)"


def test_durable_entries_acknowledged_do_not(story: Story) -> None:
    story.stores(N2, *log(1), state=hard(1))
    story.writes(N2, entry(2, 1))
    story.oracle.sent(N2, N1, acknowledgement(1, 1))
    story.syncs(N2)
    story.oracle.sent(N2, N1, acknowledgement(1, 2))


# ------------------------------------------------------------ hard states (Raft §5.1, §5.2)
def test_a_term_that_falls_breaches_term_monotonicity(story: Story) -> None:
    story.stores(N1, state=hard(3))
    with pytest.raises(Breach, match="n1 went back from term 3 to 2") as breach:
        story.stores(N1, state=hard(2))
    assert breach.value.rule == "Term monotonicity (Raft §5.1)"


def test_a_term_that_stays_or_rises_does_not(story: Story) -> None:
    story.stores(N1, state=hard(3))
    story.stores(N1, state=hard(3, N2))
    story.stores(N1, state=hard(4))


def test_a_vote_changed_within_a_term_breaches_one_vote_per_term(story: Story) -> None:
    story.stores(N1, state=hard(3, N2))
    with pytest.raises(Breach, match="n1 voted for n2 in term 3 and then") as breach:
        story.stores(N1, state=hard(3, N3))
    assert breach.value.rule == "One vote per term (Raft §5.2)"


def test_a_vote_taken_back_within_a_term_breaches_it_too(story: Story) -> None:
    story.stores(N1, state=hard(3, N2))
    with pytest.raises(Breach) as breach:
        story.stores(N1, state=hard(3, None))
    assert breach.value.rule == "One vote per term (Raft §5.2)"


def test_another_vote_in_another_term_does_not(story: Story) -> None:
    story.stores(N1, state=hard(3, N2))
    story.stores(N1, state=hard(4, N3))


# ------------------------------------------------------------ Contiguous log (Raft §5.3)
def test_an_entry_beyond_the_end_of_the_log_leaves_a_gap(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    with pytest.raises(Breach, match="stored entry 3 though its log ends at 1") as breach:
        story.stores(N1, entry(3, 1))
    assert breach.value.rule == "Contiguous log (Raft §5.3)"


def test_an_entry_at_the_end_or_before_it_does_not(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.stores(N1, entry(2, 1))
    story.stores(N1, entry(2, 2), state=hard(2))


# ------------------------------------------------------------ Recovery (Raft §5.1, Figure 2)
def test_a_recovery_without_a_synced_entry_is_a_breach(story: Story) -> None:
    story.stores(N1, *log(1, 1), state=hard(1))
    story.crashes(N1)
    with pytest.raises(Breach, match="n1 came back with term 1") as breach:
        story.recovers(N1, *log(1), state=hard(1))
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


def test_a_recovery_without_the_synced_vote_is_a_breach(story: Story) -> None:
    story.stores(N1, state=hard(1, N2))
    story.crashes(N1)
    with pytest.raises(Breach) as breach:
        story.recovers(N1, state=hard(1))
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


def test_a_recovery_of_what_was_never_written_is_a_breach(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.crashes(N1)
    with pytest.raises(Breach) as breach:
        story.recovers(N1, *log(1, 1), state=hard(1))
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


def test_a_recovery_of_exactly_what_was_synced_is_none(story: Story) -> None:
    story.stores(N1, *log(1, 1), state=hard(1, N2))
    story.crashes(N1)
    story.recovers(N1, *log(1, 1), state=hard(1, N2))


@pytest.mark.parametrize("surviving", [0, 1, 2, 3])
def test_any_number_of_the_first_unsynced_writes_may_survive(story: Story, surviving: int) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.writes(N1, entry(2, 1))
    story.writes(N1, entry(3, 1))
    story.writes(N1, entry(2, 2), state=hard(2))
    story.crashes(N1)
    logs = (log(1), log(1, 1), log(1, 1, 1), log(1, 2))
    terms = (1, 1, 1, 2)
    story.recovers(N1, *logs[surviving], state=hard(terms[surviving]))


def test_a_later_unsynced_write_cannot_survive_an_earlier_one(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.writes(N1, state=hard(2))
    story.writes(N1, entry(2, 1))
    story.crashes(N1)
    with pytest.raises(Breach) as breach:
        story.recovers(N1, *log(1, 1), state=hard(1))
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


def test_what_did_not_survive_one_crash_cannot_come_back_after_the_next(story: Story) -> None:
    story.stores(N1, *log(1), state=hard(1))
    story.writes(N1, entry(2, 1))
    story.crashes(N1)
    story.recovers(N1, *log(1), state=hard(1))
    story.crashes(N1)
    with pytest.raises(Breach) as breach:
        story.recovers(N1, *log(1, 1), state=hard(1))
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


# ------------------------------------------------------------ snapshots (Raft §7)
def test_a_store_of_more_than_is_committed_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1)
    with pytest.raises(Breach, match="entry 3 of term 1, but 2 entries are committed") as breach:
        story.saves(N1, 3, 1)
    assert breach.value.rule == "Snapshots (Raft §7)"


def test_a_store_that_is_the_outcome_of_another_entry_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 2)
    with pytest.raises(Breach, match="and that one is of term 2") as breach:
        story.saves(N3, 2, 1)
    assert breach.value.rule == "Snapshots (Raft §7)"


def test_a_store_that_goes_back_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.saves(N1, 2, 1)
    with pytest.raises(Breach, match="went back from a store that is the outcome of 2") as breach:
        story.saves(N1, 1, 1, store_hash=6)
    assert breach.value.rule == "Snapshots (Raft §7)"


def test_unequal_stores_of_the_same_log_are_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.saves(N1, 2, 1, store_hash=0xA)
    with pytest.raises(Breach, match="n1 and n2 have both applied 2 entries") as breach:
        story.saves(N2, 2, 1, store_hash=0xB)
    assert breach.value.rule == "State Machine Safety (Raft §5.4.3)"


def test_unequal_stores_of_different_logs_are_none() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.saves(N1, 2, 1, store_hash=0xA)
    story.saves(N2, 1, 1, store_hash=0xB)


def test_a_log_trimmed_before_its_store_is_durable_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.saves(N1, 1, 1)
    with pytest.raises(Breach, match="store is the outcome of entry 1") as breach:
        story.trims(N1, 2, 1)
    assert breach.value.rule == "Snapshots (Raft §7)"


def test_a_log_trimmed_as_far_as_its_store_goes_is_none() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.saves(N1, 2, 1)
    story.trims(N1, 2, 1)


def test_a_trim_that_names_another_term_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 2)
    story.saves(N1, 2, 2)
    with pytest.raises(Breach, match="trimmed its log up to entry 2 of term 1") as breach:
        story.trims(N1, 2, 1)
    assert breach.value.rule == "Snapshots (Raft §7)"


def test_who_installed_a_snapshot_may_acknowledge_what_it_stands_for_and_no_more() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.stores(N3, state=hard(1))
    story.saves(N3, 2, 1)
    story.oracle.sent(N3, N1, acknowledgement(1, 2))
    with pytest.raises(Breach) as breach:
        story.oracle.sent(N3, N1, acknowledgement(1, 3))
    assert breach.value.rule == "Persistence (Raft §5.3)"


def test_who_installed_a_snapshot_counts_for_what_follows_it() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.stores(N3, state=hard(1))
    story.saves(N3, 2, 1)
    story.stores(N1, entry(3, 1))
    story.stores(N3, entry(3, 1))
    story.commits(N1, entry(3, 1))


def test_who_installed_a_snapshot_has_all_that_a_leader_needs() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.saves(N3, 2, 1)
    story.wins(N3, 2)


def test_a_snapshot_replaces_a_log_that_conflicts_with_it() -> None:
    story = committed_by_n1_and_n2(1, 2)
    story.stores(N3, entry(1, 1), entry(2, 1), entry(3, 1), state=hard(2))
    story.saves(N3, 2, 2)
    with pytest.raises(Breach, match="only 2 are durable"):
        story.oracle.sent(N3, N1, acknowledgement(2, 3))


def test_a_store_made_durable_keeps_the_log_behind_it() -> None:
    story = committed_by_n1_and_n2(1, 1)
    story.stores(N1, entry(3, 1))
    story.saves(N1, 2, 1)
    story.oracle.sent(N1, N2, acknowledgement(1, 3))


def test_a_recovery_behind_the_prefix_is_none() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.saves(N2, 2, 1)
    story.trims(N2, 2, 1)
    story.crashes(N2)
    story.recovers(N2, entry(3, 1), state=hard(1, N1), prefix_index=2)


def test_a_recovery_from_a_snapshot_whose_trim_was_never_written_is_none() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.stores(N3, entry(1, 1), state=hard(1))
    story.saves(N3, 3, 1)
    story.crashes(N3)
    story.recovers(N3, state=hard(1), prefix_index=3)


def test_a_recovery_without_what_follows_the_prefix_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.saves(N2, 2, 1)
    story.trims(N2, 2, 1)
    story.crashes(N2)
    with pytest.raises(Breach) as breach:
        story.recovers(N2, state=hard(1, N1), prefix_index=2)
    assert breach.value.rule == "Recovery (Raft §5.1, Figure 2)"


def test_a_recovery_of_a_log_trimmed_beyond_the_store_is_a_breach() -> None:
    story = committed_by_n1_and_n2(1, 1, 1)
    story.saves(N2, 1, 1)
    story.crashes(N2)
    with pytest.raises(Breach) as breach:
        story.recovers(N2, state=hard(1, N1), prefix_index=3)
    assert breach.value.rule == "Recovery (Raft §7)"


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


# ------------------------------------------------------------ exactly once (Raft §8)
def request(index: int, request_id: int) -> Entry:
    return entry(index, 1, encode_command(RequestId(request_id), PutRequest(key=b"k")))


def commits_requests(story: Story, *request_ids: int) -> None:
    """Let n1 lead, and commit a log of these requests."""
    entries = tuple(request(index, each) for index, each in enumerate(request_ids, 1))
    story.wins(N1, 1)
    story.stores(N1, *entries)
    story.stores(N2, *entries)
    story.commits(N1, *entries)


def test_a_request_committed_twice_is_a_breach(story: Story) -> None:
    with pytest.raises(Breach, match=r"entry 3 .* request 0x7; entry 1 was") as breach:
        commits_requests(story, 7, 8, 7)
    assert breach.value.rule == "Exactly once (Raft §8)"


def test_requests_committed_once_are_none(story: Story) -> None:
    commits_requests(story, 7, 8, 9)


def test_an_entry_that_two_nodes_apply_counts_once(story: Story) -> None:
    commits_requests(story, 7)
    story.commits(N2, request(1, 7))
