"""The commands about leases (etcd, lease/lessor.go and etcdserver/apply.go).

A client grants and revokes. The leader alone writes down what is left of a lease, and that one has
expired; both name the grant they speak of, for the same id may have been granted anew when they
are applied. All keys of a lease go in one revision, a tombstone each, in the order of the keys.
"""

from typing import Final, TypeAlias, assert_never

from nodeimpl.api.errors import LEASE_EXISTS, LEASE_NOT_FOUND, LEASE_TTL_TOO_LARGE, ApiError
from nodeimpl.api.rpc_pb2 import (
    LeaseCheckpointResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
)
from nodeimpl.ids import LeaseId
from nodeimpl.mvcc.commands import CheckpointLease, ExpireLease
from nodeimpl.mvcc.leases import Lease
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.writing import begin

TTL_MAX_S: Final = 9_000_000_000
"""etcd's: the nanoseconds of a longer one would not fit 63 bits."""


LeaseCommand: TypeAlias = LeaseGrantRequest | LeaseRevokeRequest | ExpireLease | CheckpointLease
"""What changes leases."""


def apply_lease_command(
    state: StoreState, command: LeaseCommand
) -> LeaseGrantResponse | LeaseRevokeResponse | LeaseCheckpointResponse | ApiError:
    """Carry out a command about leases; an error has changed nothing."""
    match command:
        case LeaseGrantRequest():
            return apply_grant(state, command)
        case LeaseRevokeRequest():
            return apply_revoke(state, command)
        case ExpireLease():
            return apply_expiry(state, command)
        case CheckpointLease():
            return apply_checkpoint(state, command)
        case _:
            assert_never(command)


def grant_error(request: LeaseGrantRequest) -> ApiError | None:
    """Return `LEASE_TTL_TOO_LARGE` if nobody may be granted so much."""
    return LEASE_TTL_TOO_LARGE if request.TTL > TTL_MAX_S else None


def apply_grant(state: StoreState, request: LeaseGrantRequest) -> LeaseGrantResponse | ApiError:
    """Add the lease asked for. The node that took the request has chosen its id and raised its TTL.

    So members that disagree on the shortest TTL do not grant different ones.
    """
    lease_id = LeaseId(request.ID)
    if lease_id in state.leases.by_id:
        return LEASE_EXISTS
    state.leases.grant(lease_id, request.TTL)
    state.tally.leases_granted += 1
    response = LeaseGrantResponse(ID=request.ID, TTL=request.TTL)
    response.header.revision = state.revision
    return response


def apply_revoke(state: StoreState, request: LeaseRevokeRequest) -> LeaseRevokeResponse | ApiError:
    """End a lease, and the keys that live by it."""
    lease = state.leases.by_id.get(LeaseId(request.ID))
    if lease is None:
        return LEASE_NOT_FOUND
    return _end(state, lease)


def apply_expiry(state: StoreState, command: ExpireLease) -> LeaseRevokeResponse | ApiError:
    """End a lease whose time is over, if it is still the one that the leader spoke of."""
    lease = granted(state, LeaseId(command.lease_id), command.grant)
    if lease is None:
        return LEASE_NOT_FOUND
    state.tally.leases_expired += 1
    return _end(state, lease)


def apply_checkpoint(
    state: StoreState, command: CheckpointLease
) -> LeaseCheckpointResponse | ApiError:
    """Write down what is left of a lease, if it is still the one that the leader spoke of."""
    lease = granted(state, LeaseId(command.lease_id), command.grant)
    if lease is None:
        return LEASE_NOT_FOUND
    state.leases.checkpoint(lease, command.remaining_s)
    response = LeaseCheckpointResponse()
    response.header.revision = state.revision
    return response


def granted(state: StoreState, lease_id: LeaseId, grant: int) -> Lease | None:
    """Return the lease of this very grant; None if it has ended."""
    lease = state.leases.by_id.get(lease_id)
    return lease if lease is not None and lease.grant == grant else None


def list_leases(state: StoreState) -> LeaseLeasesResponse:
    """Return all leases this node knows of.

    Deviation: in the order of their ids. etcd's leader lists them by the time they have left, and
    its followers, who keep no time, in any order.
    """
    response = LeaseLeasesResponse()
    for lease_id in sorted(state.leases.by_id):
        response.leases.add().ID = lease_id
    response.header.revision = state.revision
    return response


def _end(state: StoreState, lease: Lease) -> LeaseRevokeResponse:
    """Delete the lease's keys, all at one revision, and then the lease."""
    writer = begin(state)
    for key in sorted(lease.keys):
        writer.delete(key)
    writer.finish()
    state.leases.revoke(lease)
    state.tally.leases_revoked += 1
    response = LeaseRevokeResponse()
    response.header.revision = state.revision
    return response
