"""Who asked, in the bytes of a command."""

import pytest

from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import RequestId
from nodeimpl.mvcc.auth.identity import Identity, split_identity, with_identity
from nodeimpl.mvcc.commands import encode_command, request_id_of

PLAIN = encode_command(RequestId(7), PutRequest(key=b"k"))
ALICE = Identity("alice", 9)


def test_a_command_bears_who_asked() -> None:
    assert with_identity(PLAIN, ALICE) == bytes.fromhex(
        "40 0000000000000007 0000000000000009 00000005 616c696365 01 0a016b"
    )


def test_a_command_is_found_again_behind_who_asked() -> None:
    assert split_identity(with_identity(PLAIN, ALICE)) == (PLAIN, ALICE)


def test_its_request_id_is_where_it_always_is() -> None:
    assert request_id_of(with_identity(PLAIN, ALICE)) == 7


def test_a_command_of_nobody_stays_as_it_is() -> None:
    assert with_identity(PLAIN, None) == PLAIN
    assert split_identity(PLAIN) == (PLAIN, None)
    assert split_identity(b"") == (b"", None)


@pytest.mark.parametrize("length", [1, 20, 24, 26])
def test_a_command_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="a command"):
        split_identity(with_identity(PLAIN, ALICE)[:length])
