"""Which way a request goes: to the store, to the leader, or into the log."""

from typing import Final, assert_never

from nodeimpl.api.requests import ApiRequest, ReadRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    LeaseKeepAliveRequest,
    LeaseLeasesRequest,
    LeaseTimeToLiveRequest,
    MemberListRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.commands import Command, DescribeMember
from nodeimpl.mvcc.txn import is_read_only, is_serializable

LEADER_REQUESTS: Final = (LeaseKeepAliveRequest, LeaseTimeToLiveRequest)
"""What the leader answers, and no entry is needed for."""

NO_COMMANDS: Final = (
    LeaseKeepAliveRequest,
    LeaseTimeToLiveRequest,
    LeaseLeasesRequest,
    MemberListRequest,
)
"""What never enters the log."""


def as_read(request: ApiRequest | DescribeMember | Authenticate) -> ReadRequest | None:
    """Return the request as one that can be answered without the log; None if it cannot be."""
    match request:
        case PutRequest():
            return None
        case RangeRequest() | LeaseLeasesRequest() | MemberListRequest():
            return request
        case TxnRequest() if is_read_only(request):
            return request
        case _:
            return None


def is_physical(request: Command) -> bool:
    """Say whether a compaction is to be answered when the rows are gone (etcd, api: Compact)."""
    return isinstance(request, CompactionRequest) and request.physical


def is_local(request: ReadRequest) -> bool:
    """Say whether the client contents itself with what this node has applied."""
    match request:
        case RangeRequest():
            return request.serializable
        case TxnRequest():
            return is_serializable(request)
        case MemberListRequest():
            return not request.linearizable
        case LeaseLeasesRequest():
            return True  # as etcd
        case _:
            assert_never(request)
