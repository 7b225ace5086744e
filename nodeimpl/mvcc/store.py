"""The store: applies commands, answers reads (etcd, api_guarantees and learning/data_model)."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse, ReadRequest
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AlarmResponse,
    CompactionRequest,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseGrantRequest,
    LeaseLeasesRequest,
    LeaseRevokeRequest,
    MemberListRequest,
    MemberListResponse,
    MemberUpdateResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import NodeId, Revision
from nodeimpl.mvcc.alarms import Alarms, alarm_error, apply_alarm
from nodeimpl.mvcc.auth.book import AuthBook
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.auth.management import AuthCommand, apply_auth
from nodeimpl.mvcc.auth.permissions import objection
from nodeimpl.mvcc.backend import Backend
from nodeimpl.mvcc.commands import CheckpointLease, Command, DescribeMember, ExpireLease
from nodeimpl.mvcc.compaction import apply_compaction, remove_batch
from nodeimpl.mvcc.lease_commands import LeaseCommand, apply_lease_command, list_leases
from nodeimpl.mvcc.leases import LeaseBook
from nodeimpl.mvcc.members import MemberBook
from nodeimpl.mvcc.ranges import read_range
from nodeimpl.mvcc.state import StoreState, load_state
from nodeimpl.mvcc.store_hash import StoreHash, hash_at, hash_steps
from nodeimpl.mvcc.tally import Tally
from nodeimpl.mvcc.txn import apply_txn, is_read_only
from nodeimpl.mvcc.validation import request_error
from nodeimpl.mvcc.writing import (
    begin,
    carry_out_delete_range,
    carry_out_put,
    lease_error,
    previous_error,
)


class Store:
    """One node's copy of the replicated store, on a backend that only it writes.

    Equal commands applied in equal order to stores on equal backends give equal answers and equal
    bytes. Every answer's header bears the revision; cluster, member and term are the node's to
    fill in.
    """

    __slots__ = ("_config", "_state")

    def __init__(self, backend: Backend, config: StoreConfig) -> None:
        """Take up where the backend's rows end."""
        self._config = config
        self._state: StoreState = load_state(backend)

    @property
    def revision(self) -> Revision:
        """The revision of the last command that changed anything; 1 in a new store."""
        return self._state.revision

    @property
    def compact_revision(self) -> Revision:
        """The revision of the last compaction; -1 before the first (as etcd)."""
        return self._state.compaction.revision

    @property
    def finished_compact_revision(self) -> Revision:
        """The last compaction whose rows are all gone; -1 before the first.

        Grows by `compact_step` only, and so at each member in its own time.
        """
        return self._state.finished_compaction

    @property
    def is_compacting(self) -> bool:
        """Whether rows wait for `compact_step` to remove them; also after a restart."""
        return self._state.removal is not None

    @property
    def state(self) -> StoreState:
        """The state itself, for invariants and oracles. Not to be changed."""
        return self._state

    @property
    def leases(self) -> LeaseBook:
        """All leases. Not to be changed, but for `touched`."""
        return self._state.leases

    @property
    def alarms(self) -> Alarms:
        """The alarms that are on. Not to be changed."""
        return self._state.alarms

    @property
    def members(self) -> MemberBook:
        """What members say of themselves. Not to be changed."""
        return self._state.members

    @property
    def auth(self) -> AuthBook:
        """Users and roles. Not to be changed."""
        return self._state.auth

    @property
    def tally(self) -> Tally:
        """What was done since the store was opened, for monitoring."""
        return self._state.tally

    def check(self, request: ApiRequest | DescribeMember | Authenticate) -> ApiError | None:
        """Return why the request may not enter the log; None if it may.

        Looks at the request and the configuration only, so nodes cannot differ.
        """
        return request_error(request, self._config)

    def apply(self, request: Command, identity: Identity | None = None) -> ApiResponse | ApiError:
        """Carry out a committed command that passed `check`; an error has changed nothing.

        `identity` is who asked for it; None if a node did, or nobody was asked who they are.
        """
        if self._state.auth.enabled:
            error = self.objection(request, identity)
            if error is not None:
                return error
        if self._state.alarms:
            error = alarm_error(self._state.alarms, request)
            if error is not None:
                return error
        return self._carry_out(request)

    def _carry_out(self, request: Command) -> ApiResponse | ApiError:
        match request:
            case PutRequest():
                return self._apply_put(request)
            case DeleteRangeRequest():
                return self._apply_delete_range(request)
            case TxnRequest():
                return apply_txn(self._state, request)
            case CompactionRequest():
                return apply_compaction(self._state, request)
            case _:
                return self._apply_other(request)

    def objection(
        self, request: Command | ApiRequest, identity: Identity | None
    ) -> ApiError | None:
        """Return why a request may not be carried out for who asks; None if it may.

        What a node itself proposes, it proposes in nobody's name.
        """
        if isinstance(request, msgspec.Struct):
            return None
        if isinstance(request, AlarmRequest) and identity is None:
            return None
        return objection(self._state.auth, self._state.leases, request, identity)

    def read(
        self, request: ReadRequest, identity: Identity | None = None
    ) -> ApiResponse | ApiError:
        """Answer a read that passed `check`, to who asks, from the present state.

        A transaction must be read-only. Whether the present state is recent enough is the
        caller's to know.
        """
        if self._state.auth.enabled:
            error = self.objection(request, identity)
            if error is not None:
                return error
        match request:
            case RangeRequest():
                return read_range(self._state, request)
            case TxnRequest():
                assert is_read_only(request), "a transaction that may write goes through the log"
                return apply_txn(self._state, request)
            case LeaseLeasesRequest():
                return list_leases(self._state)
            case MemberListRequest():
                return self._list_members()
            case _:
                assert_never(request)

    def compact_step(self) -> bool:
        """Remove the next rows that compactions superseded; return whether there is more to do.

        Looks at `compaction_batch_rows` at most. Changes no answer, no hash and no snapshot of
        what can be read; may be called at any time between commands, or never.
        """
        return remove_batch(self._state, self._config.compaction_batch_rows)

    def hash_at(self, revision: Revision) -> StoreHash | ApiError:
        """Return the hash of the rows up to `revision`; 0 means the present (see `store_hash`).

        Equal on every member of equal `compact_revision`. `COMPACTED` or `FUTURE_REVISION` for a
        revision that cannot be read. Reads all these rows.
        """
        return hash_at(self._state, revision)

    def hash_steps(self, revision: Revision) -> Iterator[StoreHash | ApiError | None]:
        """Yield None as long as there is more to read, and last what `hash_at` would return now.

        The store may go on between two steps (see `store_hash`).
        """
        return hash_steps(self._state, revision)

    def hash(self) -> int:
        """Return the hash of every change up to the present, and of all facts; 32 bits.

        Costs nothing. Stores that are the outcome of the same commands must have equal hashes,
        whatever they compacted.
        """
        return self._state.hash ^ self._state.facts.hash

    def follow_members(self, members: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """Take note of who the members are, the learners among them, as of what is applied.

        Who no longer is one is forgotten, by every member at the same entry.
        """
        self._state.members.follow(members, learners)

    def _apply_other(
        self,
        request: RangeRequest | AlarmRequest | DescribeMember | LeaseCommand | AuthCommand,
    ) -> ApiResponse | ApiError:
        """Carry out a command that changes no key, or keys only with their lease."""
        match request:
            case RangeRequest():
                return read_range(self._state, request)
            case AlarmRequest():
                return self._apply_alarm(request)
            case DescribeMember():
                return self._describe_member(request)
            case LeaseGrantRequest() | LeaseRevokeRequest() | ExpireLease() | CheckpointLease():
                return apply_lease_command(self._state, request)
            case _:
                return self._apply_auth(request)

    def _apply_auth(self, command: AuthCommand) -> ApiResponse | ApiError:
        response = apply_auth(self._state.auth, command)
        if not isinstance(response, ApiError):
            response.header.revision = self._state.revision
        return response

    def _apply_alarm(self, request: AlarmRequest) -> AlarmResponse:
        response = apply_alarm(self._state.alarms, request)
        response.header.revision = self._state.revision
        return response

    def _describe_member(self, command: DescribeMember) -> MemberUpdateResponse | ApiError:
        error = self._state.members.describe(command)
        if error is not None:
            return error
        response = MemberUpdateResponse(members=self._state.members.listed())
        response.header.revision = self._state.revision
        return response

    def _list_members(self) -> MemberListResponse:
        response = MemberListResponse(members=self._state.members.listed())
        response.header.revision = self._state.revision
        return response

    def _apply_put(self, request: PutRequest) -> PutResponse | ApiError:
        error = lease_error(self._state, request) or previous_error(self._state, request)
        if error is not None:
            return error
        writer, response = begin(self._state), PutResponse()
        carry_out_put(writer, request, response)
        writer.finish()
        return response

    def _apply_delete_range(self, request: DeleteRangeRequest) -> DeleteRangeResponse:
        writer, response = begin(self._state), DeleteRangeResponse()
        carry_out_delete_range(writer, request, response)
        writer.finish()
        return response
