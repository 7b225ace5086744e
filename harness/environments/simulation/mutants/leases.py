"""Planted bugs in leases, and in what is refused when there is no room."""

from collections.abc import Callable
from random import Random

import msgspec
from typing_extensions import override

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import LeaseKeepAliveResponse, LeaseRevokeResponse
from nodeimpl.config import NodeConfig
from nodeimpl.ids import SECOND, Instant, LeaseId, RequestId, Term
from nodeimpl.leasing import Leasing, _Question, leads
from nodeimpl.mvcc.alarms import makes_grow
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.backend import Backend
from nodeimpl.mvcc.commands import Command, LeaderCommand, holds_in
from nodeimpl.mvcc.facts import FACTS_START, Facts
from nodeimpl.mvcc.lease_commands import _end
from nodeimpl.mvcc.leases import NO_LEASE, Lease, LeaseBook, load_leases
from nodeimpl.mvcc.snapshot import Snapshot as StoreSnapshot
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.writing import begin
from nodeimpl.node import Node
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Became, Inquired, RaftEffect
from nodeimpl.raft.messages import Snapshot
from nodeimpl.raft.state import Recovered
from nodeimpl.state_transfer import content_of

_attach = LeaseBook.attach
_became = Leasing.became
_confirm_questions = Leasing._confirm_questions
_set_expiry = Leasing._set_expiry


def _expire_early(leasing: Leasing, now: Instant, lease_id: LeaseId, at: Instant) -> None:
    """Count in the wrong unit: nine tenths of a second to the second."""
    _set_expiry(leasing, now, lease_id, Instant(now + (at - now) * 9 // 10))


def _believe_to_lead(raft: Raft, term: Term | None) -> bool:
    del raft
    return term is not None


def _never_retire(leasing: Leasing, now: Instant, became: Became, book: LeaseBook) -> None:
    """Keep time for ever after this node has led once."""
    if leasing._term is None:
        _became(leasing, now, became, book)


def _hold_in_any(term: Term, command: LeaderCommand) -> bool:
    del term, command
    return True


class _RemembersTime(Leasing):
    """Goes on, as leader, with the time as it was kept in an earlier term."""

    def __init__(
        self, config: NodeConfig, raft: Raft, new_request_id: Callable[[], RequestId]
    ) -> None:
        super().__init__(config, raft, new_request_id)
        self._remembered: dict[LeaseId, Instant] = {}

    @override
    def became(self, now: Instant, became: Became, book: LeaseBook) -> None:
        """Take up what was remembered, or remember what was."""
        self._remembered.update(self._expiries.instants)
        super().became(now, became, book)
        if self._term is not None:
            for lease_id in self._grants:
                if lease_id in self._remembered:
                    self._expiries.set(lease_id, self._remembered[lease_id])
            self._plan()


class _TimeOfEarlierTerm(Node):
    """A node that leads where it left off."""

    def __init__(
        self,
        config: NodeConfig,
        recovered: Recovered,
        backend: Backend,
        random: Random,
        now: Instant,
    ) -> None:
        super().__init__(config, recovered, backend, random, now)
        self._leasing = _RemembersTime(config, self.raft, self._request_ids.next)


def _answer_unconfirmed(
    leasing: Leasing, now: Instant, inbox: list[Inquired], effects: list[RaftEffect]
) -> None:
    """Take every question for one that has been confirmed."""
    _confirm_questions(leasing, now, inbox, effects)
    for request_id, awaited in list(leasing._awaited.items()):
        if isinstance(awaited, _Question):
            leasing.settled(request_id)


def _keep_checkpoint(
    leasing: Leasing, now: Instant, store: Store, question: _Question, effects: list[RaftEffect]
) -> None:
    """Renew a lease here, and leave what is written down of it as it is."""
    lease_id = LeaseId(question.request.ID)
    lease = store.leases.by_id.get(lease_id)
    response = LeaseKeepAliveResponse(ID=lease_id)
    if lease is not None:
        if lease_id in leasing._expiring:
            leasing._hold(lease_id, question)
            return
        leasing._set_expiry(now, lease_id, Instant(now + lease.ttl_s * SECOND))
        response.TTL = lease.ttl_s
    leasing._reply(now, store, question, response, effects)


def _load_without_keys(facts: Facts, lease_of: dict[bytes, LeaseId]) -> LeaseBook:
    del lease_of
    return load_leases(facts, {})


def _restore_keys_only(snapshot: Snapshot) -> StoreSnapshot | None:
    """Take over the keys, and nothing of what there is beside them."""
    content = content_of(snapshot)
    if content is None:
        return None
    rows = tuple(row for row in content.rows if not row[0].startswith(FACTS_START))
    return msgspec.structs.replace(content, rows=rows)


def _attach_and_keep(book: LeaseBook, key: bytes, lease_id: LeaseId) -> None:
    """Let a lease know its keys for ever, and not only as long as they live by it."""
    before = book.by_id.get(book.lease_of.get(key, NO_LEASE))
    _attach(book, key, lease_id)
    if before is not None:
        before.keys.add(key)


def _end_leaving_known(state: StoreState, lease: Lease) -> LeaseRevokeResponse:
    """Delete whatever of the lease's keys there is."""
    existing = {key for key in lease.keys if state.index.find(key, state.revision) is not None}
    lease.keys.intersection_update(existing)
    writer = begin(state)
    for key in sorted(existing):
        writer.delete(key)
    writer.finish()
    lease.keys.clear()
    state.leases.revoke(lease)
    response = LeaseRevokeResponse()
    response.header.revision = state.revision
    return response


def _end_key_by_key(state: StoreState, lease: Lease) -> LeaseRevokeResponse:
    for key in sorted(lease.keys):
        writer = begin(state)
        writer.delete(key)
        writer.finish()
    return _end(state, lease)


class _FillsUp(Node):
    """Node 2 takes what an alarm forbids."""

    @override
    def apply_command(
        self, request: Command, term: Term, identity: Identity | None = None
    ) -> ApiResponse | ApiError:
        alarms = self.store.alarms
        if self.config.node_id != 2 or not makes_grow(request):
            return super().apply_command(request, term, identity)
        raised, alarms._on = alarms._on, []
        outcome = super().apply_command(request, term, identity)
        alarms._on = raised
        return outcome


MUTANTS = (
    Mutant(
        name="lease-expires-early",
        workloads=("lease",),
        breaks="etcd, learning/api: a lease lives for its TTL at least; nine tenths of it, and a "
        "client that keeps it alive in time finds its keys gone",
        patches=(patch(Leasing._set_expiry, _expire_early),),
    ),
    Mutant(
        name="lease-expired-by-deposed-leader",
        workloads=("lease",),
        breaks="etcd #15247: only the leader's clock counts; a leader that was paused and deposed "
        "has its view of time carried out by the next one, which kept leases alive",
        patches=(
            patch(leads, _believe_to_lead),
            patch(Leasing.became, _never_retire),
            patch(holds_in, _hold_in_any),
        ),
    ),
    Mutant(
        name="lease-time-of-earlier-term",
        workloads=("lease",),
        breaks="etcd, lessor: Promote; a leader that comes back to power knows nothing of what was "
        "kept alive meanwhile, and gives every lease its time anew",
        node_class=_TimeOfEarlierTerm,
        scenario="leader-comes-back",
    ),
    Mutant(
        name="keep-alive-unconfirmed",
        workloads=("lease",),
        breaks="etcd #15247: a leader confirms that it still leads before it answers a keep-alive; "
        "one that was deposed promises time that the next leader does not give",
        patches=(patch(Leasing._confirm_questions, _answer_unconfirmed),),
        scenario="leader-keeps-leases-alone",
    ),
    Mutant(
        name="checkpoint-outlives-keep-alive",
        workloads=("lease",),
        breaks="etcd, lessor: Renew; what is written down of a lease is struck out before it is "
        "said to have all its time, or the next leader gives it less",
        patches=(patch(Leasing._keep_alive, _keep_checkpoint),),
        scenario="leader-comes-back",
    ),
    Mutant(
        name="attachments-lost-on-restart",
        workloads=("lease",),
        breaks="etcd, mvcc: restore; a key's row names its lease, and a restarted member gathers "
        "the keys from there, or they outlive their lease on it",
        patches=(patch(load_leases, _load_without_keys),),
    ),
    Mutant(
        name="leases-not-in-snapshot",
        workloads=("lease",),
        breaks="Raft §7: a snapshot is the whole state; a member that is sent one without leases "
        "knows none",
        patches=(patch(content_of, _restore_keys_only),),
    ),
    Mutant(
        name="lease-ends-key-by-key",
        workloads=("lease",),
        breaks="etcd, lessor: Revoke; all keys of a lease go in one revision, and nobody sees some "
        "of them without the others",
        patches=(patch(_end, _end_key_by_key),),
    ),
    Mutant(
        name="detached-key-dies-with-lease",
        workloads=("lease",),
        breaks="etcd, learning/api: a key lives by the lease of its last put; one that was put "
        "without, or by another, outlives the first",
        patches=(patch(LeaseBook.attach, _attach_and_keep), patch(_end, _end_leaving_known)),
    ),
    Mutant(
        name="alarm-ignored-by-one",
        workloads=("lease",),
        breaks="etcd, apply: applierV3Capped; an alarm is replicated, and every member refuses "
        "what it forbids, whatever room it has itself",
        node_class=_FillsUp,
    ),
)
