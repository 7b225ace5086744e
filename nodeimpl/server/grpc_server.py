"""The gRPC server for clients."""

from collections.abc import Callable, Sequence
from typing import Final

import grpc
import grpc.aio
import msgspec

from nodeimpl.server.call_counts import CallCount
from nodeimpl.server.grpc_serving import Service

OVERHEAD_BYTES: Final = 512 * 1024
"""What a message may have beyond the largest request (etcd, grpcOverheadBytes)."""
STREAMS_MAX: Final = 2**31 - 1
"""What gRPC's C core can count to."""


class BindError(OSError):
    """An address cannot be listened at."""


class Place(msgspec.Struct, frozen=True):
    """Where to listen, as gRPC writes it: host:port, unix-abstract:name."""

    address: str
    is_tls: bool


def grpc_server(
    services: Sequence[Service],
    places: Sequence[Place],
    *,
    request_bytes_max: int,
    streams_max: int,
    credentials: grpc.ServerCredentials | None,
    counts: Callable[[str, str], CallCount],
) -> grpc.aio.Server:
    """Return a server bound to `places`, not yet started; raise `BindError` if it cannot be."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", request_bytes_max + OVERHEAD_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", min(streams_max, STREAMS_MAX)),
            ("grpc.so_reuseport", 0),
            # Clients may ping as often as every 5 s, with nothing under way (etcd
            # --grpc-keepalive-min-time).
            ("grpc.http2.min_ping_interval_without_data_ms", 5000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )
    for name, handlers in services:
        made = {method: handler(counts(name, method)) for method, handler in handlers.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, made),))
    for place in places:
        try:
            if place.is_tls:
                assert credentials is not None, "the flags were checked"
                server.add_secure_port(place.address, credentials)
            else:
                server.add_insecure_port(place.address)
        except RuntimeError as error:
            raise BindError(f"cannot listen at {place.address}: {error}") from error
    return server
