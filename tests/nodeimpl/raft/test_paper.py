"""The rules of the Raft paper and thesis, one test each, in the order in which they are stated.

"Figure 2" is the paper's summary; its numbers are kept. Its Rules for Servers are tested in
`test_paper_rules`, what belongs to many nodes in `test_cluster_properties`, what Figures 7 and 8
draw in `scripts/`.
"""

from itertools import pairwise

import pytest

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.effects import Commit, Persist, ReadReady, Send
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import (
    EntryKind,
    HardState,
    ReadIndex,
    ReadIndexReply,
    RequestVoteReply,
)
from nodeimpl.raft.replication import may_commit
from tests.nodeimpl.raft.situations import (
    CONFIG,
    FIVE,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    append_to,
    denied,
    entries,
    entry,
    established_leader,
    follower,
    granted,
    kinds,
    leader,
    refused,
    reply_to,
    request_vote,
    role_of_leader,
)

NEVER_VOTED = None


# ------------------------------------------------------------------ Figure 2, State


def test_figure_2_term_and_vote_are_updated_on_stable_storage_before_responding() -> None:
    effects = follower().receive(START, PEER, request_vote(term=3))

    assert effects[-2:] == [
        Persist(HardState(Term(3), PEER), ()),
        Send(PEER, granted(3)),
    ]


def test_figure_2_log_is_updated_on_stable_storage_before_responding() -> None:
    new = entry(1, 1)

    effects = follower(term=1).receive(START, PEER, append(new, term=1))

    assert kinds(effects) == ["Became", "Persist", "AppendEntriesReply"]
    assert effects[1] == Persist(None, (new,))


def test_figure_2_one_persist_holds_term_and_entries() -> None:
    new = entry(1, 1)

    effects = follower().receive(START, PEER, append(new, term=1))

    assert effects[1] == Persist(HardState(Term(1), NEVER_VOTED), (new,))


def test_figure_2_commit_index_starts_at_what_the_store_has_applied() -> None:
    # Deviation: the paper starts at 0 and applies all anew; our store is durable.
    raft = follower(1, 1, 1, commit_index=2)

    effects = raft.receive(START, PEER, append(term=1, prev_index=3, prev_term=1, commit_index=3))

    assert effects[-1] == Commit(entries(1, 1, 1)[2:])


def test_figure_2_next_index_starts_behind_the_last_entry_and_match_index_at_0() -> None:
    progress = role_of_leader(leader(1, 1)).progress[PEER]

    assert (progress.next_index, progress.match_index) == (3, 0)


# ------------------------------------------------------------------ Figure 2, AppendEntries RPC


def test_append_entries_1_refuses_an_earlier_term() -> None:
    raft = follower(term=3)

    effects = raft.receive(START, PEER, append(entry(1, 2), term=2))

    reply = reply_to(PEER, effects)
    assert (reply.accepted, reply.term, raft.last_index) == (False, 3, 0)


@pytest.mark.parametrize(
    ("prev_index", "prev_term", "conflict"),
    [
        pytest.param(4, 2, (4, 0), id="no entry at prev_log_index"),
        pytest.param(9, 2, (4, 0), id="log much too short"),
        pytest.param(3, 3, (2, 2), id="entry of another term"),
    ],
)
def test_append_entries_2_refuses_unless_the_entry_before_matches(
    prev_index: int, prev_term: int, conflict: tuple[int, int]
) -> None:
    raft = follower(1, 2, 2)

    effects = raft.receive(
        START,
        PEER,
        append(entry(prev_index + 1, 3), term=3, prev_index=prev_index, prev_term=prev_term),
    )

    reply = reply_to(PEER, effects)
    assert not reply.accepted
    assert (reply.conflict_index, reply.conflict_term) == conflict
    assert raft.last_index == 3


def test_append_entries_3_a_conflicting_entry_is_deleted_and_all_that_follow_it() -> None:
    raft = follower(1, 2, 2, 2)
    new = entry(2, 3)

    effects = raft.receive(START, PEER, append(new, term=3, prev_index=1, prev_term=1))

    assert [one.term for one in raft.log.between(LogIndex(1), raft.last_index)] == [1, 3]
    assert Persist(HardState(Term(3), NEVER_VOTED), (new,)) in effects


def test_append_entries_3_without_conflict_nothing_is_deleted() -> None:
    raft = follower(1, 1, 1)

    effects = raft.receive(START, PEER, append(entry(2, 1), term=1, prev_index=1, prev_term=1))

    assert raft.last_index == 3
    assert "Persist" not in kinds(effects)


def test_append_entries_4_appends_only_what_is_not_in_the_log() -> None:
    raft = follower(1, 1)

    effects = raft.receive(START, PEER, append(*entries(1, 1, 1), term=1))

    assert Persist(None, entries(1, 1, 1)[2:]) in effects


@pytest.mark.parametrize(
    ("leader_commit", "commit_index"),
    [
        pytest.param(1, 1, id="leaderCommit is lower"),
        pytest.param(9, 2, id="the last new entry is lower"),
    ],
)
def test_append_entries_5_commit_index_is_the_lower_of_leader_commit_and_last_new_entry(
    leader_commit: int, commit_index: int
) -> None:
    raft = follower(1, 1, 1, 1)  # entries 3 and 4 have not been compared with the leader's

    raft.receive(START, PEER, append(*entries(1, 1), term=1, commit_index=leader_commit))

    assert raft.commit_index == commit_index


def test_append_entries_5_commits_behind_the_persist_of_what_is_committed() -> None:
    effects = follower(term=1).receive(START, PEER, append(entry(1, 1), term=1, commit_index=1))

    assert kinds(effects) == ["Became", "Persist", "AppendEntriesReply", "Commit"]


# ------------------------------------------------------------------ Figure 2, RequestVote RPC


def test_request_vote_1_refuses_an_earlier_term() -> None:
    effects = follower(term=3).receive(START, PEER, request_vote(term=2, last_index=9, last_term=2))

    assert effects == [Send(PEER, denied(3))]


def test_request_vote_2_grants_a_free_vote() -> None:
    effects = follower(term=3).receive(START, PEER, request_vote(term=3))

    assert effects == [Persist(HardState(Term(3), PEER), ()), Send(PEER, granted(3))]


def test_request_vote_2_grants_again_to_the_same_candidate() -> None:
    raft = follower(term=3, voted_for=PEER)

    effects = raft.receive(START, PEER, request_vote(term=3))

    assert effects == [Send(PEER, granted(3))]


def test_request_vote_2_refuses_another_candidate_of_the_same_term() -> None:
    raft = follower(term=3, voted_for=PEER)

    effects = raft.receive(START, OTHER, request_vote(term=3, last_index=9, last_term=2))

    assert effects == [Send(OTHER, denied(3))]


# ------------------------------------------------------------------ §5.1 to §5.6


def test_5_1_a_later_term_is_durable_before_it_is_answered() -> None:
    effects = leader().receive(START, PEER, request_vote(term=9))

    assert kinds(effects) == ["Became", "Persist", "RequestVoteReply"]


def test_5_1_a_later_term_is_durable_even_if_nothing_is_answered() -> None:
    effects = leader().receive(START, PEER, denied(9))

    assert effects[-1] == Persist(HardState(Term(9), NEVER_VOTED), ())


def test_5_2_election_timeouts_are_spread_over_the_configured_range() -> None:
    deadlines = sorted({follower(seed=seed).deadline for seed in range(200)})

    assert deadlines[0] >= CONFIG.election_timeout_ns_min
    assert deadlines[-1] <= CONFIG.election_timeout_ns_max
    width = CONFIG.election_timeout_ns_max - CONFIG.election_timeout_ns_min
    assert max(after - before for before, after in pairwise(deadlines)) < width / 10


def test_5_2_a_new_timeout_is_drawn_for_every_election() -> None:
    raft = follower()

    waits = set()
    for _ in range(5):
        now = raft.deadline
        raft.wake(now)
        waits.add(raft.deadline - now)

    assert len(waits) == 5


def test_5_3_a_committed_entry_commits_all_before_it() -> None:
    raft = leader(1, 1, 1)

    effects = raft.receive(START, PEER, accepted(raft, 4))

    assert isinstance(effects[0], Commit)
    assert [one.index for one in effects[0].entries] == [1, 2, 3, 4]


def test_5_3_followers_learn_the_commit_index() -> None:
    raft = leader()

    effects = raft.receive(START, PEER, accepted(raft, 1))

    notice = append_to(PEER, effects)
    assert (notice.commit_index, notice.entries, notice.round) == (1, (), 0)


def test_5_3_back_off_skips_to_the_end_of_the_conflicting_term_here() -> None:
    raft = leader(1, 2, 2, 3, 3)

    effects = raft.receive(START, PEER, refused(raft, 2, 2))

    message = append_to(PEER, effects)
    assert (message.prev_log_index, message.prev_log_term) == (3, 2)


def test_5_3_back_off_skips_all_of_a_term_that_is_not_here() -> None:
    raft = leader(1, 3, 3, 3)

    effects = raft.receive(START, PEER, refused(raft, 2, 2))

    message = append_to(PEER, effects)
    assert (message.prev_log_index, message.prev_log_term) == (1, 1)


@pytest.mark.parametrize(
    ("last_index", "last_term", "vote"),
    [
        pytest.param(1, 3, True, id="later last term, shorter log"),
        pytest.param(9, 1, False, id="earlier last term, longer log"),
        pytest.param(4, 2, True, id="same last term, longer log"),
        pytest.param(3, 2, True, id="the same"),
        pytest.param(2, 2, False, id="same last term, shorter log"),
    ],
)
def test_5_4_1_a_vote_goes_only_to_a_log_that_is_at_least_as_up_to_date(
    last_index: int,
    last_term: int,
    vote: bool,  # noqa: FBT001 - a column of the table
) -> None:
    raft = follower(1, 2, 2, term=3)

    effects = raft.receive(START, PEER, request_vote(4, last_index, last_term))

    assert effects[-1] == Send(PEER, RequestVoteReply(Term(4), vote_granted=vote))


def test_5_4_2_an_entry_of_an_earlier_term_is_not_committed_by_counting() -> None:
    raft = leader(1, 1)

    effects = raft.receive(START, PEER, accepted(raft, 2))

    assert raft.commit_index == 0
    assert "Commit" not in kinds(effects)


def test_5_4_2_only_the_current_term_counts() -> None:
    log = RaftLog(entries(1, 2))

    assert not may_commit(log, LogIndex(1), LogIndex(0), Term(2))
    assert may_commit(log, LogIndex(2), LogIndex(0), Term(2))
    assert not may_commit(log, LogIndex(2), LogIndex(2), Term(2))


def test_5_5_a_repeated_append_entries_changes_nothing() -> None:
    raft = follower(term=1)
    message = append(entry(1, 1), term=1)

    first = raft.receive(START, PEER, message)
    second = raft.receive(START, PEER, message)

    assert second == first[-1:]


def test_5_6_a_heartbeat_comes_well_before_any_election_timeout() -> None:
    raft = established_leader()

    assert (
        raft.deadline - START <= CONFIG.election_timeout_ns_min / 2 + CONFIG.election_timeout_ns_max
    )


# ------------------------------------------------------------------ §8 and thesis §6.4, §10.2


def test_8_a_leader_begins_its_term_with_a_no_op() -> None:
    raft = leader(1)

    last = raft.log.entry_at(raft.last_index)
    assert (last.kind, last.term, last.data) == (EntryKind.NO_OP, 2, b"")


def test_thesis_6_4_step_1_a_read_waits_until_the_term_has_a_committed_entry() -> None:
    raft = leader(1)

    at_once = raft.read(START, [RequestId(7)])
    committed = raft.receive(START, PEER, accepted(raft, 2))

    assert at_once == []
    assert kinds(committed) == ["Commit", "AppendEntries", "AppendEntries"]


def test_thesis_6_4_step_2_the_read_index_is_the_commit_index_when_the_round_starts() -> None:
    raft = established_leader()
    raft.read(START, [RequestId(7)])
    raft.propose(START, [(RequestId(8), b"x")])
    raft.receive(START, PEER, accepted(raft, 2))

    effects = raft.receive(START, PEER, accepted(raft, 1, round_=2))

    assert raft.commit_index == 2
    assert ReadReady((RequestId(7),), LogIndex(1)) in effects


def test_thesis_6_4_step_3_a_majority_answers_the_round() -> None:
    raft = established_leader(voters=FIVE)
    raft.read(START, [RequestId(7)])

    one = raft.receive(START, NodeId(2), accepted(raft, 1, round_=2))
    two = raft.receive(START, NodeId(3), accepted(raft, 1, round_=2))

    assert one == []
    assert two == [ReadReady((RequestId(7),), LogIndex(1))]


def test_thesis_6_4_step_3_an_answer_to_an_earlier_round_proves_nothing() -> None:
    raft = established_leader()
    raft.wake(raft.deadline)  # round 2
    raft.read(START, [RequestId(7)])  # round 3

    effects = raft.receive(START, PEER, accepted(raft, 1, round_=2))

    assert effects == []


def test_thesis_6_4_step_3_an_answer_to_a_later_round_proves_as_much() -> None:
    raft = established_leader()
    raft.read(START, [RequestId(7)])  # round 2
    raft.wake(raft.deadline)  # round 3

    effects = raft.receive(START, PEER, accepted(raft, 1, round_=3))

    assert effects == [ReadReady((RequestId(7),), LogIndex(1))]


def test_thesis_6_4_one_round_serves_all_reads_that_were_waiting() -> None:
    raft = established_leader()
    raft.read(START, [RequestId(1)])  # round 2
    raft.read(START, [RequestId(2), RequestId(3)])
    raft.read(START, [RequestId(4)])

    next_round = raft.receive(START, PEER, accepted(raft, 1, round_=2))
    answered = raft.receive(START, OTHER, accepted(raft, 1, round_=3))

    assert kinds(next_round) == ["ReadReady", "AppendEntries", "AppendEntries"]
    assert answered == [ReadReady((RequestId(2), RequestId(3), RequestId(4)), LogIndex(1))]


def test_thesis_6_4_a_follower_asks_its_leader_for_the_read_index() -> None:
    raft = follower(term=1)
    raft.receive(START, PEER, append(term=1))

    asked = raft.read(START, [RequestId(7), RequestId(8)])
    answered = raft.receive(START, PEER, ReadIndexReply(Term(1), RequestId(7), LogIndex(4)))

    assert asked == [Send(PEER, ReadIndex(Term(1), RequestId(7)))]
    assert answered == [ReadReady((RequestId(7), RequestId(8)), LogIndex(4))]


def test_thesis_6_4_the_leader_answers_a_follower_after_a_round() -> None:
    raft = established_leader()
    raft.receive(START, PEER, ReadIndex(Term(1), RequestId(7)))

    effects = raft.receive(START, OTHER, accepted(raft, 1, round_=2))

    assert effects == [Send(PEER, ReadIndexReply(Term(1), RequestId(7), LogIndex(1)))]


def test_thesis_10_2_1_the_leader_writes_to_its_disk_in_parallel_with_replicating() -> None:
    effects = established_leader().propose(START, [(RequestId(1), b"x")])

    assert kinds(effects) == ["AppendEntries", "AppendEntries", "Persist"]


def test_thesis_10_2_1_entries_are_sent_ahead_of_the_answers_to_earlier_ones() -> None:
    raft = established_leader()

    first = raft.propose(START, [(RequestId(1), b"x")])
    second = raft.propose(START, [(RequestId(2), b"y")])

    assert kinds(first) == kinds(second) == ["AppendEntries", "AppendEntries", "Persist"]
