"""Operations on leases as etcd calls, and the answers as histories hold them."""

import pytest

from checkers.history import Op, OpType
from harness.client import Call, Completion, Conversation, refused
from harness.lease_client import LeaseClient
from nodeimpl.api.errors import LEASE_EXISTS, LEASE_NOT_FOUND, NO_SPACE, REQUEST_TIMED_OUT
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseStatus,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
)

CLIENT = LeaseClient(timeout_ns=2_000)
HEADER = ResponseHeader(revision=9)
STORED = KeyValue(key=b"k", value=b"v", create_revision=4, mod_revision=7, version=2, lease=5)
SHOWN = {
    "key": "k",
    "value": "v",
    "create_revision": 4,
    "mod_revision": 7,
    "version": 2,
    "lease": 5,
}
CASES: list[tuple[str, object, ApiRequest, ApiResponse, dict[str, object]]] = [
    (
        "put",
        {"key": "k", "value": "v", "lease": 5},
        PutRequest(key=b"k", value=b"v", lease=5),
        PutResponse(header=HEADER),
        {"revision": 9},
    ),
    (
        "get",
        {"key": "k"},
        RangeRequest(key=b"k"),
        RangeResponse(header=HEADER, kvs=[STORED], count=1),
        {"revision": 9, "kvs": [SHOWN], "count": 1, "more": False},
    ),
    (
        "range",
        {"key": "k", "range_end": "l", "serializable": True},
        RangeRequest(key=b"k", range_end=b"l", serializable=True),
        RangeResponse(header=HEADER),
        {"revision": 9, "kvs": [], "count": 0, "more": False},
    ),
    (
        "delete",
        {"key": "k"},
        DeleteRangeRequest(key=b"k"),
        DeleteRangeResponse(header=HEADER, deleted=1),
        {"revision": 9, "deleted": 1},
    ),
    (
        "lease-grant",
        {"ttl": 3, "id": 5},
        LeaseGrantRequest(TTL=3, ID=5),
        LeaseGrantResponse(header=HEADER, ID=5, TTL=3),
        {"revision": 9, "id": 5, "ttl": 3},
    ),
    (
        "lease-revoke",
        {"id": 5},
        LeaseRevokeRequest(ID=5),
        LeaseRevokeResponse(header=HEADER),
        {"revision": 9},
    ),
    (
        "lease-keep-alive",
        {"id": 5},
        LeaseKeepAliveRequest(ID=5),
        LeaseKeepAliveResponse(header=HEADER, ID=5),
        {"revision": 9, "id": 5, "ttl": 0},
    ),
    (
        "lease-time-to-live",
        {"id": 5, "keys": True},
        LeaseTimeToLiveRequest(ID=5, keys=True),
        LeaseTimeToLiveResponse(header=HEADER, ID=5, TTL=2, grantedTTL=3, keys=[b"k"]),
        {"revision": 9, "id": 5, "ttl": 2, "granted_ttl": 3, "keys": ["k"]},
    ),
    (
        "lease-time-to-live",
        {"id": 5},
        LeaseTimeToLiveRequest(ID=5),
        LeaseTimeToLiveResponse(header=HEADER, ID=5, TTL=-1),
        {"revision": 9, "id": 5, "ttl": -1, "granted_ttl": 0},
    ),
    (
        "leases",
        None,
        LeaseLeasesRequest(),
        LeaseLeasesResponse(header=HEADER, leases=[LeaseStatus(ID=5)]),
        {"revision": 9, "leases": [5]},
    ),
]


def begun(f: str, value: object = None) -> Conversation:
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, value=value)
    return Conversation(CLIENT, op)


@pytest.mark.parametrize(
    ("f", "value", "request_", "response", "result"),
    CASES,
    ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)],
)
def test_an_operation_is_one_call(
    f: str,
    value: object,
    request_: ApiRequest,
    response: ApiResponse,
    result: dict[str, object],
) -> None:
    conversation = begun(f, value)
    assert conversation.start() == Call(request_, 2_000)
    assert conversation.answered(response) == Completion(OpType.OK, result)


def test_that_there_is_no_such_lease_is_said_in_one_word() -> None:
    for f in ("lease-revoke", "put"):
        conversation = begun(f, {"id": 5})
        conversation.start()
        failed = conversation.failed(refused(LEASE_NOT_FOUND))
        assert failed == Completion(OpType.FAIL, error="lease not found")


def test_that_an_id_is_taken_is_said_in_one_word() -> None:
    conversation = begun("lease-grant", {"ttl": 1, "id": 5})
    conversation.start()
    failed = conversation.failed(refused(LEASE_EXISTS))
    assert failed == Completion(OpType.FAIL, error="lease exists")


def test_other_errors_say_what_they_prove() -> None:
    full, late = begun("put"), begun("lease-keep-alive", {"id": 5})
    full.start()
    late.start()
    assert full.failed(refused(NO_SPACE)) == Completion(
        OpType.FAIL, error="RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded"
    )
    ended = late.failed(refused(REQUEST_TIMED_OUT))
    assert isinstance(ended, Completion)
    assert ended.type is OpType.INFO


def test_a_question_that_was_not_answered_failed() -> None:
    for f in ("get", "range", "lease-time-to-live", "leases"):
        conversation = begun(f)
        conversation.start()
        ended = conversation.failed(refused(REQUEST_TIMED_OUT))
        assert isinstance(ended, Completion)
        assert ended.type is OpType.FAIL
