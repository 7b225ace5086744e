"""What a client may ask, and the answers: etcd's messages themselves, as closed unions."""

from typing import TypeAlias

from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AlarmResponse,
    AuthDisableRequest,
    AuthDisableResponse,
    AuthEnableRequest,
    AuthEnableResponse,
    AuthenticateResponse,
    AuthRoleAddRequest,
    AuthRoleAddResponse,
    AuthRoleDeleteRequest,
    AuthRoleDeleteResponse,
    AuthRoleGetRequest,
    AuthRoleGetResponse,
    AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse,
    AuthRoleListRequest,
    AuthRoleListResponse,
    AuthRoleRevokePermissionRequest,
    AuthRoleRevokePermissionResponse,
    AuthStatusRequest,
    AuthStatusResponse,
    AuthUserAddRequest,
    AuthUserAddResponse,
    AuthUserChangePasswordRequest,
    AuthUserChangePasswordResponse,
    AuthUserDeleteRequest,
    AuthUserDeleteResponse,
    AuthUserGetRequest,
    AuthUserGetResponse,
    AuthUserGrantRoleRequest,
    AuthUserGrantRoleResponse,
    AuthUserListRequest,
    AuthUserListResponse,
    AuthUserRevokeRoleRequest,
    AuthUserRevokeRoleResponse,
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

AuthRequest: TypeAlias = (
    AuthEnableRequest
    | AuthDisableRequest
    | AuthStatusRequest
    | AuthUserAddRequest
    | AuthUserGetRequest
    | AuthUserListRequest
    | AuthUserDeleteRequest
    | AuthUserChangePasswordRequest
    | AuthUserGrantRoleRequest
    | AuthUserRevokeRoleRequest
    | AuthRoleAddRequest
    | AuthRoleGetRequest
    | AuthRoleListRequest
    | AuthRoleDeleteRequest
    | AuthRoleGrantPermissionRequest
    | AuthRoleRevokePermissionRequest
)
"""Everything the Auth service takes but `AuthenticateRequest`, whose password never comes here."""

AuthResponse: TypeAlias = (
    AuthEnableResponse
    | AuthDisableResponse
    | AuthStatusResponse
    | AuthUserAddResponse
    | AuthUserGetResponse
    | AuthUserListResponse
    | AuthUserDeleteResponse
    | AuthUserChangePasswordResponse
    | AuthUserGrantRoleResponse
    | AuthUserRevokeRoleResponse
    | AuthRoleAddResponse
    | AuthRoleGetResponse
    | AuthRoleListResponse
    | AuthRoleDeleteResponse
    | AuthRoleGrantPermissionResponse
    | AuthRoleRevokePermissionResponse
    | AuthenticateResponse
)
"""The answers of the Auth service."""

WriteRequest: TypeAlias = (
    PutRequest
    | DeleteRangeRequest
    | TxnRequest
    | CompactionRequest
    | LeaseGrantRequest
    | LeaseRevokeRequest
    | AlarmRequest
    | AuthRequest
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
    | AuthResponse
    | LeaderResponse
)
"""The answers; each has a `header`."""
