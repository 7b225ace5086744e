"""The node: consensus, the store it replicates, and the requests that wait for their entry.

Sans-IO: `handle(now, given)` returns what the driver must do, in order (see `boundary.py`).

A write becomes a command in the log; whichever node a client asked answers it when *it* applies
that command. A linearizable read waits for a read index (thesis §6.4) and for the store to have
applied it. A serializable read is answered from the store as it is (etcd api_guarantees).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import assert_never

from nodeimpl.administration import Administration
from nodeimpl.api.errors import (
    NO_LEADER,
    NOT_LEADER,
    REQUEST_TIMED_OUT,
    TOO_MANY_REQUESTS,
    ApiError,
)
from nodeimpl.api.requests import ApiRequest, ApiResponse, ReadRequest
from nodeimpl.api.rpc_pb2 import CompactionResponse, ResponseHeader
from nodeimpl.authorization import AUTH_COMMANDS, Authorization, disclosed
from nodeimpl.boundary import (
    ChangeMembers,
    ClientRequest,
    CommitBackend,
    Effect,
    Input,
    MoveLeader,
    Receive,
    Reply,
    Requests,
    Wake,
)
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, LogIndex, RequestId, Term
from nodeimpl.leader_requests import decode_answer, encode_question
from nodeimpl.leasing import Leasing
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.auth.identity import Identity, split_identity, with_identity
from nodeimpl.mvcc.backend import Applied, Backend
from nodeimpl.mvcc.commands import (
    CheckpointLease,
    Command,
    DescribeMember,
    ExpireLease,
    decode_command,
    encode_command,
    holds_in,
)
from nodeimpl.mvcc.snapshot import encode_snapshot
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.watch.hub import WatchHub
from nodeimpl.quota import Quota
from nodeimpl.raft.configuration import decode_configuration_entry, founding_data
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Dropped,
    Inquired,
    InquiryAnswered,
    NeedSnapshot,
    Persist,
    RaftEffect,
    ReadReady,
    Restore,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import Entry, EntryKind, Snapshot
from nodeimpl.raft.state import Recovered
from nodeimpl.removal import Removal
from nodeimpl.request_ids import RequestIds
from nodeimpl.routing import LEADER_REQUESTS, as_read, is_local, is_physical
from nodeimpl.state_transfer import content_of
from nodeimpl.waiting import IndexedReads, Patience, Waiting
from nodeimpl.watching import WatchDesk

_LEADER_COMMANDS = (ExpireLease, CheckpointLease)


class Node:
    """One member of the cluster."""

    def __init__(
        self,
        config: NodeConfig,
        recovered: Recovered,
        backend: Backend,
        random: Random,
        now: Instant,
    ) -> None:
        """Start from what recovery found; all of it is durable.

        `random` is consensus' own (election timeouts); nothing else here is left to chance.
        """
        assert __debug__, "a node's assertions guard its data; do not run python -O"
        self.config = config
        self.store = Store(backend, config.store)
        self.applied_index = backend.applied.index
        self._applied_term = backend.applied.term
        self._applied_members = backend.applied.configuration or founding_data(config.voters)
        """The latest configuration that was applied, as its entry's data; empty if none was."""
        self._backend = backend
        self._sealed_index = backend.applied.index
        self._seal_entries = min(config.backend_commit_entries, config.raft.snapshot_entries)
        """The log cannot be trimmed more often than the store is made durable."""
        self.raft = self.make_raft(recovered, random, now)
        self.raft.state.new_spool = backend.spool
        self._waiting: dict[RequestId, Waiting] = {}
        self._administration = Administration()
        self._patience = Patience(config.request_timeout_ns)
        self._reads = IndexedReads()
        self._removal = Removal(config.store.compaction_interval_ns)
        self.watch = WatchHub(config.watch, self.store.state)
        self.authorization = Authorization(config)
        self._watch_desk = WatchDesk(self.watch, self.authorization)
        self._removal.at = now if self.store.is_compacting else None
        self._request_ids = RequestIds(config.node_id, config.incarnation)
        self._leasing = Leasing(config, self.raft, self._request_ids.next)
        self._quota = Quota(config, backend)
        self._follow_members()

    def make_raft(self, recovered: Recovered, random: Random, now: Instant) -> Raft:
        """Return the consensus this node runs on; planted bugs replace it."""
        config = self.config
        return Raft(config.raft, config.node_id, config.voters, recovered, random, now)

    @property
    def applied(self) -> Applied:
        """What the store is the outcome of, sealed or not."""
        return Applied(self.applied_index, self._applied_term, self._applied_members)

    @property
    def deadline(self) -> Instant:
        """When `Wake` must be given at the latest."""
        deadline = self.raft.deadline
        removal_at = self._removal.at
        if removal_at is not None and removal_at < deadline:
            deadline = removal_at
        watch_deadline = self.watch.deadline
        if watch_deadline is not None and watch_deadline < deadline:
            deadline = watch_deadline
        over_at = self._patience.deadline
        if over_at is not None and over_at < deadline:
            deadline = over_at
        leasing_at = self._leasing.deadline
        return leasing_at if leasing_at is not None and leasing_at < deadline else deadline

    def handle(self, now: Instant, given: Input) -> list[Effect]:
        """Take one input and return what to do about it, in order."""
        if type(given) is Receive:  # by far the most
            effects = self._interpret(now, self.raft.receive(now, given.sender, given.message))
        else:
            effects = self._handle(now, given)
        leasing = self._leasing
        while leasing.has_news or (leasing.deadline is not None and leasing.deadline <= now):
            effects += self._interpret(now, leasing.step(now, self.store))
        if self.watch.streams:
            # Before rows go of which they are to be told.
            effects += self._watch_desk.serve(now, self._head)
        if self.store.is_compacting:
            self._remove_rows(now, effects)
        if self._removal.is_awaited:
            self._answer_compactions(effects)
        return effects

    def _handle(self, now: Instant, given: Input) -> list[Effect]:
        match given:
            case Requests(requests=requests):
                return self._take(now, requests)
            case Receive(sender=sender, message=message):
                return self._interpret(now, self.raft.receive(now, sender, message))
            case ChangeMembers() | MoveLeader():
                new_id = partial(self._new_request_id, now)
                replies, begun = self._administration.begin(now, self.raft, given, new_id)
                return [*replies, *self._interpret(now, begun)]
            case Wake():
                effects = self._expire(now)
                return effects + self._interpret(now, self.raft.wake(now))
            case _:
                self._watch_desk.take(now, given, self.store.auth, self.applied_index)
                return []

    # ------------------------------------------------------------ requests
    def _take(self, now: Instant, requests: Sequence[ClientRequest]) -> list[Effect]:
        """Take requests from clients, once it is known who asks, if that matters."""
        if not self.store.auth.enabled:
            return self._take_admitted(now, requests, {})
        admitted = self.authorization.admit_all(
            now, self.store, self.applied_index, requests, partial(self._wait, now)
        )
        taken = self._take_admitted(now, admitted.requests, admitted.identities)
        return [*admitted.refusals, *taken]

    def _take_admitted(
        self, now: Instant, requests: Sequence[ClientRequest], asking: Mapping[int, Identity]
    ) -> list[Effect]:
        """Take requests; `asking` says by tag who asks, of those of which it matters."""
        effects: list[Effect] = []
        proposals: list[tuple[RequestId, bytes]] = []
        reads: list[RequestId] = []
        for request in requests:
            body, identity = request.body, asking.get(request.tag)
            refusal = self._refusal(body)
            if refusal is not None:
                effects.append(Reply(request.tag, refusal))
            elif (read := as_read(body)) is not None:
                if is_local(read):
                    effects.append(self._reply(request.tag, self.store.read(read, identity)))
                else:
                    reads.append(self._wait(now, request.tag, read, identity))
            else:
                request_id = self._wait(now, request.tag, who=identity)
                if isinstance(body, LEADER_REQUESTS):
                    inquiry = self.raft.inquire(now, request_id, encode_question(body))
                    effects += self._interpret(now, inquiry)
                else:
                    command = self._leasing.command(request_id, body)
                    proposals.append((request_id, with_identity(command, identity)))
        if proposals:
            effects += self._interpret(now, self.raft.propose(now, proposals))
        if reads:
            effects += self._interpret(now, self.raft.read(now, reads))
        return effects

    def _take_parked(self, now: Instant, effects: list[Effect]) -> None:
        """Take the requests whose tokens are known now, unless they have waited too long."""
        for request_id, request in self.authorization.unparked(self.applied_index):
            if self._waiting.pop(request_id, None) is not None:
                effects += self._take(now, (request,))

    def _refusal(self, body: ApiRequest | DescribeMember | Authenticate) -> ApiError | None:
        """Return why a request is not taken; None if it is."""
        refusal = self.store.check(body)
        if refusal is None and len(self._waiting) >= self.config.requests_waiting_max:
            return TOO_MANY_REQUESTS
        if refusal is None and self._quota.is_used_up:
            return self._quota.refusal(body)
        return refusal

    def _wait(
        self, now: Instant, tag: int, read: ReadRequest | None = None, who: Identity | None = None
    ) -> RequestId:
        request_id = self._new_request_id(now)
        self._waiting[request_id] = Waiting(tag, read, who)
        return request_id

    def _new_request_id(self, now: Instant) -> RequestId:
        """Return the next id, and see to it that the request does not wait for ever."""
        request_id = self._request_ids.next()
        self._patience.begin(now, request_id, self._is_open)
        return request_id

    def _is_open(self, request_id: RequestId) -> bool:
        return request_id in self._waiting or request_id in self._administration

    def _expire(self, now: Instant) -> list[Effect]:
        """Answer what has waited too long: its outcome is unknown, and may stay so.

        Whoever waits for rows to go waits for as long as that takes (as etcd).
        """
        effects: list[Effect] = []
        for request_id in self._patience.over(now):
            if request_id in self._removal:
                continue
            waiting = self._waiting.pop(request_id, None)
            if waiting is not None:
                self.raft.forget_inquiry(request_id)
                effects.append(Reply(waiting.tag, REQUEST_TIMED_OUT))
            effects += self._administration.expired(request_id)
        return effects

    # ------------------------------------------------------------ what consensus says
    def _interpret(self, now: Instant, raft_effects: list[RaftEffect]) -> list[Effect]:
        """Pass on what the driver does, and do here what concerns the store."""
        effects: list[Effect] = []
        for effect in raft_effects:
            if type(effect) is Send or type(effect) is Persist:
                effects.append(effect)
            elif type(effect) is Commit:
                effects.append(effect)
                self._apply(now, effect.entries, effects)
            else:
                self._interpret_rare(now, effect, effects)
        return effects

    def _interpret_rare(  # noqa: C901, PLR0912 (one case per effect)
        self, now: Instant, effect: RaftEffect, effects: list[Effect]
    ) -> None:
        match effect:
            case ReadReady(request_ids=request_ids, read_index=read_index):
                self._read_when_applied(request_ids, read_index, effects)
            case Became(leader=leader):
                effects.append(effect)
                self._leasing.became(now, effect, self.store.leases)
                if self._administration and leader is not None:
                    effects += self._administration.led_by(leader)
            case Dropped(request_ids=request_ids):
                self._refuse(request_ids, effects)
            case Inquired():
                self._leasing.inquired(effect)
            case InquiryAnswered(request_id=request_id, data=data):
                response, asked = decode_answer(data), self._waiting.get(request_id)
                if response is not None and asked is not None:
                    shown = disclosed(self.store.auth, asked.identity, response)
                    self._answer(request_id, shown, effects)
            case NeedSnapshot():
                self._give_snapshot(now, effects)
            case Restore(snapshot=snapshot):
                self._restore(now, snapshot, effects)
            case ConfigurationChanged() | Trim() | Restored():
                effects.append(effect)
            case Send() | Persist() | Commit():
                raise AssertionError("the caller has seen to these")
            case _:
                assert_never(effect)

    def _apply(self, now: Instant, entries: tuple[Entry, ...], effects: list[Effect]) -> None:
        for entry in entries:
            assert entry.index == self.applied_index + 1, (
                f"entry {entry.index} committed after {self.applied_index} was applied"
            )
            if entry.kind is EntryKind.COMMAND:
                command, identity = split_identity(entry.data)
                request_id, request = decode_command(command)
                outcome = self.apply_command(request, entry.term, identity)
                if type(request) in AUTH_COMMANDS:
                    self.authorization.applied(now, entry.index, request, outcome)
                if isinstance(outcome, CompactionResponse) and is_physical(request):
                    self._removal.wait(self.store.compact_revision, request_id, outcome)
                else:
                    self._answer(request_id, outcome, effects)
            elif entry.kind is EntryKind.CONFIGURATION:
                self._applied_members = entry.data
                self._follow_members()
                effects += self._administration.applied(decode_configuration_entry(entry.data))
            self.applied_index, self._applied_term = entry.index, entry.term
        if self._reads:
            self._answer_applied_reads(effects)
        self._look_around(now, effects)
        if self.applied_index - self._sealed_index >= self._seal_entries:
            self._seal(now, effects)

    def _seal(self, now: Instant, effects: list[Effect]) -> None:
        """Ask for the store to be made durable, and let the log forget what it then need not hold.

        Whatever the store has applied stands behind its `Persist`: its `Commit` does.
        """
        self._sealed_index = self.applied_index
        applied = self.applied
        point = self._backend.seal(applied)
        effects.append(CommitBackend(point, applied, self.store.hash()))
        effects += self._interpret(now, self.raft.trim(now, self.applied_index))

    def apply_command(
        self, request: Command, term: Term, identity: Identity | None = None
    ) -> ApiResponse | ApiError:
        """Apply a committed command to the store; every node does so in the same order.

        What a leader says of the time of leases holds in an entry of its own term only.
        """
        if isinstance(request, _LEADER_COMMANDS) and not holds_in(term, request):
            return NOT_LEADER
        return self.store.apply(request, identity)

    def _look_around(self, now: Instant, effects: list[Effect]) -> None:
        """See what has come of what was applied, besides the answers."""
        self.authorization.look(self.store.auth, self.watch)
        if self.authorization.parked:
            self._take_parked(now, effects)
        if self.store.leases.touched:
            self._leasing.touched()
        if self._quota.look():
            self._raise_alarm(now, effects)

    def _raise_alarm(self, now: Instant, effects: list[Effect]) -> None:
        """Have every member refuse what would make stores grow, unless it does already."""
        alarm = self._quota.alarm(now, self.store.alarms)
        if alarm is not None:
            request_id = self._request_ids.next()
            proposal = (request_id, encode_command(request_id, alarm))
            effects += self._interpret(now, self.raft.propose(now, [proposal]))

    def _follow_members(self) -> None:
        """Tell the store who the members are, as of what it has applied."""
        if self._applied_members:
            members = decode_configuration_entry(self._applied_members).configuration
            self.store.follow_members(members.members, members.learners)

    # ------------------------------------------------------------ snapshots
    def _give_snapshot(self, now: Instant, effects: list[Effect]) -> None:
        """Give consensus the whole store as bytes, for a follower that is too far behind."""
        self._seal(now, effects)
        applied = self._backend.applied
        snapshot = Snapshot(
            applied.index, applied.term, applied.configuration, encode_snapshot(self._backend)
        )
        effects += self._interpret(now, self.raft.snapshot_ready(now, snapshot))

    def _restore(self, now: Instant, snapshot: Snapshot, effects: list[Effect]) -> None:
        """Put a leader's store in the place of this one, if its bytes are what it says they are.

        Writes that wait for an answer go on waiting: whether the store holds them cannot be told,
        and when their time is over they are answered so.
        """
        content = content_of(snapshot)
        if content is None:
            effects += self._interpret(now, self.raft.snapshot_restored(now, is_restored=False))
            return
        point = self._backend.restore(content.applied, content.rows)
        self.store = Store(self._backend, self.config.store)
        self.watch.restored(self.store.state)
        self.authorization.restored(self.store.auth, self.watch)
        self._removal.at = None
        self._sealed_index = self.applied_index = content.applied.index
        self._applied_term = content.applied.term
        self._applied_members = content.applied.configuration
        self._follow_members()
        effects.append(CommitBackend(point, content.applied, self.store.hash()))
        effects += self._interpret(now, self.raft.snapshot_restored(now, is_restored=True))
        self._answer_applied_reads(effects)

    # ------------------------------------------------------------ compaction
    def _remove_rows(self, now: Instant, effects: list[Effect]) -> None:
        """Remove the next batch of superseded rows when its time has come, and commit it (as etcd).

        So other work goes on between two batches, and a crash may fall there.
        """
        if self._removal.is_due(now, is_behind=self._backend.is_behind):
            more = self.store.compact_step()
            self._seal(now, effects)
            self._removal.removed(now, more=more)

    def _answer_compactions(self, effects: list[Effect]) -> None:
        for request_id, outcome in self._removal.finished(self.store.finished_compact_revision):
            self._answer(request_id, outcome, effects)

    # ------------------------------------------------------------ reads
    def _read_when_applied(
        self, request_ids: tuple[RequestId, ...], read_index: LogIndex, effects: list[Effect]
    ) -> None:
        if read_index <= self.applied_index:
            self._answer_reads(request_ids, effects)
        else:
            self._reads.add(read_index, request_ids)

    def _answer_applied_reads(self, effects: list[Effect]) -> None:
        for request_ids in self._reads.applied(self.applied_index):
            self._answer_reads(request_ids, effects)

    def _answer_reads(self, request_ids: tuple[RequestId, ...], effects: list[Effect]) -> None:
        for request_id in request_ids:
            waiting = self._waiting.pop(request_id, None)
            if waiting is not None and waiting.read is not None:
                outcome = self.store.read(waiting.read, waiting.identity)
                effects.append(self._reply(waiting.tag, outcome))
            elif request_id in self._leasing:
                self._leasing.settled(request_id)

    def _refuse(self, request_ids: tuple[RequestId, ...], effects: list[Effect]) -> None:
        for request_id in request_ids:
            waiting = self._waiting.pop(request_id, None)
            if waiting is not None:
                effects.append(Reply(waiting.tag, NO_LEADER))
            elif request_id in self._leasing:
                self._leasing.dropped(request_id)

    # ------------------------------------------------------------ answers
    def _answer(
        self, request_id: RequestId, outcome: ApiResponse | ApiError, effects: list[Effect]
    ) -> None:
        """Answer a request if its client waits here; it may have asked elsewhere, or given up."""
        waiting = self._waiting.pop(request_id, None)
        if waiting is not None:
            effects.append(self._reply(waiting.tag, outcome))
        elif request_id in self._leasing:
            self._leasing.settled(request_id)

    def _reply(self, tag: int, outcome: ApiResponse | ApiError) -> Reply:
        if not isinstance(outcome, ApiError):
            self._head(outcome.header)
        return Reply(tag, outcome)

    def _head(self, header: ResponseHeader) -> None:
        """Say in a header who answers."""
        header.cluster_id = self.config.cluster_id
        header.member_id = self.config.node_id
        header.raft_term = self.raft.current_term
