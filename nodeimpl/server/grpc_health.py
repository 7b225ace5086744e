"""gRPC's health service: whether this node has a leader and serves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.grpc_serving import Context, Service, streaming, unary

LOOK_SECONDS: Final = 0.2
"""How often a watch of the health looks again."""
UNKNOWN_SERVICE: Final = ApiError(GrpcCode.NOT_FOUND, "unknown service", definite=True)
"""gRPC's own word."""


def health_service(is_serving: Callable[[], bool]) -> Service:
    """Return the service; it knows of the server as a whole only, as etcd's."""

    def status() -> HealthCheckResponse:
        serving = HealthCheckResponse.SERVING if is_serving() else HealthCheckResponse.NOT_SERVING
        return HealthCheckResponse(status=serving)

    async def check(request: HealthCheckRequest, context: Context) -> HealthCheckResponse:
        del context
        if request.service:
            raise ApiFailure(UNKNOWN_SERVICE)
        return status()

    async def watch(
        request: HealthCheckRequest, context: Context
    ) -> AsyncIterator[HealthCheckResponse]:
        del context
        last: HealthCheckResponse | None = None
        while True:
            now = status()
            if request.service:
                now = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
            if now != last:
                yield now
                last = now
            await asyncio.sleep(LOOK_SECONDS)

    return "grpc.health.v1.Health", {
        "Check": unary(check, HealthCheckRequest),
        "Watch": streaming(watch, HealthCheckRequest),
    }
