"""Our messages are etcd's, byte for byte (etcd, rpc.proto and kv.proto)."""

import pytest
from google.protobuf.message import Message

from nodeimpl.api import kv_pb2, rpc_pb2
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    TxnRequest,
)

FIELD_NUMBERS: dict[str, dict[str, int]] = {
    "mvccpb.KeyValue": {
        "key": 1,
        "create_revision": 2,
        "mod_revision": 3,
        "version": 4,
        "value": 5,
        "lease": 6,
    },
    "mvccpb.Event": {"type": 1, "kv": 2, "prev_kv": 3},
    "etcdserverpb.ResponseHeader": {"cluster_id": 1, "member_id": 2, "revision": 3, "raft_term": 4},
    "etcdserverpb.RangeRequest": {
        "key": 1,
        "range_end": 2,
        "limit": 3,
        "revision": 4,
        "sort_order": 5,
        "sort_target": 6,
        "serializable": 7,
        "keys_only": 8,
        "count_only": 9,
        "min_mod_revision": 10,
        "max_mod_revision": 11,
        "min_create_revision": 12,
        "max_create_revision": 13,
    },
    "etcdserverpb.RangeResponse": {"header": 1, "kvs": 2, "more": 3, "count": 4},
    "etcdserverpb.PutRequest": {
        "key": 1,
        "value": 2,
        "lease": 3,
        "prev_kv": 4,
        "ignore_value": 5,
        "ignore_lease": 6,
    },
    "etcdserverpb.PutResponse": {"header": 1, "prev_kv": 2},
    "etcdserverpb.DeleteRangeRequest": {"key": 1, "range_end": 2, "prev_kv": 3},
    "etcdserverpb.DeleteRangeResponse": {"header": 1, "deleted": 2, "prev_kvs": 3},
    "etcdserverpb.RequestOp": {
        "request_range": 1,
        "request_put": 2,
        "request_delete_range": 3,
        "request_txn": 4,
    },
    "etcdserverpb.ResponseOp": {
        "response_range": 1,
        "response_put": 2,
        "response_delete_range": 3,
        "response_txn": 4,
    },
    "etcdserverpb.Compare": {
        "result": 1,
        "target": 2,
        "key": 3,
        "version": 4,
        "create_revision": 5,
        "mod_revision": 6,
        "value": 7,
        "lease": 8,
        "range_end": 64,
    },
    "etcdserverpb.TxnRequest": {"compare": 1, "success": 2, "failure": 3},
    "etcdserverpb.TxnResponse": {"header": 1, "succeeded": 2, "responses": 3},
    "etcdserverpb.CompactionRequest": {"revision": 1, "physical": 2},
    "etcdserverpb.CompactionResponse": {"header": 1},
}

ENUM_NUMBERS: dict[str, dict[str, int]] = {
    "mvccpb.Event.EventType": {"PUT": 0, "DELETE": 1},
    "etcdserverpb.RangeRequest.SortOrder": {"NONE": 0, "ASCEND": 1, "DESCEND": 2},
    "etcdserverpb.RangeRequest.SortTarget": {
        "KEY": 0,
        "VERSION": 1,
        "CREATE": 2,
        "MOD": 3,
        "VALUE": 4,
    },
    "etcdserverpb.Compare.CompareResult": {"EQUAL": 0, "GREATER": 1, "LESS": 2, "NOT_EQUAL": 3},
    "etcdserverpb.Compare.CompareTarget": {
        "VERSION": 0,
        "CREATE": 1,
        "MOD": 2,
        "VALUE": 3,
        "LEASE": 4,
    },
}

KV_METHODS = {
    "Range": ("etcdserverpb.RangeRequest", "etcdserverpb.RangeResponse"),
    "Put": ("etcdserverpb.PutRequest", "etcdserverpb.PutResponse"),
    "DeleteRange": ("etcdserverpb.DeleteRangeRequest", "etcdserverpb.DeleteRangeResponse"),
    "Txn": ("etcdserverpb.TxnRequest", "etcdserverpb.TxnResponse"),
    "Compact": ("etcdserverpb.CompactionRequest", "etcdserverpb.CompactionResponse"),
}


MESSAGES = {
    message.full_name: message
    for file in (kv_pb2.DESCRIPTOR, rpc_pb2.DESCRIPTOR)
    for message in file.message_types_by_name.values()
}
ENUMS = {enum.full_name: enum for message in MESSAGES.values() for enum in message.enum_types}


@pytest.mark.parametrize("name", FIELD_NUMBERS)
def test_field_numbers_are_those_of_etcd(name: str) -> None:
    numbers = {field.name: field.number for field in MESSAGES[name].fields}
    assert numbers == FIELD_NUMBERS[name]


@pytest.mark.parametrize("name", ENUM_NUMBERS)
def test_enum_numbers_are_those_of_etcd(name: str) -> None:
    numbers = {value.name: value.number for value in ENUMS[name].values}
    assert numbers == ENUM_NUMBERS[name]


def test_every_message_and_enum_of_the_protos_is_in_the_tables() -> None:
    assert set(MESSAGES) == set(FIELD_NUMBERS)
    assert set(ENUMS) == set(ENUM_NUMBERS)


def test_packages_are_those_of_etcd() -> None:
    assert (kv_pb2.DESCRIPTOR.package, rpc_pb2.DESCRIPTOR.package) == ("mvccpb", "etcdserverpb")


def test_the_kv_service_has_the_methods_of_etcd() -> None:
    service = rpc_pb2.DESCRIPTOR.services_by_name["KV"]
    methods = {
        method.name: (method.input_type.full_name, method.output_type.full_name)
        for method in service.methods
    }
    assert service.full_name == "etcdserverpb.KV"
    assert methods == KV_METHODS


# What etcdctl sends for the command named, and what etcd answers, field by field.
WIRE_EXAMPLES: dict[str, tuple[Message, str]] = {
    "put foo bar": (PutRequest(key=b"foo", value=b"bar"), "0a03666f6f 1203626172"),
    "get foo --prefix --limit=10": (
        RangeRequest(key=b"foo", range_end=b"fop", limit=10),
        "0a03666f6f 1203666f70 180a",
    ),
    "get foo --rev=300 --consistency=s --order=DESCEND --sort-by=VALUE": (
        RangeRequest(
            key=b"foo",
            revision=300,
            serializable=True,
            sort_order=RangeRequest.DESCEND,
            sort_target=RangeRequest.VALUE,
        ),
        "0a03666f6f 20ac02 2802 3004 3801",
    ),
    "del --from-key a --prev-kv": (
        DeleteRangeRequest(key=b"a", range_end=b"\0", prev_kv=True),
        "0a0161 120100 1801",
    ),
    'txn: value("foo") = "bar", over every key from foo': (
        Compare(key=b"foo", target=Compare.VALUE, value=b"bar", range_end=b"\0"),
        "1003 1a03666f6f 3a03626172 82040100",
    ),
    "txn: one put in the success branch": (
        TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"k", value=b"v"))]),
        "1208 1206 0a016b 120176",
    ),
    "compaction 5 --physical": (CompactionRequest(revision=5, physical=True), "0805 1001"),
    "a header": (
        ResponseHeader(cluster_id=1, member_id=2, revision=3, raft_term=4),
        "0801 1002 1803 2004",
    ),
    "a key": (
        KeyValue(key=b"k", create_revision=2, mod_revision=3, version=2, value=b"v", lease=7),
        "0a016b 1002 1803 2002 2a0176 3007",
    ),
    "a range of one key, with more to come": (
        RangeResponse(
            header=ResponseHeader(revision=3), kvs=[KeyValue(key=b"k")], more=True, count=2
        ),
        "0a021803 1203 0a016b 1801 2002",
    ),
}


@pytest.mark.parametrize("example", WIRE_EXAMPLES)
def test_messages_are_written_as_etcd_writes_them(example: str) -> None:
    message, wire = WIRE_EXAMPLES[example]
    assert message.SerializeToString() == bytes.fromhex(wire)


@pytest.mark.parametrize("example", WIRE_EXAMPLES)
def test_messages_are_read_as_etcd_means_them(example: str) -> None:
    message, wire = WIRE_EXAMPLES[example]
    assert type(message).FromString(bytes.fromhex(wire)) == message
