"""etcd's Lease service."""

from collections.abc import AsyncIterator

from google.protobuf.message import Message

from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseLeasesRequest,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
)
from nodeimpl.server.grpc_serving import Context, Service, both_streaming, unary
from nodeimpl.server.reception import Reception


def lease_service(reception: Reception) -> Service:
    """Return the service."""

    async def ask(request: ApiRequest, context: Context) -> Message:
        return await reception.ask(request, context)

    async def keep_alive(
        requests: AsyncIterator[LeaseKeepAliveRequest], context: Context
    ) -> AsyncIterator[Message]:
        async for request in requests:
            yield await reception.ask(request, context)

    return "etcdserverpb.Lease", {
        "LeaseGrant": unary(ask, LeaseGrantRequest),
        "LeaseRevoke": unary(ask, LeaseRevokeRequest),
        "LeaseKeepAlive": both_streaming(keep_alive, LeaseKeepAliveRequest),
        "LeaseTimeToLive": unary(ask, LeaseTimeToLiveRequest),
        "LeaseLeases": unary(ask, LeaseLeasesRequest),
    }
