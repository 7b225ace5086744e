"""The time of leases, which the leader alone keeps (etcd, lease/lessor.go).

A lease lives until its leader has found, by its own monotonic clock, that it was not kept alive for
its TTL, and the command that says so has been applied. Every member then deletes its keys.

What makes it safe (a client that was answered a keep-alive may count on the lease for a TTL from
when it asked, whatever becomes of leaders meanwhile):

- **Nobody who does not lead speaks for a lease.** Before a keep-alive or a question for the time
  left is answered, and before an expiry is proposed, a majority confirms that this node still led
  after it had been asked, or after the time was over: a round of ReadIndex (thesis §6.4), begun and
  ended in one term. A leader that was paused for longer than a TTL and wakes finds that it does not
  lead before it does harm (etcd #15247).
- **A new leader begins anew**: it gives every lease what is left of it as written down, and an
  election timeout on top (etcd: Promote). It came to power after any round that confirmed the one
  before it, so its deadlines lie behind all that were promised.
- **A proposal dies with its leadership.** Expiries and checkpoints enter the log of this node only,
  name term and grant, and hold in an entry of that term and for that grant only.
- **From its proposal on an expiry cannot be taken back**: a keep-alive that comes then waits, and
  learns what has become of the lease.
- **What is written down of the time left is never less than was promised.** While a checkpoint is
  in the log and not applied, or says less than the whole TTL, a keep-alive is not answered before
  another one has been applied that says so. (etcd answers at once where one is on its way.)
"""

from collections.abc import Callable
from typing import Final, TypeAlias, assert_never

import msgspec

from nodeimpl.api.requests import ApiRequest, LeaderRequest, LeaderResponse
from nodeimpl.api.rpc_pb2 import (
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
)
from nodeimpl.config import NodeConfig
from nodeimpl.ids import SECOND, Instant, LeaseId, NodeId, RequestId, Term
from nodeimpl.leader_requests import decode_question, encode_answer
from nodeimpl.lease_clock import LeaseClock
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.commands import (
    CheckpointLease,
    DescribeMember,
    ExpireLease,
    LeaderCommand,
    encode_command,
)
from nodeimpl.mvcc.leases import Lease, LeaseBook
from nodeimpl.mvcc.store import Store
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Became, Inquired, RaftEffect, RoleName
from nodeimpl.routing import NO_COMMANDS

_RETRY_NS: Final = SECOND // 2
"""Between two attempts at what could not be done (etcd looks for expired leases as often)."""
_ID_BITS: Final = 63


class _Question(msgspec.Struct, frozen=True, gc=False):
    """What somebody asks of the leader, and has not been answered."""

    origin: NodeId
    request_id: RequestId
    request: LeaderRequest


class _Round(msgspec.Struct, frozen=True, gc=False):
    """Leadership is being confirmed for the expiry of these leases."""

    lease_ids: tuple[LeaseId, ...]


_Awaited: TypeAlias = _Question | _Round | LeaderCommand
"""What is under way: a question or a round waits to be confirmed, a command to be applied."""


class Leasing:
    """A node's part in the keeping of leases: all of it while it leads, none otherwise.

    `step` is to be called while it `has_news`, and when its `deadline` comes; what happens in
    between is noted by the other methods. Within a step consensus is only asked for what it never
    answers with a question.
    """

    def __init__(
        self, config: NodeConfig, raft: Raft, new_request_id: Callable[[], RequestId]
    ) -> None:
        self._raft = raft
        self._new_request_id = new_request_id
        self._extension_ns = config.raft.election_timeout_ns_max
        self._checkpoint_interval_ns = config.leases.checkpoint_interval_ns
        self._expiring_max = config.leases.expiring_max
        self._questions_max = config.requests_waiting_max
        self._ttl_s_min = -(-3 * config.raft.election_timeout_ns_max // (2 * SECOND))
        self._inbox: list[Inquired] = []
        self._outcomes: list[tuple[RequestId, bool]] = []
        """What of `_awaited` was confirmed or applied (True), or dropped."""
        self._is_touched = False
        self.has_news = False
        """Whether `step` must be called now: something was noted since it last was."""
        self.deadline: Instant | None = None
        """When `step` must be called at the latest; None if time alone changes nothing."""
        self._retire()

    def _retire(self) -> None:
        """Forget all that only a leader knows."""
        self._term: Term | None = None
        """The term this node leads; None while it leads none."""
        self._expiries = LeaseClock()
        self._checkpoints = LeaseClock()
        self._grants: dict[LeaseId, int] = {}
        """Of which grant of a lease the time is kept."""
        self._awaited: dict[RequestId, _Awaited] = {}
        self._overdue: dict[LeaseId, None] = {}
        """Leases whose time is over, and whose expiry has not been proposed."""
        self._is_confirming = False
        """Whether a `_Round` is under way."""
        self._retry_at = Instant(0)
        """Not before then is a round begun."""
        self._expiring: dict[LeaseId, None] = {}
        """Leases whose expiry has been proposed, and not applied."""
        self._checkpointing: dict[LeaseId, int] = {}
        """How many checkpoints of a lease have been proposed, and not applied."""
        self._held: dict[LeaseId, list[_Question]] = {}
        """Keep-alives that wait for what is under way with their lease."""
        self.deadline = None

    # ------------------------------------------------------------ what the node tells
    def __contains__(self, request_id: RequestId) -> bool:
        """Return whether this is waited for, so that `settled` or `dropped` is to be called."""
        return request_id in self._awaited

    def command(
        self, request_id: RequestId, request: ApiRequest | DescribeMember | Authenticate
    ) -> bytes:
        """Return what is to enter the log; a grant with an id, and no TTL that nobody could keep.

        The id is taken from that of the request, which is unique. The shortest TTL is half as long
        again as an election may take, in whole seconds (etcd: MinLeaseTTL).
        """
        if isinstance(request, LeaseGrantRequest):
            lease_id = request.ID or (request_id & ((1 << _ID_BITS) - 1))
            request = LeaseGrantRequest(ID=lease_id, TTL=max(request.TTL, self._ttl_s_min))
        assert not isinstance(request, NO_COMMANDS), "no entry is needed for it"
        return encode_command(request_id, request)

    def inquired(self, inquiry: Inquired) -> None:
        """Note what somebody asks of this node as the leader."""
        self._inbox.append(inquiry)
        self.has_news = True

    def settled(self, request_id: RequestId) -> None:
        """Note that a round that was asked for is confirmed and applied, or a command applied."""
        self._outcomes.append((request_id, True))
        self.has_news = True

    def dropped(self, request_id: RequestId) -> None:
        """Note that consensus has dropped what was asked for: nothing will come of it."""
        self._outcomes.append((request_id, False))
        self.has_news = True

    def touched(self) -> None:
        """Note that leases were granted, revoked or written down."""
        self._is_touched = self.has_news = True

    def became(self, now: Instant, became: Became, book: LeaseBook) -> None:
        """Begin to keep time if this node leads (etcd: Promote), and end it if it does no more.

        Whatever was promised before was promised by a leader that a majority followed then.
        """
        if became.role is RoleName.LEADER and became.term == self._term:
            return
        if self._term is not None:
            self._retire()
        if became.role is RoleName.LEADER:
            self._term = became.term
            for lease_id in sorted(book.by_id):
                self._begin(now, book.by_id[lease_id], self._extension_ns)
            self._plan()

    # ------------------------------------------------------------ what is done
    def step(self, now: Instant, store: Store) -> list[RaftEffect]:
        """Do what is due."""
        self.has_news = False
        effects: list[RaftEffect] = []
        if self._is_touched:
            self._follow(now, store, effects)
        outcomes, self._outcomes = self._outcomes, []
        for request_id, is_good in outcomes:
            awaited = self._awaited.pop(request_id, None)
            if awaited is not None:
                self._proceed(now, store, awaited, effects, is_good=is_good)
        inbox, self._inbox = self._inbox, []
        if self._leads:
            self._confirm_questions(now, inbox, effects)
            self._write_down(now, store.leases, effects)
            self._seek_expired(now, effects)
        self._plan()
        return effects

    @property
    def _leads(self) -> bool:
        return leads(self._raft, self._term)

    def _follow(self, now: Instant, store: Store, effects: list[RaftEffect]) -> None:
        """Keep the time of leases that are new, and of none that has ended."""
        self._is_touched = False
        book = store.leases
        touched = list(dict.fromkeys(book.touched))
        book.touched.clear()
        if not self._leads:
            return
        for lease_id in touched:
            lease = book.by_id.get(lease_id)
            if lease is None or self._grants.get(lease_id) != lease.grant:
                self._end(lease_id)
            if lease is not None and lease_id not in self._grants:
                self._begin(now, lease, 0)
            self._ask_held(now, store, lease_id, effects)

    def _begin(self, now: Instant, lease: Lease, extension_ns: int) -> None:
        lease_id = lease.lease_id
        self._grants[lease_id] = lease.grant
        at = Instant(now + lease.next_ttl_s * SECOND + extension_ns)
        self._set_expiry(now, lease_id, at)

    def _end(self, lease_id: LeaseId) -> None:
        self._grants.pop(lease_id, None)
        self._expiries.drop(lease_id)
        self._checkpoints.drop(lease_id)
        self._overdue.pop(lease_id, None)
        self._expiring.pop(lease_id, None)

    def _set_expiry(self, now: Instant, lease_id: LeaseId, at: Instant) -> None:
        self._expiries.set(lease_id, at)
        if at - now > self._checkpoint_interval_ns:
            self._checkpoints.set(lease_id, Instant(now + self._checkpoint_interval_ns))
        else:
            self._checkpoints.drop(lease_id)

    def _plan(self) -> None:
        """Find the deadline."""
        looks = [self._expiries.next_look, self._checkpoints.next_look]
        if self._overdue and not self._is_confirming and self._has_room:
            looks.append(self._retry_at)
        self.deadline = min((look for look in looks if look is not None), default=None)

    @property
    def _has_room(self) -> bool:
        return len(self._expiring) < self._expiring_max

    # ------------------------------------------------------------ what was awaited
    def _proceed(
        self,
        now: Instant,
        store: Store,
        awaited: _Awaited,
        effects: list[RaftEffect],
        *,
        is_good: bool,
    ) -> None:
        """Go on with what is confirmed or applied, or see to what was dropped."""
        match awaited:
            case _Question():
                if is_good and self._leads:
                    self._answer(now, store, awaited, effects)
            case _Round(lease_ids=lease_ids):
                self._is_confirming = False
                if is_good and self._leads:
                    self._expire(now, store.leases, lease_ids, effects)
                else:
                    self._retry_at = Instant(now + _RETRY_NS)
            case ExpireLease(lease_id=lease_id, grant=grant):
                self._expiry_settled(now, lease_id, grant)
                self._ask_held(now, store, lease_id, effects)
            case CheckpointLease(lease_id=lease_id):
                self._checkpoint_settled(lease_id, is_good=is_good)
                self._ask_held(now, store, lease_id, effects)
            case _:
                assert_never(awaited)

    def _checkpoint_settled(self, lease_id: LeaseId, *, is_good: bool) -> None:
        """Let go of who waits for a checkpoint that was dropped, as by a leader that hands over.

        To propose it anew at once would be to go round for ever; who waits asks again.
        """
        self._checkpointing[lease_id] -= 1
        if not self._checkpointing[lease_id]:
            del self._checkpointing[lease_id]
        if not is_good:
            self._held.pop(lease_id, None)

    def _expiry_settled(self, now: Instant, lease_id: LeaseId, grant: int) -> None:
        """Try again, later, if the lease has outlived its expiry: dropped, or refused."""
        if self._grants.get(lease_id) == grant and lease_id in self._expiring:
            del self._expiring[lease_id]
            self._overdue[lease_id] = None
            self._retry_at = Instant(now + _RETRY_NS)

    # ------------------------------------------------------------ questions
    def _confirm_questions(
        self, now: Instant, inbox: list[Inquired], effects: list[RaftEffect]
    ) -> None:
        """Have leadership confirmed for what was asked; what is too much is passed over."""
        read_ids: list[RequestId] = []
        for inquiry in inbox:
            request = decode_question(inquiry.data)
            if request is None or len(self._awaited) >= self._questions_max:
                continue
            read_id = self._new_request_id()
            self._awaited[read_id] = _Question(inquiry.origin, inquiry.request_id, request)
            read_ids.append(read_id)
        if read_ids:
            effects += self._raft.read(now, read_ids)

    def _answer(
        self, now: Instant, store: Store, question: _Question, effects: list[RaftEffect]
    ) -> None:
        """Answer a question in the light of all that was applied before it was confirmed."""
        match question.request:
            case LeaseKeepAliveRequest():
                self._keep_alive(now, store, question, effects)
            case LeaseTimeToLiveRequest() as request:
                response = time_to_live(now, store.leases, self._expiries, request)
                self._reply(now, store, question, response, effects)
            case _:
                assert_never(question.request)

    def _keep_alive(
        self, now: Instant, store: Store, question: _Question, effects: list[RaftEffect]
    ) -> None:
        """Give a lease its whole time again, or say that it has ended; or wait until one may."""
        lease_id = LeaseId(question.request.ID)
        lease = store.leases.by_id.get(lease_id)
        response = LeaseKeepAliveResponse(ID=lease_id)
        if lease is not None:
            if lease_id in self._expiring or lease_id in self._checkpointing:
                self._hold(lease_id, question)
                return
            if lease.remaining_s:
                self._hold(lease_id, question)
                self._propose_checkpoint(now, lease, 0, effects)
                return
            self._set_expiry(now, lease_id, Instant(now + lease.ttl_s * SECOND))
            store.tally.leases_renewed += 1
            response.TTL = lease.ttl_s
        self._reply(now, store, question, response, effects)

    def _hold(self, lease_id: LeaseId, question: _Question) -> None:
        held = self._held.setdefault(lease_id, [])
        if question not in held:  # who has waited for long has asked again
            held.append(question)

    def _ask_held(
        self, now: Instant, store: Store, lease_id: LeaseId, effects: list[RaftEffect]
    ) -> None:
        """Look again at the keep-alives that wait for this lease."""
        for question in self._held.pop(lease_id, ()):
            if self._leads:
                self._keep_alive(now, store, question, effects)

    def _reply(
        self,
        now: Instant,
        store: Store,
        question: _Question,
        response: LeaderResponse,
        effects: list[RaftEffect],
    ) -> None:
        response.header.revision = store.revision
        effects += self._raft.answer(
            now, question.origin, question.request_id, encode_answer(response)
        )

    # ------------------------------------------------------------ commands
    def _seek_expired(self, now: Instant, effects: list[RaftEffect]) -> None:
        """Have leadership confirmed before leases whose time is over are given up."""
        for lease_id in self._expiries.due(now):
            self._overdue[lease_id] = None
        if not self._overdue or self._is_confirming or not self._has_room or now < self._retry_at:
            return
        read_id = self._new_request_id()
        self._awaited[read_id] = _Round(tuple(self._overdue))
        self._is_confirming = True
        effects += self._raft.read(now, [read_id])

    def _expire(
        self,
        now: Instant,
        book: LeaseBook,
        lease_ids: tuple[LeaseId, ...],
        effects: list[RaftEffect],
    ) -> None:
        """Propose the end of leases whose time was over when the round began, and is still."""
        commands: list[LeaderCommand] = []
        for lease_id in lease_ids:
            if lease_id not in self._overdue or not self._has_room:
                continue
            if self._expiries.instants[lease_id] > now:
                del self._overdue[lease_id]  # It was kept alive meanwhile.
            elif lease_id in self._held:
                self._retry_at = Instant(now + _RETRY_NS)  # It is about to be.
            else:
                del self._overdue[lease_id]
                self._expiring[lease_id] = None
                grant = book.by_id[lease_id].grant
                commands.append(ExpireLease(lease_id, grant, self._raft.current_term))
        if commands:
            self._propose(now, commands, effects)

    def _write_down(self, now: Instant, book: LeaseBook, effects: list[RaftEffect]) -> None:
        """Propose checkpoints of long leases: a new leader shall not begin from the start."""
        for lease_id in self._checkpoints.due(now):
            at = self._expiries.instants[lease_id]
            if lease_id in self._expiring or lease_id in self._held or at <= now:
                continue
            self._set_expiry(now, lease_id, at)
            lease = book.by_id[lease_id]
            remaining_s = -((now - at) // SECOND)
            if lease_id not in self._checkpointing and remaining_s < lease.next_ttl_s:
                self._propose_checkpoint(now, lease, remaining_s, effects)

    def _propose_checkpoint(
        self, now: Instant, lease: Lease, remaining_s: int, effects: list[RaftEffect]
    ) -> None:
        lease_id = lease.lease_id
        self._checkpointing[lease_id] = self._checkpointing.get(lease_id, 0) + 1
        term = self._raft.current_term
        command = CheckpointLease(lease_id, lease.grant, remaining_s, term)
        self._propose(now, [command], effects)

    def _propose(
        self, now: Instant, commands: list[LeaderCommand], effects: list[RaftEffect]
    ) -> None:
        """Enter commands into this node's own log: a leader forwards nothing."""
        assert self._leads, "the time of leases is the leader's to tell"
        proposals: list[tuple[RequestId, bytes]] = []
        for command in commands:
            request_id = self._new_request_id()
            self._awaited[request_id] = command
            proposals.append((request_id, encode_command(request_id, command)))
        effects += self._raft.propose(now, proposals)


def leads(raft: Raft, term: Term | None) -> bool:
    """Return whether this node leads still, in the term whose time it keeps."""
    return raft.role is RoleName.LEADER and raft.current_term == term


def time_to_live(
    now: Instant, book: LeaseBook, expiries: LeaseClock, request: LeaseTimeToLiveRequest
) -> LeaseTimeToLiveResponse:
    """Return the whole seconds that are left of a lease; -1 if there is none (as etcd).

    Deviation: keys are listed in their order, and what is left lies between 0 and the TTL granted.
    etcd lists them in any order, counts on below 0, and tells of what a new leader has added, which
    the next keep-alive takes away.
    """
    lease = book.by_id.get(LeaseId(request.ID))
    if lease is None:
        return LeaseTimeToLiveResponse(ID=request.ID, TTL=-1)
    left_ns = min(max(0, expiries.instants[lease.lease_id] - now), lease.ttl_s * SECOND)
    return LeaseTimeToLiveResponse(
        ID=request.ID,
        TTL=left_ns // SECOND,
        grantedTTL=lease.ttl_s,
        keys=sorted(lease.keys) if request.keys else (),
    )
