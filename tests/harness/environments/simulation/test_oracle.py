"""For each property the oracle judges: a story it must reject by that name, and one it must accept.

Elections, logs and commits; what concerns disks and members has files of its own.
"""

import pytest

from harness.environments.simulation.oracle import Breach
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import LogIndex, RequestId, Term
from nodeimpl.mvcc.commands import encode_command
from nodeimpl.raft.messages import (
    Entry,
    RequestVote,
    RequestVoteReply,
)
from tests.harness.environments.simulation.oracle_story import (
    FOLLOWER,
    LEADER,
    N1,
    N2,
    N3,
    Story,
    acknowledgement,
    committed_by_n1_and_n2,
    entry,
    hard,
    log,
)


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
