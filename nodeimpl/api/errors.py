"""Every error a node answers with: gRPC code, etcd's message, definite or indefinite.

Definite: the request had no effect and will have none. Indefinite: it may have had one, or may
still have one. Codes and messages are etcd's (api/v3rpc/rpctypes/error.go), because clients map
errors by them.
"""

import enum

import msgspec


class GrpcCode(enum.IntEnum):
    """The gRPC status codes in use here."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ApiError(msgspec.Struct, frozen=True):
    """An answer that is an error. `definite` says whether the request surely had no effect."""

    code: GrpcCode
    message: str
    definite: bool


# Requests to the store.
EMPTY_KEY = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: key is not provided", definite=True)
KEY_NOT_FOUND = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: key not found", definite=True)
VALUE_PROVIDED = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: value is provided", definite=True)
LEASE_PROVIDED = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: lease is provided", definite=True)
TOO_MANY_OPS = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: too many operations in txn request", definite=True
)
DUPLICATE_KEY = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request", definite=True
)
INVALID_SORT_OPTION = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: invalid sort option", definite=True
)
COMPACTED = ApiError(
    GrpcCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", definite=True
)
FUTURE_REVISION = ApiError(
    GrpcCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", definite=True
)
NO_SPACE = ApiError(
    GrpcCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", definite=True
)
REQUEST_TOO_LARGE = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: request is too large", definite=True
)
TOO_MANY_REQUESTS = ApiError(
    GrpcCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests", definite=True
)

# Leases and watches.
LEASE_NOT_FOUND = ApiError(
    GrpcCode.NOT_FOUND, "etcdserver: requested lease not found", definite=True
)
LEASE_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: lease already exists", definite=True
)
LEASE_TTL_TOO_LARGE = ApiError(
    GrpcCode.OUT_OF_RANGE, "etcdserver: too large lease TTL", definite=True
)
WATCH_CANCELED = ApiError(GrpcCode.CANCELLED, "etcdserver: watch canceled", definite=True)

# Members and leadership.
MEMBER_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: member ID already exist", definite=True
)
PEER_URL_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: Peer URLs already exists", definite=True
)
NOT_ENOUGH_MEMBERS = ApiError(
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: re-configuration failed due to not enough started members",
    definite=True,
)
MEMBER_URLS_INVALID = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: given member URLs are invalid", definite=True
)
MEMBER_NOT_FOUND = ApiError(GrpcCode.NOT_FOUND, "etcdserver: member not found", definite=True)
MEMBER_NOT_LEARNER = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: can only promote a learner member", definite=True
)
LEARNER_NOT_READY = ApiError(
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: can only promote a learner member which is in sync with leader",
    definite=True,
)
TOO_MANY_LEARNERS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: too many learner members in cluster", definite=True
)
NOT_SUPPORTED_FOR_LEARNER = ApiError(
    GrpcCode.UNAVAILABLE, "etcdserver: rpc not supported for learner", definite=True
)
NOT_LEADER = ApiError(GrpcCode.FAILED_PRECONDITION, "etcdserver: not leader", definite=True)
BAD_LEADER_TRANSFEREE = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: bad leader transferee", definite=True
)
LEADER_TRANSFER_TIMED_OUT = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, leader transfer took too long",
    definite=False,
)

# Users and roles.
ROOT_USER_NOT_FOUND = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: root user does not exist", definite=True
)
ROOT_ROLE_NOT_GRANTED = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: root user does not have root role", definite=True
)
USER_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: user name already exists", definite=True
)
USER_EMPTY = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: user name is empty", definite=True)
USER_NOT_FOUND = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: user name not found", definite=True
)
ROLE_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: role name already exists", definite=True
)
ROLE_NOT_FOUND = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: role name not found", definite=True
)
ROLE_EMPTY = ApiError(GrpcCode.INVALID_ARGUMENT, "etcdserver: role name is empty", definite=True)
AUTH_FAILED = ApiError(
    GrpcCode.INVALID_ARGUMENT,
    "etcdserver: authentication failed, invalid user ID or password",
    definite=True,
)
PERMISSION_DENIED = ApiError(
    GrpcCode.PERMISSION_DENIED, "etcdserver: permission denied", definite=True
)
ROLE_NOT_GRANTED = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: role is not granted to the user", definite=True
)
PERMISSION_NOT_GRANTED = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: permission is not granted to the role", definite=True
)
PERMISSION_NOT_GIVEN = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: permission not given", definite=True
)
AUTH_NOT_ENABLED = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: authentication is not enabled", definite=True
)
INVALID_AUTH_TOKEN = ApiError(
    GrpcCode.UNAUTHENTICATED, "etcdserver: invalid auth token", definite=True
)
INVALID_AUTH_MANAGEMENT = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: invalid auth management", definite=True
)
AUTH_OLD_REVISION = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: revision of auth store is old", definite=True
)

# The node and its cluster.
NO_LEADER = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: no leader", definite=True)
LEADER_CHANGED = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: leader changed", definite=False)
NOT_CAPABLE = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: not capable", definite=True)
STOPPED = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: server stopped", definite=False)
REQUEST_TIMED_OUT = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: request timed out", definite=False)
TIMED_OUT_LEADER_FAILED = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, possibly due to previous leader failure",
    definite=False,
)
TIMED_OUT_CONNECTION_LOST = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, possibly due to connection lost",
    definite=False,
)
TIMED_OUT_APPLYING = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, waiting for the applied index took too long",
    definite=False,
)
UNHEALTHY = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: unhealthy cluster", definite=True)
CORRUPT = ApiError(GrpcCode.DATA_LOSS, "etcdserver: corrupt cluster", definite=True)

# Downgrades.
CLUSTER_VERSION_UNAVAILABLE = ApiError(
    GrpcCode.UNAVAILABLE, "etcdserver: cluster version not found during downgrade", definite=True
)
DOWNGRADE_VERSION_FORMAT = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: wrong downgrade target version format", definite=True
)
INVALID_DOWNGRADE_VERSION = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: invalid downgrade target version", definite=True
)
DOWNGRADE_IN_PROGRESS = ApiError(
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: cluster has a downgrade job in progress",
    definite=True,
)
NO_DOWNGRADE_IN_PROGRESS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: no inflight downgrade job", definite=True
)
