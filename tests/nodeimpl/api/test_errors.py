"""Clients map errors by code and message (etcd, api/v3rpc/rpctypes/error.go)."""

import pytest

from nodeimpl.api import errors
from nodeimpl.api.errors import ApiError, GrpcCode

ETCD_ERRORS = [
    (errors.EMPTY_KEY, 3, "etcdserver: key is not provided"),
    (errors.KEY_NOT_FOUND, 3, "etcdserver: key not found"),
    (errors.VALUE_PROVIDED, 3, "etcdserver: value is provided"),
    (errors.LEASE_PROVIDED, 3, "etcdserver: lease is provided"),
    (errors.TOO_MANY_OPS, 3, "etcdserver: too many operations in txn request"),
    (errors.DUPLICATE_KEY, 3, "etcdserver: duplicate key given in txn request"),
    (errors.INVALID_SORT_OPTION, 3, "etcdserver: invalid sort option"),
    (errors.COMPACTED, 11, "etcdserver: mvcc: required revision has been compacted"),
    (errors.FUTURE_REVISION, 11, "etcdserver: mvcc: required revision is a future revision"),
    (errors.NO_SPACE, 8, "etcdserver: mvcc: database space exceeded"),
    (errors.REQUEST_TOO_LARGE, 3, "etcdserver: request is too large"),
    (errors.TOO_MANY_REQUESTS, 8, "etcdserver: too many requests"),
    (errors.LEASE_NOT_FOUND, 5, "etcdserver: requested lease not found"),
    (errors.LEASE_EXISTS, 9, "etcdserver: lease already exists"),
    (errors.LEASE_TTL_TOO_LARGE, 11, "etcdserver: too large lease TTL"),
    (errors.WATCH_CANCELED, 1, "etcdserver: watch canceled"),
    (errors.MEMBER_EXISTS, 9, "etcdserver: member ID already exist"),
    (errors.PEER_URL_EXISTS, 9, "etcdserver: Peer URLs already exists"),
    (
        errors.NOT_ENOUGH_MEMBERS,
        9,
        "etcdserver: re-configuration failed due to not enough started members",
    ),
    (errors.MEMBER_URLS_INVALID, 3, "etcdserver: given member URLs are invalid"),
    (errors.MEMBER_NOT_FOUND, 5, "etcdserver: member not found"),
    (errors.MEMBER_NOT_LEARNER, 9, "etcdserver: can only promote a learner member"),
    (
        errors.LEARNER_NOT_READY,
        9,
        "etcdserver: can only promote a learner member which is in sync with leader",
    ),
    (errors.TOO_MANY_LEARNERS, 9, "etcdserver: too many learner members in cluster"),
    (errors.NOT_SUPPORTED_FOR_LEARNER, 14, "etcdserver: rpc not supported for learner"),
    (errors.NOT_LEADER, 9, "etcdserver: not leader"),
    (errors.BAD_LEADER_TRANSFEREE, 9, "etcdserver: bad leader transferee"),
    (
        errors.LEADER_TRANSFER_TIMED_OUT,
        14,
        "etcdserver: request timed out, leader transfer took too long",
    ),
    (errors.ROOT_USER_NOT_FOUND, 9, "etcdserver: root user does not exist"),
    (errors.ROOT_ROLE_NOT_GRANTED, 9, "etcdserver: root user does not have root role"),
    (errors.USER_EXISTS, 9, "etcdserver: user name already exists"),
    (errors.USER_EMPTY, 3, "etcdserver: user name is empty"),
    (errors.USER_NOT_FOUND, 9, "etcdserver: user name not found"),
    (errors.ROLE_EXISTS, 9, "etcdserver: role name already exists"),
    (errors.ROLE_NOT_FOUND, 9, "etcdserver: role name not found"),
    (errors.ROLE_EMPTY, 3, "etcdserver: role name is empty"),
    (errors.AUTH_FAILED, 3, "etcdserver: authentication failed, invalid user ID or password"),
    (errors.PERMISSION_DENIED, 7, "etcdserver: permission denied"),
    (errors.ROLE_NOT_GRANTED, 9, "etcdserver: role is not granted to the user"),
    (errors.PERMISSION_NOT_GRANTED, 9, "etcdserver: permission is not granted to the role"),
    (errors.PERMISSION_NOT_GIVEN, 3, "etcdserver: permission not given"),
    (errors.AUTH_NOT_ENABLED, 9, "etcdserver: authentication is not enabled"),
    (errors.INVALID_AUTH_TOKEN, 16, "etcdserver: invalid auth token"),
    (errors.INVALID_AUTH_MANAGEMENT, 3, "etcdserver: invalid auth management"),
    (errors.AUTH_OLD_REVISION, 3, "etcdserver: revision of auth store is old"),
    (errors.NO_LEADER, 14, "etcdserver: no leader"),
    (errors.LEADER_CHANGED, 14, "etcdserver: leader changed"),
    (errors.NOT_CAPABLE, 14, "etcdserver: not capable"),
    (errors.STOPPED, 14, "etcdserver: server stopped"),
    (errors.REQUEST_TIMED_OUT, 14, "etcdserver: request timed out"),
    (
        errors.TIMED_OUT_LEADER_FAILED,
        14,
        "etcdserver: request timed out, possibly due to previous leader failure",
    ),
    (
        errors.TIMED_OUT_CONNECTION_LOST,
        14,
        "etcdserver: request timed out, possibly due to connection lost",
    ),
    (
        errors.TIMED_OUT_APPLYING,
        14,
        "etcdserver: request timed out, waiting for the applied index took too long",
    ),
    (errors.UNHEALTHY, 14, "etcdserver: unhealthy cluster"),
    (errors.CORRUPT, 15, "etcdserver: corrupt cluster"),
    (
        errors.CLUSTER_VERSION_UNAVAILABLE,
        14,
        "etcdserver: cluster version not found during downgrade",
    ),
    (errors.DOWNGRADE_VERSION_FORMAT, 3, "etcdserver: wrong downgrade target version format"),
    (errors.INVALID_DOWNGRADE_VERSION, 3, "etcdserver: invalid downgrade target version"),
    (errors.DOWNGRADE_IN_PROGRESS, 9, "etcdserver: cluster has a downgrade job in progress"),
    (errors.NO_DOWNGRADE_IN_PROGRESS, 9, "etcdserver: no inflight downgrade job"),
]


@pytest.mark.parametrize(("error", "code", "message"), ETCD_ERRORS)
def test_codes_and_messages_are_those_of_etcd(error: ApiError, code: int, message: str) -> None:
    assert (error.code, error.message) == (code, message)


def test_every_error_is_in_the_table() -> None:
    defined = [value for value in vars(errors).values() if isinstance(value, ApiError)]
    assert defined == [error for error, _, _ in ETCD_ERRORS]


def test_only_time_outs_and_changes_leave_open_whether_the_request_happened() -> None:
    indefinite = [error for error, _, _ in ETCD_ERRORS if not error.definite]
    assert indefinite == [
        errors.LEADER_TRANSFER_TIMED_OUT,
        errors.LEADER_CHANGED,
        errors.STOPPED,
        errors.REQUEST_TIMED_OUT,
        errors.TIMED_OUT_LEADER_FAILED,
        errors.TIMED_OUT_CONNECTION_LOST,
        errors.TIMED_OUT_APPLYING,
    ]


def test_codes_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in GrpcCode} == {
        "OK": 0,
        "CANCELLED": 1,
        "UNKNOWN": 2,
        "INVALID_ARGUMENT": 3,
        "DEADLINE_EXCEEDED": 4,
        "NOT_FOUND": 5,
        "PERMISSION_DENIED": 7,
        "RESOURCE_EXHAUSTED": 8,
        "FAILED_PRECONDITION": 9,
        "OUT_OF_RANGE": 11,
        "UNIMPLEMENTED": 12,
        "INTERNAL": 13,
        "UNAVAILABLE": 14,
        "DATA_LOSS": 15,
        "UNAUTHENTICATED": 16,
    }
