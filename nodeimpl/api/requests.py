"""What a client may ask, and the answers: etcd's messages themselves, as closed unions."""

from typing import TypeAlias

from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AlarmResponse,
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseCheckpointResponse,
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
    MemberListRequest,
    MemberListResponse,
    MemberUpdateResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
)

ReadRequest: TypeAlias = RangeRequest | TxnRequest | LeaseLeasesRequest | MemberListRequest
"""What can be answered without the log: a range, a transaction of ranges only, a list."""

WriteRequest: TypeAlias = (
    PutRequest
    | DeleteRangeRequest
    | TxnRequest
    | CompactionRequest
    | LeaseGrantRequest
    | LeaseRevokeRequest
    | AlarmRequest
)
"""What goes through the log."""

KvRequest: TypeAlias = (
    RangeRequest | PutRequest | DeleteRangeRequest | TxnRequest | CompactionRequest
)
"""Everything the KV service takes."""

CommandRequest: TypeAlias = RangeRequest | WriteRequest
"""What the log may hold."""

LeaderRequest: TypeAlias = LeaseKeepAliveRequest | LeaseTimeToLiveRequest
"""What only the leader can answer, who keeps the time of leases; the log does not hold it."""

ApiRequest: TypeAlias = ReadRequest | WriteRequest | LeaderRequest
"""Everything that a client may ask of a node."""

LeaderResponse: TypeAlias = LeaseKeepAliveResponse | LeaseTimeToLiveResponse
"""The answers to a `LeaderRequest`."""

ApiResponse: TypeAlias = (
    RangeResponse
    | PutResponse
    | DeleteRangeResponse
    | TxnResponse
    | CompactionResponse
    | LeaseGrantResponse
    | LeaseRevokeResponse
    | LeaseCheckpointResponse
    | LeaseLeasesResponse
    | AlarmResponse
    | MemberListResponse
    | MemberUpdateResponse
    | LeaderResponse
)
"""The answers; each has a `header`."""
