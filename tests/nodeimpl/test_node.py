"""The node: which answers come when, and behind which effects.

Node 1 is under test, alone or with the peers 2 and 3, whose words are written by hand.
"""

from random import Random

from nodeimpl.api.errors import (
    EMPTY_KEY,
    FUTURE_REVISION,
    NO_LEADER,
    REQUEST_TIMED_OUT,
    TOO_MANY_OPS,
    TOO_MANY_REQUESTS,
)
from nodeimpl.api.requests import KvRequest
from nodeimpl.api.rpc_pb2 import (
    Compare,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.boundary import (
    ClientRequest,
    CommitBackend,
    Effect,
    Receive,
    Reply,
    Requests,
    Wake,
)
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.mvcc.commands import decode_command, encode_command
from nodeimpl.node import Node
from nodeimpl.raft.effects import Became, Commit, Persist, RoleName, Send
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    Message,
    Proposal,
    ReadIndex,
    ReadIndexReply,
    RequestVoteReply,
)
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

ME, PEER, OTHER = NodeId(1), NodeId(2), NodeId(3)
ALONE = (ME,)
THREE = (ME, PEER, OTHER)
CLUSTER_ID = 77
TIMEOUT = 2_000 * MILLISECOND

GET = RangeRequest(key=b"k")
SERIALIZABLE_GET = RangeRequest(key=b"k", serializable=True)


def put(value: bytes = b"v") -> PutRequest:
    return PutRequest(key=b"k", value=value)


class Driven:
    """A node, its clock, and every effect it asked for so far."""

    def __init__(
        self,
        voters: tuple[NodeId, ...] = THREE,
        *,
        recovered: Recovered | None = None,
        backend: MemoryBackend | None = None,
        incarnation: int = 1,
        requests_waiting_max: int = 100,
        backend_commit_entries: int = 1_000,
    ) -> None:
        config = NodeConfig(
            node_id=ME,
            cluster_id=CLUSTER_ID,
            voters=voters,
            incarnation=incarnation,
            raft=RaftConfig(pre_vote=False, check_quorum=False),
            request_timeout_ns=TIMEOUT,
            requests_waiting_max=requests_waiting_max,
            backend_commit_entries=backend_commit_entries,
        )
        self.now = Instant(0)
        self.tag = 0
        self.backend = backend or MemoryBackend()
        self.node = Node(config, recovered or Recovered(), self.backend, Random(1), self.now)

    def ask(self, *bodies: KvRequest) -> list[Effect]:
        """Hand over requests that arrived together; their tags go on from 1."""
        requests = []
        for body in bodies:
            self.tag += 1
            requests.append(ClientRequest(self.tag, body))
        return self.node.handle(self.now, Requests(tuple(requests)))

    def hear(self, message: Message, sender: NodeId = PEER) -> list[Effect]:
        return self.node.handle(self.now, Receive(sender, message))

    def wake_at(self, now: int) -> list[Effect]:
        self.now = Instant(now)
        return self.node.handle(self.now, Wake())

    def wake(self) -> list[Effect]:
        """Wake at the deadline."""
        return self.wake_at(self.node.deadline)


def lone_leader(*, backend_commit_entries: int = 1_000) -> Driven:
    """Return a cluster of one, elected."""
    driven = Driven(ALONE, backend_commit_entries=backend_commit_entries)
    driven.wake()
    return driven


def leader(*, requests_waiting_max: int = 100) -> Driven:
    """Return the leader of term 1, whose no-op (entry 1) is committed."""
    driven = Driven(requests_waiting_max=requests_waiting_max)
    driven.wake()
    driven.hear(RequestVoteReply(Term(1), vote_granted=True))
    driven.hear(accepted(1))
    return driven


def follower(*, requests_waiting_max: int = 100) -> Driven:
    """Return a follower of node 2 in term 1, which has applied the no-op (entry 1)."""
    driven = Driven(requests_waiting_max=requests_waiting_max)
    no_op = Entry(Term(1), LogIndex(1), EntryKind.NO_OP, b"")
    driven.hear(append(no_op, commit_index=1))
    return driven


def append(*entries: Entry, commit_index: int, prev: int = 0) -> AppendEntries:
    return AppendEntries(
        term=Term(1),
        prev_log_index=LogIndex(prev),
        prev_log_term=Term(1 if prev else 0),
        entries=entries,
        commit_index=LogIndex(commit_index),
        round=1,
    )


def accepted(match_index: int, round_: int = 1) -> AppendEntriesReply:
    return AppendEntriesReply(
        term=Term(1),
        accepted=True,
        match_index=LogIndex(match_index),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=round_,
    )


def command(index: int, request: KvRequest, request_id: int = 1) -> Entry:
    data = encode_command(RequestId(request_id), request)
    return Entry(Term(1), LogIndex(index), EntryKind.COMMAND, data)


def replies(effects: list[Effect]) -> list[Reply]:
    return [effect for effect in effects if isinstance(effect, Reply)]


def sent(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def values(reply: Reply) -> list[bytes]:
    assert isinstance(reply.body, RangeResponse)
    return [kv.value for kv in reply.body.kvs]


# ------------------------------------------------------------ a cluster of one
def test_a_lone_node_elects_itself_behind_its_durable_vote() -> None:
    effects = Driven(ALONE).wake()
    assert effects[:3] == [
        Became(RoleName.CANDIDATE, Term(1), None),
        Persist(HardState(Term(1), ME), ()),
        Became(RoleName.LEADER, Term(1), ME),
    ]
    assert kinds(effects[3:]) == ["Persist", "Commit"]


def test_a_lone_node_answers_a_put_in_the_call_that_took_it_behind_its_persist() -> None:
    effects = lone_leader().ask(put())
    assert kinds(effects) == ["Persist", "Commit", "Reply"]
    assert isinstance(replies(effects)[0].body, PutResponse)


def test_a_lone_node_reads_its_own_write_in_the_same_call() -> None:
    effects = lone_leader().ask(put(b"new"), GET)
    wrote, read = replies(effects)
    assert (wrote.tag, read.tag) == (1, 2)
    assert values(read) == [b"new"]


def test_requests_that_arrive_together_share_one_persist() -> None:
    effects = lone_leader().ask(put(b"1"), put(b"2"), put(b"3"))
    assert kinds(effects) == ["Persist", "Commit", "Reply", "Reply", "Reply"]


# ------------------------------------------------------------ writes
def test_a_leader_answers_a_write_only_when_a_majority_has_it() -> None:
    driven = leader()
    assert replies(driven.ask(put())) == []
    effects = driven.hear(accepted(2))
    [reply] = replies(effects)
    assert reply.tag == 1
    assert kinds(effects).index("Commit") < kinds(effects).index("Reply")


def test_a_follower_forwards_a_write_and_answers_it_when_it_applies_it_itself() -> None:
    driven = follower()
    [proposal] = sent(driven.ask(put(b"forwarded")))
    assert isinstance(proposal, Proposal)
    entry = Entry(Term(1), LogIndex(2), EntryKind.COMMAND, proposal.data)
    assert replies(driven.hear(append(entry, commit_index=1, prev=1))) == []
    [reply] = replies(driven.hear(append(commit_index=2, prev=2)))
    assert reply.tag == 1
    assert isinstance(reply.body, PutResponse)


def test_a_node_answers_nothing_for_commands_that_others_took() -> None:
    driven = follower()
    effects = driven.hear(append(command(2, put()), commit_index=2, prev=1))
    assert "Commit" in kinds(effects)
    assert replies(effects) == []
    assert driven.node.store.revision == 2


def test_a_command_of_an_earlier_incarnation_is_not_taken_for_one_s_own() -> None:
    before, after = follower(), Driven(incarnation=2)
    [proposal] = sent(before.ask(put()))
    assert isinstance(proposal, Proposal)
    no_op = Entry(Term(1), LogIndex(1), EntryKind.NO_OP, b"")
    after.hear(append(no_op, commit_index=1))
    after.ask(put())
    entry = Entry(Term(1), LogIndex(2), EntryKind.COMMAND, proposal.data)
    assert replies(after.hear(append(entry, commit_index=2, prev=1))) == []


def test_request_ids_differ_among_nodes_and_incarnations() -> None:
    first, second = follower(), Driven(incarnation=2)
    no_op = Entry(Term(1), LogIndex(1), EntryKind.NO_OP, b"")
    second.hear(append(no_op, commit_index=1))
    proposals = sent(first.ask(put(), put())) + sent(second.ask(put()))
    data = [proposal.data for proposal in proposals if isinstance(proposal, Proposal)]
    request_ids = [decode_command(command)[0] for command in data]
    assert len(set(request_ids)) == len(request_ids) == 3


# ------------------------------------------------------------ linearizable reads (thesis §6.4)
def test_a_leader_s_read_waits_for_a_quorum_that_still_follows() -> None:
    driven = leader()
    effects = driven.ask(GET)
    assert replies(effects) == []
    [heartbeat, _] = sent(effects)
    assert isinstance(heartbeat, AppendEntries)
    [reply] = replies(driven.hear(accepted(1, heartbeat.round)))
    assert (reply.tag, values(reply)) == (1, [])


def test_an_answer_to_an_earlier_round_does_not_release_a_read() -> None:
    driven = leader()
    driven.ask(GET)
    assert replies(driven.hear(accepted(1, 1))) == []


def test_a_follower_s_read_waits_until_the_read_index_is_applied() -> None:
    driven = follower()
    [question] = sent(driven.ask(GET))
    assert isinstance(question, ReadIndex)
    answer = ReadIndexReply(Term(1), question.request_id, LogIndex(2))
    assert replies(driven.hear(answer)) == []
    [reply] = replies(driven.hear(append(command(2, put(b"new")), commit_index=2, prev=1)))
    assert values(reply) == [b"new"]


def test_a_follower_s_read_is_answered_at_once_when_the_read_index_is_applied() -> None:
    driven = follower()
    [question] = sent(driven.ask(GET))
    assert isinstance(question, ReadIndex)
    [reply] = replies(driven.hear(ReadIndexReply(Term(1), question.request_id, LogIndex(1))))
    assert reply.tag == 1


def test_reads_are_released_in_the_order_of_their_read_indices() -> None:
    driven = follower()
    [later] = sent(driven.ask(GET))
    [earlier] = sent(driven.ask(GET))
    assert isinstance(later, ReadIndex)
    assert isinstance(earlier, ReadIndex)
    driven.hear(ReadIndexReply(Term(1), later.request_id, LogIndex(3)))
    driven.hear(ReadIndexReply(Term(1), earlier.request_id, LogIndex(2)))
    first = replies(driven.hear(append(command(2, put(b"2")), commit_index=2, prev=1)))
    second = replies(driven.hear(append(command(3, put(b"3")), commit_index=3, prev=2)))
    assert [(reply.tag, values(reply)) for reply in first] == [(2, [b"2"])]
    assert [(reply.tag, values(reply)) for reply in second] == [(1, [b"3"])]


def test_a_read_only_transaction_takes_the_way_of_reads() -> None:
    driven = leader()
    operation = RequestOp(request_range=RangeRequest(key=b"k"))
    effects = driven.ask(TxnRequest(success=[operation]))
    assert "Persist" not in kinds(effects)
    [heartbeat, _] = sent(effects)
    assert isinstance(heartbeat, AppendEntries)
    [reply] = replies(driven.hear(accepted(1, heartbeat.round)))
    assert isinstance(reply.body, TxnResponse)


def test_a_transaction_that_may_write_goes_through_the_log_whatever_its_branch() -> None:
    never = Compare(key=b"k", target=Compare.VERSION, version=99)
    operation = RequestOp(request_put=put())
    effects = lone_leader().ask(TxnRequest(compare=[never], success=[operation]))
    assert kinds(effects) == ["Persist", "Commit", "Reply"]


# ------------------------------------------------------------ serializable reads
def test_a_serializable_read_is_answered_at_once_even_without_a_leader() -> None:
    [reply] = replies(Driven().ask(SERIALIZABLE_GET))
    assert values(reply) == []


def test_a_serializable_read_may_be_old() -> None:
    driven = leader()
    driven.ask(put(b"new"))
    [before] = replies(driven.ask(SERIALIZABLE_GET))
    driven.hear(accepted(2))
    [after] = replies(driven.ask(SERIALIZABLE_GET))
    assert (values(before), values(after)) == ([], [b"new"])


def test_a_transaction_of_serializable_reads_is_answered_at_once() -> None:
    operation = RequestOp(request_range=SERIALIZABLE_GET)
    [reply] = replies(Driven().ask(TxnRequest(success=[operation], failure=[operation])))
    assert isinstance(reply.body, TxnResponse)


# ------------------------------------------------------------ refusals
def test_what_fails_the_check_is_refused_at_once_and_nothing_enters_the_log() -> None:
    too_many = TxnRequest(success=[RequestOp(request_put=put())] * 129)
    effects = lone_leader().ask(PutRequest(), RangeRequest(), too_many)
    assert effects == [Reply(1, EMPTY_KEY), Reply(2, EMPTY_KEY), Reply(3, TOO_MANY_OPS)]


def test_a_refused_request_does_not_hold_up_those_that_came_with_it() -> None:
    effects = lone_leader().ask(PutRequest(), put())
    refused, wrote = replies(effects)
    assert refused == Reply(1, EMPTY_KEY)
    assert isinstance(wrote.body, PutResponse)


def test_an_error_of_the_store_is_an_answer() -> None:
    future = RangeRequest(key=b"k", revision=1_000, serializable=True)
    assert Driven().ask(future) == [Reply(1, FUTURE_REVISION)]


def test_a_node_without_a_leader_refuses_reads_and_writes() -> None:
    assert Driven().ask(put(), GET) == [Reply(1, NO_LEADER), Reply(2, NO_LEADER)]


def test_more_requests_than_may_wait_are_refused() -> None:
    driven = follower(requests_waiting_max=2)
    effects = driven.ask(put(), GET, put(), GET)
    assert replies(effects) == [Reply(3, TOO_MANY_REQUESTS), Reply(4, TOO_MANY_REQUESTS)]


def test_an_answered_request_makes_room() -> None:
    driven = leader(requests_waiting_max=1)
    driven.ask(put())
    driven.hear(accepted(2))
    assert replies(driven.ask(put())) == []


# ------------------------------------------------------------ time
def test_a_request_that_waits_too_long_times_out() -> None:
    driven = follower()
    driven.ask(put())
    assert replies(driven.wake_at(TIMEOUT - 1)) == []
    assert replies(driven.wake_at(TIMEOUT)) == [Reply(1, REQUEST_TIMED_OUT)]


def test_the_node_asks_to_be_woken_when_a_request_times_out() -> None:
    driven = follower()
    driven.ask(put())
    driven.now = Instant(TIMEOUT - 1)
    driven.hear(append(commit_index=1, prev=1))
    assert driven.node.deadline == TIMEOUT


def test_an_answered_request_does_not_wake_the_node_once_another_one_waits() -> None:
    driven = follower()
    [proposal] = sent(driven.ask(put()))
    assert isinstance(proposal, Proposal)
    entry = Entry(Term(1), LogIndex(2), EntryKind.COMMAND, proposal.data)
    driven.hear(append(entry, commit_index=2, prev=1))
    driven.now = Instant(TIMEOUT - 1)
    driven.hear(append(commit_index=2, prev=2))
    driven.ask(put())
    assert driven.node.deadline > TIMEOUT


def test_what_was_answered_does_not_time_out() -> None:
    driven = leader()
    driven.ask(put())
    driven.hear(accepted(2))
    assert replies(driven.wake_at(driven.now + 2 * TIMEOUT)) == []


def test_what_timed_out_is_not_answered_again() -> None:
    driven = leader()
    driven.ask(put(), GET)
    assert len(replies(driven.wake_at(driven.now + TIMEOUT))) == 2
    effects = driven.hear(accepted(2, round_=1_000))
    assert "Commit" in kinds(effects)
    assert replies(effects) == []


def test_requests_time_out_in_the_order_in_which_they_came() -> None:
    driven = follower()
    driven.ask(put())
    driven.now = Instant(10)
    driven.ask(put())
    assert replies(driven.wake_at(TIMEOUT)) == [Reply(1, REQUEST_TIMED_OUT)]
    assert replies(driven.wake_at(TIMEOUT + 10)) == [Reply(2, REQUEST_TIMED_OUT)]


def test_waking_too_early_does_nothing() -> None:
    driven = Driven()
    assert driven.wake_at(driven.node.deadline - 1) == []


# ------------------------------------------------------------ headers
def test_every_answer_names_the_cluster_the_member_and_the_term() -> None:
    effects = lone_leader().ask(
        put(), GET, SERIALIZABLE_GET, TxnRequest(success=[RequestOp(request_put=put())])
    )
    headers = [reply.body.header for reply in replies(effects) if hasattr(reply.body, "header")]
    assert [(header.cluster_id, header.member_id, header.raft_term) for header in headers] == [
        (CLUSTER_ID, ME, 1)
    ] * 4


# ------------------------------------------------------------ durability of the store
def test_the_backend_commits_after_so_many_entries_behind_the_persist_and_the_commit() -> None:
    driven = lone_leader(backend_commit_entries=3)
    assert "CommitBackend" not in kinds(driven.ask(put()))
    effects = driven.ask(put())
    assert kinds(effects) == ["Persist", "Commit", "Reply", "CommitBackend"]


def test_the_backend_s_commit_point_stands_for_the_applied_index() -> None:
    driven = lone_leader(backend_commit_entries=3)
    driven.ask(put())
    [commit] = [effect for effect in driven.ask(put()) if isinstance(effect, CommitBackend)]
    assert driven.backend.durable.index == 0
    driven.backend.commit(commit.point)
    assert driven.backend.durable.index == driven.node.applied_index == 3


def test_a_restarted_node_applies_only_what_its_backend_lacks() -> None:
    first = Driven(ALONE, backend_commit_entries=1)
    first.wake()
    [commit] = [effect for effect in first.ask(put(b"1")) if isinstance(effect, CommitBackend)]
    first.backend.commit(commit.point)
    first.backend.crash()
    no_op = Entry(Term(1), LogIndex(1), EntryKind.NO_OP, b"")
    entries = (no_op, command(2, put(b"1")), command(3, put(b"2")))
    again = Driven(
        ALONE,
        recovered=Recovered(
            hard_state=HardState(Term(1), ME), entries=entries, commit_index=LogIndex(2)
        ),
        backend=first.backend,
    )
    assert (again.node.applied_index, again.node.store.revision) == (2, 2)
    [committed] = [effect for effect in again.wake() if isinstance(effect, Commit)]
    assert [entry.index for entry in committed.entries] == [3, 4]
    assert again.node.store.revision == 3
