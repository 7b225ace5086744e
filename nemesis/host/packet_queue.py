"""Packets that wait in user space: delayed, lost, doubled, overtaken, slowed down.

The kernel hands over each packet of the firewall's queue (NFQUEUE, in
linux/netfilter/nfnetlink_queue.h) and waits for a verdict, so a packet passes, or is dropped, when
we say so. If this process ends, the kernel lets packets pass by themselves (`--queue-bypass`). Any
kernel with NFQUEUE will do, `netem` is not needed.
"""

import heapq
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping
from random import Random
from typing import Final

from nemesis.host.firewall import MARK, QUEUE
from nemesis.host.impairment import Impairment
from nemesis.host.request import HostError

_NETLINK_NETFILTER: Final = 12
_SUBSYSTEM_QUEUE: Final = 3 << 8
_PACKET, _VERDICT, _CONFIG = 0, 1, 2
_REQUEST, _REQUEST_AND_ACKNOWLEDGE = 1, 5
_ATTRIBUTE_PACKET_HEADER, _ATTRIBUTE_PAYLOAD = 1, 10
_SOL_NETLINK, _NO_ENOBUFS = 270, 5
_DROP, _ACCEPT = 0, 1
_RECEIVE_BYTES: Final = 1 << 17
_KERNEL_BUFFER_BYTES: Final = 8 << 20
_WAITING_MAX: Final = 16_384
"""Packets in the kernel's queue; further ones pass unimpaired rather than being lost unasked."""

_SECOND: Final = 1_000_000_000
_BATCH: Final = 256


class PacketQueue:
    """The queue of the network namespace that this process is in; works in a thread of its own."""

    def __init__(self, random: Random) -> None:
        """Bind the queue. Raises `HostError` where the kernel has none."""
        self._random = random
        self._lock = threading.Lock()
        self._senders: dict[bytes, Impairment] = {}
        self._waiting: list[tuple[int, int, int, int, bytes | None]] = []
        """(when, which came first, the kernel's id, the verdict, a copy to be sent)."""
        self._count = 0
        self._last_ns: dict[bytes, int] = {}
        """By sender, when the last packet that keeps its turn is due."""
        self._is_flushing = False
        self._wake_reader, self._wake_writer = os.pipe()
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        self._socket = _bound()
        self._thread = threading.Thread(target=self._run, name="packets", daemon=True)
        self._thread.start()

    def impose(self, senders: Mapping[str, Impairment]) -> None:
        """Let packets of these addresses be impaired so, and let go those that wait."""
        with self._lock:
            self._senders = {socket.inet_aton(address): each for address, each in senders.items()}
            self._last_ns.clear()
            self._is_flushing = True
        os.write(self._wake_writer, b"!")

    # ------------------------------------------------------------ the thread
    def _run(self) -> None:
        while True:
            sources = [self._socket.fileno(), self._wake_reader]
            readable, _, _ = select.select(sources, [], [], self._patience_s())
            if self._wake_reader in readable:
                os.read(self._wake_reader, 64)
            with self._lock:
                self._take()
                self._let_go(None if self._is_flushing else time.monotonic_ns())
                self._is_flushing = False

    def _patience_s(self) -> float | None:
        if not self._waiting:
            return None
        return max(0.0, (self._waiting[0][0] - time.monotonic_ns()) / _SECOND)

    def _take(self) -> None:
        for _ in range(_BATCH):
            try:
                received = self._socket.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            for identity, packet in packets_in(received):
                self._admit(time.monotonic_ns(), identity, packet)

    def _admit(self, now: int, identity: int, packet: bytes) -> None:
        """Decide what becomes of one packet, and when."""
        sender = packet[12:16]
        impairment = self._senders.get(sender)
        if impairment is None:
            self._plan(now, identity, _ACCEPT, None)
            return
        if self._random.random() < impairment.loss:
            self._plan(now, identity, _DROP, None)
            return
        due = now + impairment.delay_ns + round(self._random.random() * impairment.jitter_ns)
        turn = self._last_ns.get(sender, 0)
        if impairment.rate_bytes:
            due = max(due, turn + len(packet) * _SECOND // impairment.rate_bytes)
        if self._random.random() < impairment.reorder:
            due += round(self._random.random() * impairment.window_ns)
        else:
            due = self._last_ns[sender] = max(due, turn)
        is_doubled = self._random.random() < impairment.duplicate
        self._plan(due, identity, _ACCEPT, packet if is_doubled else None)

    def _plan(self, due: int, identity: int, verdict: int, copy: bytes | None) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, identity, verdict, copy))

    def _let_go(self, now: int | None) -> None:
        """Give the verdicts due at `now`, or all of them."""
        while self._waiting and (now is None or self._waiting[0][0] <= now):
            _, _, identity, verdict, copy = heapq.heappop(self._waiting)
            body = _attribute(2, struct.pack(">II", verdict, identity))
            self._socket.send(_message(_VERDICT, body, _REQUEST))
            if copy is not None:
                self._raw.sendto(copy, (socket.inet_ntoa(copy[16:20]), 0))


def packets_in(received: bytes) -> list[tuple[int, bytes]]:
    """Return (the kernel's id, the IP packet) of every packet in a datagram of netlink."""
    found: list[tuple[int, bytes]] = []
    start = 0
    while start + 16 <= len(received):
        length, kind = struct.unpack_from("<IH", received, start)
        if kind == _SUBSYSTEM_QUEUE | _PACKET:
            found.append(_packet_of(received[start + 20 : start + length]))
        start += _aligned(max(length, 16))
    return found


def _packet_of(attributes: bytes) -> tuple[int, bytes]:
    identity, packet, place = 0, b"", 0
    while place + 4 <= len(attributes):
        length, kind = struct.unpack_from("<HH", attributes, place)
        value = attributes[place + 4 : place + length]
        if kind & 0x7FFF == _ATTRIBUTE_PACKET_HEADER:
            (identity,) = struct.unpack_from(">I", value)
        elif kind & 0x7FFF == _ATTRIBUTE_PAYLOAD:
            packet = value
        place += _aligned(max(length, 4))
    return identity, packet


def _bound() -> socket.socket:
    """Return a socket to which the kernel sends the queue's packets, whole."""
    try:
        bound = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        bound.bind((0, 0))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER_BYTES)
        bound.setsockopt(_SOL_NETLINK, _NO_ENOBUFS, 1)
        for body in (
            _attribute(1, struct.pack(">BxH", 1, socket.AF_INET)),  # bind
            _attribute(2, struct.pack(">IB", 0xFFFF, 2)),  # hand over packets whole
            _attribute(3, struct.pack(">I", _WAITING_MAX)),
            _attribute(5, struct.pack(">I", 1)) + _attribute(4, struct.pack(">I", 1)),  # fail open
        ):
            bound.send(_message(_CONFIG, body, _REQUEST_AND_ACKNOWLEDGE))
            _require_success(bound.recv(4096))
    except OSError as error:
        raise HostError(f"this kernel has no NFQUEUE for us: {error}") from error
    return bound


def _require_success(acknowledgement: bytes) -> None:
    (code,) = struct.unpack_from("<i", acknowledgement, 16)
    if code:
        raise OSError(-code, os.strerror(-code))


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("<HH", length, kind) + value + bytes(_aligned(length) - length)


def _message(kind: int, attributes: bytes, flags: int) -> bytes:
    body = struct.pack(">BBH", 0, 0, QUEUE) + attributes
    return struct.pack("<IHHII", 16 + len(body), _SUBSYSTEM_QUEUE | kind, flags, 0, 0) + body


def _aligned(length: int) -> int:
    return (length + 3) & ~3
