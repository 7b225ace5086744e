"""Our messages are etcd's, byte for byte (etcd's .proto files)."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from nodeimpl.api import auth_pb2, election_pb2, health_pb2, kv_pb2, lock_pb2, rpc_pb2
from nodeimpl.api.auth_pb2 import Permission
from nodeimpl.api.election_pb2 import CampaignResponse, LeaderKey
from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.api.lock_pb2 import LockRequest
from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmRequest,
    AuthRoleGrantPermissionRequest,
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseTimeToLiveResponse,
    MemberAddRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    StatusResponse,
    TxnRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from tests.nodeimpl.api import etcd_protocol

FILES = (kv_pb2, auth_pb2, rpc_pb2, lock_pb2, election_pb2, health_pb2)
DESCRIPTORS = [file.DESCRIPTOR for file in FILES]
MESSAGES = {
    message.full_name: message
    for file in DESCRIPTORS
    for message in file.message_types_by_name.values()
}
ENUMS = {
    enum.full_name: enum
    for holder in [*DESCRIPTORS, *MESSAGES.values()]
    for enum in holder.enum_types_by_name.values()
}
ONEOFS = {oneof.full_name: oneof for message in MESSAGES.values() for oneof in message.oneofs}
SERVICES = {
    service.full_name: service for file in DESCRIPTORS for service in file.services_by_name.values()
}
SCALARS = {
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def declaration(field: FieldDescriptor) -> str:
    """Return the field as a .proto file declares it."""
    composite = field.message_type or field.enum_type
    type_name = composite.full_name if composite else SCALARS[field.type]
    repeated = "repeated " if field.is_repeated else ""
    return f"{repeated}{type_name} {field.name} = {field.number}"


def streaming(type_name: str, *, many: bool) -> str:
    return f"stream {type_name}" if many else type_name


@pytest.mark.parametrize("name", etcd_protocol.FIELDS)
def test_fields_are_those_of_etcd(name: str) -> None:
    declared = [declaration(field) for field in MESSAGES[name].fields]
    assert declared == etcd_protocol.FIELDS[name]


@pytest.mark.parametrize("name", etcd_protocol.ENUM_NUMBERS)
def test_enum_numbers_are_those_of_etcd(name: str) -> None:
    numbers = {value.name: value.number for value in ENUMS[name].values}
    assert numbers == etcd_protocol.ENUM_NUMBERS[name]


@pytest.mark.parametrize("name", etcd_protocol.ONEOFS)
def test_choices_are_those_of_etcd(name: str) -> None:
    assert [field.name for field in ONEOFS[name].fields] == etcd_protocol.ONEOFS[name]


@pytest.mark.parametrize("name", etcd_protocol.METHODS)
def test_services_have_the_methods_of_etcd(name: str) -> None:
    methods = {
        method.name: (
            streaming(method.input_type.full_name, many=method.client_streaming),
            streaming(method.output_type.full_name, many=method.server_streaming),
        )
        for method in SERVICES[name].methods
    }
    assert methods == etcd_protocol.METHODS[name]


def test_all_that_the_protos_define_is_in_the_tables() -> None:
    assert list(MESSAGES) == list(etcd_protocol.FIELDS)
    assert sorted(ENUMS) == sorted(etcd_protocol.ENUM_NUMBERS)
    assert list(ONEOFS) == list(etcd_protocol.ONEOFS)
    assert list(SERVICES) == list(etcd_protocol.METHODS)


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
    "watch foo --rev=5 --prev-kv, deletes only": (
        WatchRequest(
            create_request=WatchCreateRequest(
                key=b"foo",
                start_revision=5,
                progress_notify=True,
                filters=[WatchCreateRequest.NOPUT],
                prev_kv=True,
            )
        ),
        "0a0e 0a03666f6f 1805 2001 2a0100 3001",
    ),
    "a delete as a watch delivers it": (
        WatchResponse(
            watch_id=1,
            events=[Event(type=Event.DELETE, kv=KeyValue(key=b"k", mod_revision=3))],
        ),
        "1001 5a09 0801 1205 0a016b 1803",
    ),
    "lease grant 60": (LeaseGrantRequest(TTL=60, ID=7), "083c 1007"),
    "a lease that is gone": (LeaseTimeToLiveResponse(ID=7, TTL=-1), "1007 18ffffffffffffffffff01"),
    "member add --learner": (
        MemberAddRequest(peerURLs=["http://a"], isLearner=True),
        "0a08 687474703a2f2f61 1001",
    ),
    "alarm disarm": (
        AlarmRequest(action=AlarmRequest.DEACTIVATE, memberID=1, alarm=NOSPACE),
        "0802 1001 1801",
    ),
    "a status": (
        StatusResponse(version="3.5.0", dbSize=1, leader=2, dbSizeInUse=1, isLearner=True),
        "1205332e352e30 1801 2002 4801 5001",
    ),
    "role grant-permission r readwrite foo": (
        AuthRoleGrantPermissionRequest(
            name="r", perm=Permission(permType=Permission.READWRITE, key=b"foo")
        ),
        "0a0172 1207 0802 1203666f6f",
    ),
    "lock": (LockRequest(name=b"l", lease=7), "0a016c 1007"),
    "elected": (
        CampaignResponse(leader=LeaderKey(name=b"e", key=b"k", rev=3, lease=7)),
        "120a 0a0165 12016b 1803 2007",
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
