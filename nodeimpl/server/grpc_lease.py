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
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_serving import Context, Service, both_streaming, unary


def lease_service(driver: Driver) -> Service:
    """Return the service."""

    async def ask(request: ApiRequest, context: Context) -> Message:
        del context
        return await driver.ask(request)

    async def keep_alive(
        requests: AsyncIterator[LeaseKeepAliveRequest], context: Context
    ) -> AsyncIterator[Message]:
        del context
        async for request in requests:
            yield await driver.ask(request)

    return "etcdserverpb.Lease", {
        "LeaseGrant": unary(ask, LeaseGrantRequest),
        "LeaseRevoke": unary(ask, LeaseRevokeRequest),
        "LeaseKeepAlive": both_streaming(keep_alive, LeaseKeepAliveRequest),
        "LeaseTimeToLive": unary(ask, LeaseTimeToLiveRequest),
        "LeaseLeases": unary(ask, LeaseLeasesRequest),
    }
