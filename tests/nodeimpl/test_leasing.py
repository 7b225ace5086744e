"""Leases from the clients' side: a node that leads alone, or with a peer that obeys."""

from nodeimpl.api.errors import (
    LEASE_EXISTS,
    LEASE_NOT_FOUND,
    LEASE_TTL_TOO_LARGE,
    NO_LEADER,
    REQUEST_TIMED_OUT,
)
from nodeimpl.api.rpc_pb2 import (
    CORRUPT,
    AlarmRequest,
    AlarmResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
)
from nodeimpl.boundary import Effect, MoveLeader
from nodeimpl.config import StoreConfig
from nodeimpl.ids import SECOND, LeaseId, LogIndex, RequestId, Term
from nodeimpl.leader_requests import decode_answer, encode_answer, encode_question
from nodeimpl.mvcc.commands import CheckpointLease, ExpireLease
from nodeimpl.mvcc.invariants import check_reloaded, check_store
from nodeimpl.mvcc.store import Store
from nodeimpl.raft.effects import Persist, RoleName
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Inquiry,
    InquiryReply,
    RequestVoteReply,
)
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.lease_situations import (
    ELECTION_NS,
    ME,
    OTHER,
    PEER,
    THREE,
    Driven,
    accepted,
    alone,
    errors,
    follower_with,
    leader,
    proposed,
    replies,
    sent,
)

EVERYTHING = RangeRequest(key=b"\0", range_end=b"\0")
KEEP_ALIVE = LeaseKeepAliveRequest(ID=7)
HOW_LONG = LeaseTimeToLiveRequest(ID=7, keys=True)


def granted(driven: Driven, ttl_s: int = 5, lease: int = 7, keys: tuple[bytes, ...] = ()) -> Driven:
    """Return the node with a lease, and keys that live by it."""
    driven.answer(LeaseGrantRequest(ID=lease, TTL=ttl_s), LeaseGrantResponse)
    for key in keys:
        driven.answer(PutRequest(key=key, value=b"v", lease=lease), PutResponse)
    return driven


def keys_of(driven: Driven) -> list[bytes]:
    return [kv.key for kv in driven.answer(EVERYTHING, RangeResponse).kvs]


def time_left(driven: Driven) -> int:
    return driven.answer(HOW_LONG, LeaseTimeToLiveResponse).TTL


# ------------------------------------------------------------ granting and revoking
def test_a_grant_is_answered_with_what_was_asked_for() -> None:
    response = alone().answer(LeaseGrantRequest(ID=7, TTL=5), LeaseGrantResponse)
    assert (response.ID, response.TTL, response.header.revision) == (7, 5, 1)


def test_the_node_chooses_an_id_that_nobody_else_will() -> None:
    driven = alone()
    first = driven.answer(LeaseGrantRequest(TTL=5), LeaseGrantResponse)
    second = driven.answer(LeaseGrantRequest(TTL=5), LeaseGrantResponse)
    assert 0 < first.ID < second.ID


def test_a_ttl_is_no_shorter_than_an_election_and_a_half() -> None:
    """Etcd MinLeaseTTL; 600 ms make 0.9 s, in whole seconds 1."""
    for asked in (-1, 0, 1):
        driven = alone()
        assert driven.answer(LeaseGrantRequest(TTL=asked), LeaseGrantResponse).TTL == 1


def test_an_id_is_granted_once_at_a_time() -> None:
    driven = granted(alone())
    assert errors(driven.ask(LeaseGrantRequest(ID=7, TTL=5))) == [LEASE_EXISTS]
    driven.answer(LeaseRevokeRequest(ID=7), LeaseRevokeResponse)
    granted(driven)


def test_a_ttl_of_centuries_is_too_large() -> None:
    assert errors(alone().ask(LeaseGrantRequest(TTL=9_000_000_001))) == [LEASE_TTL_TOO_LARGE]


def test_a_lease_that_does_not_exist_cannot_be_revoked_or_attached() -> None:
    driven = alone()
    assert errors(driven.ask(LeaseRevokeRequest(ID=7))) == [LEASE_NOT_FOUND]
    assert errors(driven.ask(PutRequest(key=b"k", lease=7))) == [LEASE_NOT_FOUND]


def test_leases_are_listed() -> None:
    driven = granted(granted(alone(), lease=9), lease=8)
    response = driven.answer(LeaseLeasesRequest(), LeaseLeasesResponse)
    assert [lease.ID for lease in response.leases] == [8, 9]


# ------------------------------------------------------------ living and ending
def test_a_lease_lives_for_its_ttl_and_takes_its_keys_with_it() -> None:
    driven = granted(alone(), keys=(b"a", b"b"))
    end = driven.now + 5 * SECOND
    driven.sleep_until(end - 1)
    assert keys_of(driven) == [b"a", b"b"]
    assert driven.node.store.revision == 3
    driven.sleep_until(end)
    assert keys_of(driven) == []
    assert driven.node.store.revision == 4
    assert errors(driven.ask(LeaseRevokeRequest(ID=7))) == [LEASE_NOT_FOUND]


def test_a_lease_that_is_kept_alive_lives_on() -> None:
    driven = granted(alone(), keys=(b"a",))
    driven.sleep_until(4 * SECOND)
    response = driven.answer(KEEP_ALIVE, LeaseKeepAliveResponse)
    assert (response.ID, response.TTL) == (7, 5)
    driven.sleep_until(9 * SECOND - 1)
    assert keys_of(driven) == [b"a"]
    driven.sleep_until(9 * SECOND)
    assert keys_of(driven) == []


def test_a_keep_alive_of_no_lease_says_so() -> None:
    response = alone().answer(KEEP_ALIVE, LeaseKeepAliveResponse)
    assert (response.ID, response.TTL) == (7, 0)


def test_the_time_to_live_counts_down() -> None:
    driven = granted(alone(), keys=(b"b", b"a"))
    begun = driven.now
    response = driven.answer(HOW_LONG, LeaseTimeToLiveResponse)
    assert (response.TTL, response.grantedTTL, list(response.keys)) == (5, 5, [b"a", b"b"])
    driven.sleep_until(begun + 1)
    assert time_left(driven) == 4
    driven.sleep_until(begun + 5 * SECOND - 1)
    assert time_left(driven) == 0
    driven.sleep_until(begun + 5 * SECOND)
    assert time_left(driven) == -1


def test_a_lease_that_was_revoked_and_granted_anew_has_all_its_time() -> None:
    driven = granted(alone(), ttl_s=2)
    driven.sleep_until(driven.now + SECOND)
    driven.answer(LeaseRevokeRequest(ID=7), LeaseRevokeResponse)
    granted(driven, ttl_s=2)
    driven.sleep_until(driven.now + 2 * SECOND - 1)
    assert time_left(driven) == 0
    driven.sleep_until(driven.now + 1)
    assert time_left(driven) == -1


def test_no_more_leases_expire_at_a_time_than_configured() -> None:
    driven = leader(expiring_max=2)
    for lease in range(1, 6):
        granted(driven, ttl_s=1, lease=lease)
    done = driven.with_peer(driven.sleep_until(driven.now + SECOND))
    together = [len(effect.entries) for effect in done if isinstance(effect, Persist)]
    assert together == [2, 2, 1]
    assert driven.node.store.leases.by_id == {}


def expiries(effects: list[Effect]) -> list[ExpireLease]:
    return [command for command in proposed(effects) if isinstance(command, ExpireLease)]


def heartbeats(effects: list[Effect]) -> list[AppendEntries]:
    """Return the messages of the last round to the peer."""
    return [message for message in sent(effects, AppendEntries) if not message.entries]


# ------------------------------------------------------------ who leads is confirmed first
def test_a_keep_alive_is_answered_when_a_majority_has_confirmed_who_leads() -> None:
    """As in etcd #15247: a leader that was deposed must not promise anything."""
    driven = granted(leader())
    asked = driven.ask(KEEP_ALIVE)
    assert replies(asked) == []
    [round_, *_] = heartbeats(asked)
    [reply] = replies(driven.hear(accepted(round_)))
    assert isinstance(reply.body, LeaseKeepAliveResponse)
    assert reply.body.TTL == 5


def test_what_is_left_is_told_when_a_majority_has_confirmed_who_leads() -> None:
    driven = granted(leader())
    asked = driven.ask(HOW_LONG)
    assert replies(asked) == []
    [round_, *_] = heartbeats(asked)
    assert len(replies(driven.hear(accepted(round_)))) == 1


def test_an_expiry_is_proposed_when_a_majority_has_confirmed_who_leads() -> None:
    driven = granted(leader(), ttl_s=1)
    effects = driven.sleep_until(driven.now + SECOND)
    assert expiries(effects) == []
    confirmed = [
        effect for message in heartbeats(effects)[-2:] for effect in driven.hear(accepted(message))
    ]
    assert expiries(confirmed) == [ExpireLease(LeaseId(7), 1, Term(1))]


def test_a_leader_that_was_deposed_gives_up_no_lease() -> None:
    """It wakes after the time of the lease, and hears of the next leader before anyone follows."""
    driven = granted(leader(), ttl_s=1)
    woken = driven.sleep_until(driven.now + 5 * SECOND)
    deposed = driven.hear(AppendEntries(Term(2), LogIndex(2), Term(1), (), LogIndex(2), 1))
    late = [effect for message in heartbeats(woken) for effect in driven.hear(accepted(message))]
    assert expiries([*woken, *deposed, *late]) == []
    assert 7 in driven.node.store.leases.by_id


def test_a_keep_alive_that_comes_while_an_expiry_is_confirmed_wins() -> None:
    driven = granted(leader(), ttl_s=1)
    effects = driven.sleep_until(driven.now + SECOND)
    effects += driven.ask(KEEP_ALIVE)
    done = driven.with_peer(effects)
    bodies = [reply.body for reply in replies(done)]
    assert [body.TTL for body in bodies if isinstance(body, LeaseKeepAliveResponse)] in ([0], [1])
    lives = 7 in driven.node.store.leases.by_id
    assert lives == (bodies[-1].TTL == 1)  # type: ignore[union-attr]


def test_a_keep_alive_that_comes_after_the_expiry_was_proposed_waits_for_its_end() -> None:
    driven = granted(leader(), ttl_s=1)
    effects = driven.sleep_until(driven.now + SECOND)
    proposals = [
        effect for message in heartbeats(effects)[-2:] for effect in driven.hear(accepted(message))
    ]
    assert len(expiries(proposals)) == 1
    asked = driven.ask(KEEP_ALIVE)
    confirmed = [
        effect for message in heartbeats(asked) for effect in driven.hear(refusing(message))
    ]
    assert replies(confirmed) == []
    [reply] = replies(driven.with_peer(proposals))
    assert isinstance(reply.body, LeaseKeepAliveResponse)
    assert reply.body.TTL == 0


def refusing(message: AppendEntries) -> AppendEntriesReply:
    """Return an answer that confirms the round, and says nothing of the entries before."""
    return AppendEntriesReply(
        term=message.term,
        accepted=True,
        match_index=LogIndex(0),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=message.round,
    )


# ------------------------------------------------------------ leaders come and go
def test_a_new_leader_gives_every_lease_its_time_and_an_election_timeout() -> None:
    """etcd, lessor: Promote."""
    driven = follower_with(LeaseGrantRequest(ID=7, TTL=5))
    driven.sleep_until(4 * SECOND)
    driven.wake()
    term = driven.node.raft.current_term
    driven.with_peer(driven.hear(RequestVoteReply(term, vote_granted=True)))
    assert driven.node.raft.role is RoleName.LEADER
    begun = driven.now
    done = driven.sleep_until(begun + 5 * SECOND + ELECTION_NS - 1)
    assert expiries(driven.with_peer(done)) == []
    assert len(expiries(driven.with_peer(driven.sleep_until(driven.now + 1)))) == 1


def test_a_follower_asks_the_leader_and_hands_on_the_answer() -> None:
    driven = follower_with(LeaseGrantRequest(ID=7, TTL=5))
    [question] = sent(driven.ask(KEEP_ALIVE), Inquiry)
    assert question.data == encode_question(KEEP_ALIVE)
    data = encode_answer(LeaseKeepAliveResponse(ID=7, TTL=5))
    [reply] = replies(driven.hear(InquiryReply(Term(1), question.request_id, data)))
    assert isinstance(reply.body, LeaseKeepAliveResponse)
    assert (reply.body.TTL, reply.body.header.member_id) == (5, ME)


def test_a_leader_answers_a_follower_once_it_is_confirmed() -> None:
    driven = granted(leader())
    question = Inquiry(Term(1), RequestId(99), encode_question(KEEP_ALIVE))
    asked = driven.hear(question, sender=OTHER)
    assert sent(asked, InquiryReply) == []
    [answer] = sent(driven.with_peer(asked), InquiryReply)
    assert (answer.request_id, decode_answer(answer.data)) == (
        99,
        LeaseKeepAliveResponse(ID=7, TTL=5, header=ResponseHeader(revision=1)),
    )


def test_a_question_nobody_can_read_is_passed_over() -> None:
    driven = leader()
    assert driven.with_peer(driven.hear(Inquiry(Term(1), RequestId(99), b"?"), sender=OTHER)) == []


def test_without_a_leader_nothing_is_promised() -> None:
    driven = Driven(THREE)
    assert errors(driven.ask(KEEP_ALIVE)) == [NO_LEADER]


def test_a_question_that_nobody_answers_times_out() -> None:
    driven = follower_with()
    driven.ask(KEEP_ALIVE)
    effects = driven.sleep_until(driven.now + 2 * SECOND)
    assert REQUEST_TIMED_OUT in errors(effects)
    assert driven.node.raft.state.inquiries == {}


def test_what_a_leader_says_of_time_holds_in_its_own_term_only() -> None:
    """As in etcd #15247: what a deposed leader had found reached the log of the next."""
    for command in (
        ExpireLease(LeaseId(7), 1, Term(9)),
        CheckpointLease(LeaseId(7), 1, 1, Term(9)),
    ):
        driven = follower_with(LeaseGrantRequest(ID=7, TTL=5), command)
        assert driven.node.store.leases.by_id[LeaseId(7)].remaining_s == 0


def test_an_expiry_is_of_one_grant_only() -> None:
    grant = LeaseGrantRequest(ID=7, TTL=5)
    stale = ExpireLease(LeaseId(7), 1, Term(1))
    driven = follower_with(grant, LeaseRevokeRequest(ID=7), grant, stale)
    assert 7 in driven.node.store.leases.by_id
    exact = ExpireLease(LeaseId(7), 2, Term(1))
    driven = follower_with(grant, LeaseRevokeRequest(ID=7), grant, exact)
    assert 7 not in driven.node.store.leases.by_id


# ------------------------------------------------------------ checkpoints
def test_what_is_left_of_a_long_lease_is_written_down() -> None:
    driven = granted(alone(checkpoint_interval_s=60), ttl_s=600)
    begun = driven.now
    driven.sleep_until(begun + 60 * SECOND)
    assert driven.node.store.leases.by_id[LeaseId(7)].remaining_s == 540
    driven.sleep_until(begun + 121 * SECOND)
    assert driven.node.store.leases.by_id[LeaseId(7)].remaining_s == 480


def test_a_keep_alive_strikes_out_what_was_written_down_before_it_is_answered() -> None:
    driven = granted(leader(checkpoint_interval_s=60), ttl_s=600)
    driven.with_peer(driven.sleep_until(driven.now + 61 * SECOND))
    lease = driven.node.store.leases.by_id[LeaseId(7)]
    assert lease.remaining_s in {539, 540}
    asked = driven.ask(KEEP_ALIVE)
    confirmed = [
        effect for message in heartbeats(asked) for effect in driven.hear(accepted(message))
    ]
    assert replies(confirmed) == []
    assert proposed(confirmed) == [CheckpointLease(LeaseId(7), 1, 0, Term(1))]
    [reply] = replies(driven.with_peer(confirmed))
    assert isinstance(reply.body, LeaseKeepAliveResponse)
    assert (reply.body.TTL, lease.remaining_s) == (600, 0)


def test_a_leader_that_hands_over_does_not_go_round_over_a_keep_alive() -> None:
    driven = granted(leader(checkpoint_interval_s=60), ttl_s=600)
    driven.with_peer(driven.sleep_until(driven.now + 61 * SECOND))
    asked = driven.ask(KEEP_ALIVE)
    driven.node.handle(driven.now, MoveLeader(1, PEER))
    confirmed = [
        effect for message in heartbeats(asked) for effect in driven.hear(accepted(message))
    ]
    assert (replies(confirmed), proposed(confirmed)) == ([], [])


def test_a_new_leader_counts_from_what_was_written_down() -> None:
    driven = follower_with(
        LeaseGrantRequest(ID=7, TTL=600), CheckpointLease(LeaseId(7), 1, 2, Term(1))
    )
    driven.wake()
    driven.with_peer(
        driven.hear(RequestVoteReply(driven.node.raft.current_term, vote_granted=True))
    )
    begun = driven.now
    done = driven.with_peer(driven.sleep_until(begun + 2 * SECOND + ELECTION_NS - 1))
    assert expiries(done) == []
    done = driven.with_peer(driven.sleep_until(driven.now + 1))
    assert len(expiries(done)) == 1


# ------------------------------------------------------------ restarts and alarms
def test_a_restarted_member_knows_leases_and_their_keys() -> None:
    backend = MemoryBackend()
    driven = granted(alone(backend), keys=(b"a", b"b"))
    driven.answer(PutRequest(key=b"b", value=b"w"), PutResponse)
    again = Store(backend, StoreConfig())
    check_store(again.state)
    check_reloaded(driven.node.store.state, again.state)
    assert again.leases.by_id[LeaseId(7)].keys == {b"a"}


def test_leases_do_not_expire_while_the_cluster_is_corrupt() -> None:
    driven = granted(alone(), ttl_s=1)
    alarm = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=1, alarm=CORRUPT)
    driven.answer(alarm, AlarmResponse)
    driven.sleep_until(driven.now + 3 * SECOND)
    assert 7 in driven.node.store.leases.by_id
    alarm.action = AlarmRequest.DEACTIVATE
    driven.answer(alarm, AlarmResponse)
    driven.sleep_until(driven.now + SECOND)
    assert driven.node.store.leases.by_id == {}
