"""Operations as etcd calls, and the answers as histories hold them."""

import pytest

from checkers.history import CAS_MISMATCH, Op, OpType
from harness.client import Call, Client, Completion, Conversation, Request, refused
from harness.etcd_client import KvClient, RegisterClient
from nodeimpl.api import errors
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    Compare,
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    ResponseOp,
    TxnRequest,
    TxnResponse,
)

REGISTERS = RegisterClient(timeout_ns=2_000)
KV = KvClient(timeout_ns=2_000)
HEADER = ResponseHeader(revision=9)
STORED = KeyValue(key=b"k1", value=b"v", create_revision=4, mod_revision=7, version=2)
SHOWN = {"key": "k1", "value": "v", "create_revision": 4, "mod_revision": 7, "version": 2}


def invoke(f: str, value: object = None, key: str | None = None) -> Op:
    """Return the invoke of `f`."""
    return Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, key=key, value=value)


def asked(client: Client, op: Op) -> Request:
    """Return the request that `op` makes."""
    call = Conversation(client, op).start()
    assert isinstance(call, Call)
    assert call.timeout_ns == 2_000
    return call.request


def answered(client: Client, op: Op, response: ApiResponse) -> Completion:
    """Return how `op` ends when it is given `response`."""
    conversation = Conversation(client, op)
    conversation.start()
    completion = conversation.answered(response)
    assert isinstance(completion, Completion)
    return completion


# ---------------------------------------------------------------- registers


def test_a_register_is_read_linearizably() -> None:
    assert asked(REGISTERS, invoke("read", key="r1")) == RangeRequest(key=b"r1")


def test_a_read_answers_the_integer() -> None:
    response = RangeResponse(header=HEADER, kvs=[KeyValue(key=b"r1", value=b"3")], count=1)

    assert answered(REGISTERS, invoke("read", key="r1"), response) == Completion(OpType.OK, 3)


def test_an_absent_register_holds_none() -> None:
    completion = answered(REGISTERS, invoke("read", key="r1"), RangeResponse(header=HEADER))

    assert completion == Completion(OpType.OK, None)


@pytest.mark.parametrize(
    ("stored", "shown"), [(b"x", "x"), (b"", ""), (b"\xff", "\\xff"), (b" 3", " 3")]
)
def test_what_no_client_wrote_is_shown_as_it_is(stored: bytes, shown: str) -> None:
    response = RangeResponse(header=HEADER, kvs=[KeyValue(key=b"r1", value=stored)])

    assert answered(REGISTERS, invoke("read", key="r1"), response).value == shown


def test_a_write_is_a_put() -> None:
    op = invoke("write", 4, key="r1")

    assert asked(REGISTERS, op) == PutRequest(key=b"r1", value=b"4")
    assert answered(REGISTERS, op, PutResponse(header=HEADER)) == Completion(OpType.OK, 4)


def test_a_cas_compares_the_value() -> None:
    assert asked(REGISTERS, invoke("cas", [1, 2], key="r1")) == TxnRequest(
        compare=[
            Compare(key=b"r1", target=Compare.VALUE, result=Compare.EQUAL, value=b"1"),
        ],
        success=[RequestOp(request_put=PutRequest(key=b"r1", value=b"2"))],
    )


def test_a_cas_from_none_compares_with_version_0() -> None:
    assert asked(REGISTERS, invoke("cas", [None, 2], key="r1")) == TxnRequest(
        compare=[
            Compare(key=b"r1", target=Compare.VERSION, result=Compare.EQUAL, version=0),
        ],
        success=[RequestOp(request_put=PutRequest(key=b"r1", value=b"2"))],
    )


def test_a_cas_that_held_is_ok() -> None:
    response = TxnResponse(header=HEADER, succeeded=True)

    completion = answered(REGISTERS, invoke("cas", [1, 2], key="r1"), response)

    assert completion == Completion(OpType.OK, [1, 2])


def test_a_cas_that_did_not_hold_fails_with_the_mismatch() -> None:
    response = TxnResponse(header=HEADER, succeeded=False)

    completion = answered(REGISTERS, invoke("cas", [1, 2], key="r1"), response)

    assert completion == Completion(OpType.FAIL, error=CAS_MISMATCH)


@pytest.mark.parametrize(("f", "expected"), [("read", False), ("write", True), ("cas", True)])
def test_of_register_operations_only_reads_are_without_effect(f: str, expected: bool) -> None:  # noqa: FBT001
    assert REGISTERS.has_effect(invoke(f, key="r1")) is expected


# ---------------------------------------------------------------- key-value API


def test_a_put() -> None:
    op = invoke("put", {"key": "k1", "value": "é"})

    assert asked(KV, op) == PutRequest(key=b"k1", value="é".encode())
    assert answered(KV, op, PutResponse(header=HEADER)) == Completion(OpType.OK, {"revision": 9})


def test_a_put_that_keeps_value_and_lease() -> None:
    op = invoke("put", {"key": "k1", "value": "", "ignore_value": True, "ignore_lease": True})

    assert asked(KV, op) == PutRequest(key=b"k1", ignore_value=True, ignore_lease=True)


@pytest.mark.parametrize(
    ("f", "value", "request_"),
    [
        ("get", {"key": "k1"}, RangeRequest(key=b"k1")),
        ("get", {"key": "k1", "revision": 3}, RangeRequest(key=b"k1", revision=3)),
        ("get", {"key": "k1", "serializable": True}, RangeRequest(key=b"k1", serializable=True)),
        (
            "range",
            {"key": "k1", "range_end": "k5", "limit": 2},
            RangeRequest(key=b"k1", range_end=b"k5", limit=2),
        ),
        ("range", {"key": "k1", "range_end": "\0"}, RangeRequest(key=b"k1", range_end=b"\0")),
        ("delete", {"key": "k1"}, DeleteRangeRequest(key=b"k1")),
        (
            "delete",
            {"key": "k1", "range_end": "k5"},
            DeleteRangeRequest(key=b"k1", range_end=b"k5"),
        ),
    ],
)
def test_reads_and_deletes(f: str, value: object, request_: ApiRequest) -> None:
    assert asked(KV, invoke(f, value)) == request_


def test_a_range_answers_keys_with_their_revisions() -> None:
    response = RangeResponse(header=HEADER, kvs=[STORED], count=5, more=True)

    completion = answered(KV, invoke("range", {"key": "k", "range_end": "l"}), response)

    assert completion == Completion(
        OpType.OK, {"revision": 9, "kvs": [SHOWN], "count": 5, "more": True}
    )


def test_a_delete_answers_how_many() -> None:
    response = DeleteRangeResponse(header=HEADER, deleted=3)

    completion = answered(KV, invoke("delete", {"key": "k", "range_end": "l"}), response)

    assert completion == Completion(OpType.OK, {"revision": 9, "deleted": 3})


def test_a_txn() -> None:
    value = {
        "compare": [
            {"key": "a", "target": "value", "result": "=", "value": "v"},
            {"key": "b", "target": "version", "result": "!=", "value": 0},
            {"key": "c", "target": "create", "result": "<", "value": 5},
            {"key": "d", "target": "mod", "result": ">", "value": 6},
        ],
        "success": [{"put": {"key": "a", "value": "w"}}, {"range": {"key": "b"}}],
        "failure": [{"delete": {"key": "a"}}],
    }

    assert asked(KV, invoke("txn", value)) == TxnRequest(
        compare=[
            Compare(key=b"a", target=Compare.VALUE, result=Compare.EQUAL, value=b"v"),
            Compare(key=b"b", target=Compare.VERSION, result=Compare.NOT_EQUAL, version=0),
            Compare(key=b"c", target=Compare.CREATE, result=Compare.LESS, create_revision=5),
            Compare(key=b"d", target=Compare.MOD, result=Compare.GREATER, mod_revision=6),
        ],
        success=[
            RequestOp(request_put=PutRequest(key=b"a", value=b"w")),
            RequestOp(request_range=RangeRequest(key=b"b")),
        ],
        failure=[RequestOp(request_delete_range=DeleteRangeRequest(key=b"a"))],
    )


def test_a_txn_answers_step_by_step() -> None:
    response = TxnResponse(
        header=HEADER,
        succeeded=True,
        responses=[
            ResponseOp(response_put=PutResponse()),
            ResponseOp(response_range=RangeResponse(kvs=[STORED], count=1)),
            ResponseOp(response_delete_range=DeleteRangeResponse(deleted=0)),
        ],
    )

    completion = answered(KV, invoke("txn", {}), response)

    assert completion == Completion(
        OpType.OK,
        {
            "revision": 9,
            "succeeded": True,
            "responses": [
                {"put": {}},
                {"range": {"kvs": [SHOWN], "count": 1, "more": False}},
                {"delete": {"deleted": 0}},
            ],
        },
    )


@pytest.mark.parametrize(
    ("f", "value", "expected"),
    [
        ("put", {"key": "a", "value": "v"}, True),
        ("delete", {"key": "a"}, True),
        ("get", {"key": "a"}, False),
        ("range", {"key": "a", "range_end": "b"}, False),
        ("txn", {"success": [{"range": {"key": "a"}}]}, False),
        (
            "txn",
            {"success": [{"range": {"key": "a"}}], "failure": [{"delete": {"key": "a"}}]},
            True,
        ),
    ],
)
def test_what_only_reads_is_without_effect(f: str, value: object, expected: bool) -> None:  # noqa: FBT001
    assert KV.has_effect(invoke(f, value)) is expected


@pytest.mark.parametrize(
    ("error", "proven"),
    [(errors.COMPACTED, "compacted"), (errors.FUTURE_REVISION, "future revision")],
)
@pytest.mark.parametrize(
    ("f", "value"), [("get", {"key": "k", "revision": 5}), ("compact", {"revision": 5})]
)
def test_a_refusal_that_proves_something_says_so_in_its_own_words(
    f: str, value: object, error: errors.ApiError, proven: str
) -> None:
    conversation = Conversation(KV, invoke(f, value))
    conversation.start()

    assert conversation.failed(refused(error)) == Completion(OpType.FAIL, error=proven)
