"""gRPC's own health service."""

from collections.abc import Sequence

import grpc
import pytest

from nodeimpl.api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from nodeimpl.server import grpc_health
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_health import health_service
from nodeimpl.server.grpc_serving import Service
from tests.nodeimpl.server.rigs import Calls, serving

CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
Status = HealthCheckResponse.ServingStatus


class Doctor:
    is_well = True


def services(driver: Driver) -> Sequence[Service]:
    del driver
    return [health_service(lambda: Doctor.is_well)]


def test_the_server_as_a_whole_is_known_and_nothing_else() -> None:
    async def story(calls: Calls) -> None:
        for is_well, expected in ((True, "SERVING"), (False, "NOT_SERVING")):
            Doctor.is_well = is_well
            told = await calls.ask(CHECK, HealthCheckRequest(), HealthCheckResponse)
            assert Status.Name(told.status) == expected
        error = await calls.error(CHECK, HealthCheckRequest(service="x"))
        assert error == (grpc.StatusCode.NOT_FOUND, "unknown service")

    serving(services, story)


def test_a_watcher_is_told_of_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_health, "LOOK_SECONDS", 0.01)

    async def story(calls: Calls) -> None:
        Doctor.is_well = True
        seen = []
        watch = calls.told(WATCH, HealthCheckRequest(), HealthCheckResponse)
        async for told in watch:
            seen.append(Status.Name(told.status))
            Doctor.is_well = not Doctor.is_well
            if len(seen) == 3:
                break
        assert seen == ["SERVING", "NOT_SERVING", "SERVING"]

    serving(services, story)
