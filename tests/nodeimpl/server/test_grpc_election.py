"""Elections."""

import asyncio
from collections.abc import Sequence

import grpc

from nodeimpl.api.election_pb2 import (
    CampaignRequest,
    CampaignResponse,
    LeaderRequest,
    LeaderResponse,
    ProclaimRequest,
    ProclaimResponse,
    ResignRequest,
    ResignResponse,
)
from nodeimpl.api.rpc_pb2 import LeaseGrantRequest, LeaseRevokeRequest
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_election import election_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import Calls, serving
from tests.nodeimpl.server.waiting import until

ELECTION = "/v3electionpb.Election/"


def services(driver: Driver) -> Sequence[Service]:
    return [election_service(Reception(driver, by_certificate=False))]


async def grant(calls: Calls, *leases: int) -> None:
    for lease in leases:
        await calls.driver.ask(LeaseGrantRequest(ID=lease, TTL=60))


def campaigning(calls: Calls, lease: int, value: bytes) -> "asyncio.Task[CampaignResponse]":
    request = CampaignRequest(name=b"e", lease=lease, value=value)
    return asyncio.ensure_future(calls.ask(f"{ELECTION}Campaign", request, CampaignResponse))


def test_an_election_has_one_leader_until_it_resigns() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5, 6)
        first = await campaigning(calls, 5, b"one")
        second = campaigning(calls, 6, b"two")
        await until(lambda: calls.driver.node.store.revision == 3)
        leader = await calls.ask(f"{ELECTION}Leader", LeaderRequest(name=b"e"), LeaderResponse)
        assert leader.kv.value == b"one"
        proclaim = ProclaimRequest(leader=first.leader, value=b"uno")
        await calls.ask(f"{ELECTION}Proclaim", proclaim, ProclaimResponse)
        await calls.ask(f"{ELECTION}Resign", ResignRequest(leader=first.leader), ResignResponse)
        assert (await second).leader.key == b"e/6"
        assert await calls.error(f"{ELECTION}Proclaim", proclaim) == (
            grpc.StatusCode.UNKNOWN,
            "election: not leader",
        )

    serving(services, story)


def test_observers_see_every_leader_and_what_it_proclaims() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5, 6)
        observed = calls.told(f"{ELECTION}Observe", LeaderRequest(name=b"e"), LeaderResponse)
        seen: list[bytes] = []

        async def observe() -> None:
            async for response in observed:
                seen.append(response.kv.value)  # noqa: PERF401 - it is looked at meanwhile

        observing = asyncio.ensure_future(observe())
        first = await campaigning(calls, 5, b"one")
        await until(lambda: seen == [b"one"])
        proclaim = ProclaimRequest(leader=first.leader, value=b"uno")
        await calls.ask(f"{ELECTION}Proclaim", proclaim, ProclaimResponse)
        await until(lambda: seen == [b"one", b"uno"])
        second = campaigning(calls, 6, b"two")
        await calls.driver.ask(LeaseRevokeRequest(ID=5))
        await second
        await until(lambda: seen == [b"one", b"uno", b"two"])
        observing.cancel()

    serving(services, story)


def test_without_a_leader_there_is_none_to_name() -> None:
    async def story(calls: Calls) -> None:
        assert await calls.error(f"{ELECTION}Leader", LeaderRequest(name=b"e")) == (
            grpc.StatusCode.UNKNOWN,
            "election: no leader",
        )
        assert await calls.error(f"{ELECTION}Resign", ResignRequest()) == (
            grpc.StatusCode.UNKNOWN,
            '"leader" field must be provided',
        )

    serving(services, story)
