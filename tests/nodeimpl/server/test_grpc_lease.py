"""The Lease service."""

from collections.abc import Sequence

import grpc

from nodeimpl.api.rpc_pb2 import (
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
)
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_lease import lease_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import Calls, serving

LEASE = "/etcdserverpb.Lease/Lease"


def services(driver: Driver) -> Sequence[Service]:
    return [lease_service(Reception(driver, by_certificate=False))]


def test_a_lease_from_its_grant_to_its_end() -> None:
    async def story(calls: Calls) -> None:
        granted = await calls.ask(
            f"{LEASE}Grant", LeaseGrantRequest(ID=5, TTL=60), LeaseGrantResponse
        )
        assert (granted.ID, granted.TTL) == (5, 60)
        await calls.driver.ask(PutRequest(key=b"k", lease=5))
        listed = await calls.ask(f"{LEASE}Leases", LeaseLeasesRequest(), LeaseLeasesResponse)
        assert [each.ID for each in listed.leases] == [5]
        question = LeaseTimeToLiveRequest(ID=5, keys=True)
        told = await calls.ask(f"{LEASE}TimeToLive", question, LeaseTimeToLiveResponse)
        assert (told.grantedTTL, list(told.keys)) == (60, [b"k"])
        await calls.ask(f"{LEASE}Revoke", LeaseRevokeRequest(ID=5), LeaseRevokeResponse)
        told = await calls.ask(f"{LEASE}TimeToLive", question, LeaseTimeToLiveResponse)
        assert told.TTL == -1

    serving(services, story)


def test_keep_alives_are_answered_one_by_one_on_one_stream() -> None:
    async def story(calls: Calls) -> None:
        await calls.driver.ask(LeaseGrantRequest(ID=5, TTL=60))
        stream = calls.stream(f"{LEASE}KeepAlive", LeaseKeepAliveResponse)
        answers = []
        for lease in (5, 6, 5):
            await stream.write(LeaseKeepAliveRequest(ID=lease))
            response = await stream.read()
            assert isinstance(response, LeaseKeepAliveResponse)
            answers.append((response.ID, response.TTL))
        assert answers == [(5, 60), (6, 0), (5, 60)]
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF

    serving(services, story)


def test_an_unknown_lease_cannot_be_revoked() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(f"{LEASE}Revoke", LeaseRevokeRequest(ID=5))

    expected = (grpc.StatusCode.NOT_FOUND, "etcdserver: requested lease not found")
    assert serving(services, story) == expected
