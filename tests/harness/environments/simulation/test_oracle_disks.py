"""What the oracle says of disks: a story it must reject by that name, and one it must accept."""

import pytest

from harness.environments.simulation.oracle import Breach
from nodeimpl.ids import LogIndex, RequestId, Term
from nodeimpl.raft.messages import (
    AppendEntries,
    Proposal,
    RequestVote,
    RequestVoteReply,
)
from tests.harness.environments.simulation.oracle_story import (
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
