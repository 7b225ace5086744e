"""Messages read without a schema."""

import pytest

from checkers.raft.protobuf import ProtobufError, fields, numbers, texts


def test_fields_come_in_order_with_their_numbers() -> None:
    message = b"\x08\x96\x01\x12\x02hi\x19\x01\x02\x03\x04\x05\x06\x07\x08\x25\x01\x02\x03\x04"

    assert list(fields(message)) == [
        (1, 150), (2, b"hi"), (3, b"\x01\x02\x03\x04\x05\x06\x07\x08"), (4, b"\x01\x02\x03\x04"),
    ]  # fmt: skip


def test_of_fields_alike_the_last_counts() -> None:
    assert numbers(b"\x08\x01\x08\x02\x12\x01a") == {1: 2}
    assert texts(b"\x08\x01\x12\x01a\x12\x01b") == {2: b"b"}


@pytest.mark.parametrize(
    "message", [b"\x08", b"\x12\x05hi", b"\x0b", b"\x08" + b"\x80" * 11, b"\x19\x01"]
)
def test_what_is_no_message_is_an_error(message: bytes) -> None:
    with pytest.raises(ProtobufError):
        list(fields(message))
