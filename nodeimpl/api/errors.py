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
    INTERNAL = 13
    UNAVAILABLE = 14


class ApiError(msgspec.Struct, frozen=True):
    """An answer that is an error. `definite` says whether the request surely had no effect."""

    code: GrpcCode
    message: str
    definite: bool


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
    GrpcCode.OUT_OF_RANGE,
    "etcdserver: mvcc: required revision has been compacted",
    definite=True,
)
FUTURE_REVISION = ApiError(
    GrpcCode.OUT_OF_RANGE,
    "etcdserver: mvcc: required revision is a future revision",
    definite=True,
)
LEASE_NOT_FOUND = ApiError(
    GrpcCode.NOT_FOUND, "etcdserver: requested lease not found", definite=True
)
REQUEST_TOO_LARGE = ApiError(
    GrpcCode.INVALID_ARGUMENT, "etcdserver: request is too large", definite=True
)
TOO_MANY_REQUESTS = ApiError(
    GrpcCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests", definite=True
)
NO_LEADER = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: no leader", definite=True)
REQUEST_TIMED_OUT = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: request timed out", definite=False)

NOT_LEADER = ApiError(GrpcCode.FAILED_PRECONDITION, "etcdserver: not leader", definite=True)
BAD_LEADER_TRANSFEREE = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: bad leader transferee", definite=True
)
LEADER_TRANSFER_TIMED_OUT = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, leader transfer took too long",
    definite=False,
)
MEMBER_EXISTS = ApiError(
    GrpcCode.FAILED_PRECONDITION, "etcdserver: member ID already exist", definite=True
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
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: too many learner members in cluster",
    definite=True,
)
NOT_ENOUGH_MEMBERS = ApiError(
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: re-configuration failed due to not enough started members",
    definite=True,
)
UNHEALTHY = ApiError(GrpcCode.UNAVAILABLE, "etcdserver: unhealthy cluster", definite=True)
