"""What the kernel sends for packets that wait in user space."""

import struct

from nemesis.host.packet_queue import packets_in


def attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("<HH", length, kind) + value + bytes(-length % 4)


def message(identity: int, packet: bytes, kind: int = 0x300) -> bytes:
    header = struct.pack(">IHB", identity, 0x0800, 1)
    body = struct.pack(">BBH", 2, 0, 0) + attribute(1, header) + attribute(10, packet)
    return struct.pack("<IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_every_packet_of_a_datagram_is_found_with_its_number() -> None:
    received = message(7, b"first") + message(8, b"second packet")

    assert packets_in(received) == [(7, b"first"), (8, b"second packet")]


def test_what_is_no_packet_is_passed_over() -> None:
    assert packets_in(message(7, b"error", kind=2) + message(8, b"x")) == [(8, b"x")]


def test_a_datagram_cut_short_ends_the_search() -> None:
    assert packets_in(b"\x10\x00") == []
