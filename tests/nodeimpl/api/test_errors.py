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
    (errors.LEASE_NOT_FOUND, 5, "etcdserver: requested lease not found"),
    (errors.REQUEST_TOO_LARGE, 3, "etcdserver: request is too large"),
    (errors.TOO_MANY_REQUESTS, 8, "etcdserver: too many requests"),
    (errors.NO_LEADER, 14, "etcdserver: no leader"),
    (errors.REQUEST_TIMED_OUT, 14, "etcdserver: request timed out"),
    (errors.NOT_LEADER, 9, "etcdserver: not leader"),
    (errors.BAD_LEADER_TRANSFEREE, 9, "etcdserver: bad leader transferee"),
    (
        errors.LEADER_TRANSFER_TIMED_OUT,
        14,
        "etcdserver: request timed out, leader transfer took too long",
    ),
    (errors.MEMBER_EXISTS, 9, "etcdserver: member ID already exist"),
    (errors.MEMBER_NOT_FOUND, 5, "etcdserver: member not found"),
    (errors.MEMBER_NOT_LEARNER, 9, "etcdserver: can only promote a learner member"),
    (
        errors.LEARNER_NOT_READY,
        9,
        "etcdserver: can only promote a learner member which is in sync with leader",
    ),
    (errors.TOO_MANY_LEARNERS, 9, "etcdserver: too many learner members in cluster"),
    (
        errors.NOT_ENOUGH_MEMBERS,
        9,
        "etcdserver: re-configuration failed due to not enough started members",
    ),
    (errors.UNHEALTHY, 14, "etcdserver: unhealthy cluster"),
]


@pytest.mark.parametrize(("error", "code", "message"), ETCD_ERRORS)
def test_codes_and_messages_are_those_of_etcd(error: ApiError, code: int, message: str) -> None:
    assert (error.code, error.message) == (code, message)


def test_every_error_is_in_the_table() -> None:
    defined = [value for value in vars(errors).values() if isinstance(value, ApiError)]
    assert defined == [error for error, _, _ in ETCD_ERRORS]


def test_only_a_time_out_leaves_open_whether_the_request_happened() -> None:
    indefinite = [error for error, _, _ in ETCD_ERRORS if not error.definite]
    assert indefinite == [errors.REQUEST_TIMED_OUT, errors.LEADER_TRANSFER_TIMED_OUT]


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
        "INTERNAL": 13,
        "UNAVAILABLE": 14,
    }
