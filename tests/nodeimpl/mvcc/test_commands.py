"""What a log entry holds for the store."""

import pytest

from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmRequest,
    CompactionRequest,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseRevokeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.ids import LeaseId, NodeId, RequestId, Term
from nodeimpl.mvcc.commands import (
    CheckpointLease,
    Command,
    CommandError,
    DescribeMember,
    ExpireLease,
    decode_command,
    encode_command,
    request_id_of,
)

EXAMPLES: list[tuple[Command, str]] = [
    (RangeRequest(key=b"k"), "00 0000000000000007 0a016b"),
    (PutRequest(key=b"k", value=b"v"), "01 0000000000000007 0a016b 120176"),
    (DeleteRangeRequest(key=b"k"), "02 0000000000000007 0a016b"),
    (
        TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"k"))]),
        "03 0000000000000007 1205 1203 0a016b",
    ),
    (CompactionRequest(revision=5), "04 0000000000000007 0805"),
    (LeaseGrantRequest(TTL=5, ID=6), "05 0000000000000007 0805 1006"),
    (LeaseRevokeRequest(ID=6), "06 0000000000000007 0806"),
    (
        AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=3, alarm=NOSPACE),
        "07 0000000000000007 0801 1003 1801",
    ),
    (ExpireLease(LeaseId(6), 2, Term(3)), "80 0000000000000007 93 06 02 03"),
    (CheckpointLease(LeaseId(6), 2, 9, Term(3)), "81 0000000000000007 94 06 02 09 03"),
    (
        DescribeMember(NodeId(1), name="a", peer_urls=("p",)),
        "82 0000000000000007 95 01 a161 91a170 c0 c0",
    ),
]
KINDS = [type(request).__name__ for request, _ in EXAMPLES]


@pytest.mark.parametrize(("request_", "command"), EXAMPLES, ids=KINDS)
def test_a_command_is_its_kind_its_request_id_and_the_request(
    request_: Command, command: str
) -> None:
    assert encode_command(RequestId(7), request_) == bytes.fromhex(command)


@pytest.mark.parametrize(("request_", "command"), EXAMPLES, ids=KINDS)
def test_a_command_gives_back_its_request_id_and_the_request(
    request_: Command, command: str
) -> None:
    assert decode_command(bytes.fromhex(command)) == (7, request_)


def test_a_request_id_has_64_bits() -> None:
    last = RequestId(2**64 - 1)
    assert decode_command(encode_command(last, PutRequest(key=b"k")))[0] == last


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "a command of 0 bytes: expected at least 9"),
        ("01 00000000000000", "a command of 8 bytes"),
        ("63 0000000000000007", "a command of kind 99, expected one that there is"),
        ("80 000000000000000791", "a command with a broken ExpireLease"),
        ("01 0000000000000007 0a05", "a command with a broken PutRequest"),
    ],
)
def test_other_bytes_are_no_command(command: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        decode_command(bytes.fromhex(command))


def test_the_request_id_can_be_read_alone() -> None:
    assert request_id_of(encode_command(RequestId(7), PutRequest(key=b"k"))) == 7


def test_bytes_too_short_for_a_command_have_no_request_id() -> None:
    assert request_id_of(b"\x01\x00") is None
