"""etcd's Election service (etcd, etcdserver/api/v3election)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.message import Message

from nodeimpl.api.election_pb2 import (
    CampaignRequest,
    CampaignResponse,
    LeaderKey,
    LeaderRequest,
    LeaderResponse,
    ProclaimRequest,
    ProclaimResponse,
    ResignRequest,
    ResignResponse,
)
from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.api.rpc_pb2 import (
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RequestOp,
    ResponseHeader,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.grpc_serving import Context, Service, streaming, unary
from nodeimpl.server.reception import Reception
from nodeimpl.server.succession import Succession

NO_LEADER_ELECTED: Final = ApiError(GrpcCode.UNKNOWN, "election: no leader", definite=True)
NOT_THE_LEADER: Final = ApiError(GrpcCode.UNKNOWN, "election: not leader", definite=True)
LEADER_MISSING: Final = ApiError(GrpcCode.UNKNOWN, '"leader" field must be provided', definite=True)
"""etcd's words; it gives them no code."""


def election_service(reception: Reception) -> Service:
    """Return the service."""
    elections = _Elections(reception)
    return "v3electionpb.Election", {
        "Campaign": unary(elections.campaign, CampaignRequest),
        "Proclaim": unary(elections.proclaim, ProclaimRequest),
        "Leader": unary(elections.leader, LeaderRequest),
        "Observe": streaming(elections.observe, LeaderRequest),
        "Resign": unary(elections.resign, ResignRequest),
    }


class _Elections:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def _succession(self, name: bytes, context: Context) -> Succession:
        self._reception.admit(context)
        return Succession(self._reception.driver, self._reception.caller(context), name)

    async def campaign(self, request: CampaignRequest, context: Context) -> Message:
        """Wait until the caller leads; whoever gives up meanwhile leaves the queue."""
        succession = self._succession(request.name, context)
        place = await succession.join(request.lease, request.value)
        leader = LeaderKey(name=request.name, key=place.key, rev=place.revision, lease=place.lease)
        try:
            if place.found is not None and place.found.value != request.value:
                await _proclaim(succession, leader, request.value)
            header = await succession.wait_until_first(place)
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(succession.leave(place)))
            raise
        return CampaignResponse(header=header, leader=leader)

    async def proclaim(self, request: ProclaimRequest, context: Context) -> Message:
        _require_leader(request)
        succession = self._succession(request.leader.name, context)
        header = await _proclaim(succession, request.leader, request.value)
        return ProclaimResponse(header=header)

    async def leader(self, request: LeaderRequest, context: Context) -> Message:
        first = await self._succession(request.name, context).first()
        if not first.kvs:
            raise ApiFailure(NO_LEADER_ELECTED)
        return LeaderResponse(header=first.header, kv=first.kvs[0])

    async def resign(self, request: ResignRequest, context: Context) -> Message:
        _require_leader(request)
        succession = self._succession(request.leader.name, context)
        key = request.leader.key
        delete = RequestOp(request_delete_range=DeleteRangeRequest(key=key))
        response = await succession.ask(
            TxnRequest(compare=[_is_own(request.leader)], success=[delete])
        )
        assert isinstance(response, TxnResponse), "the answer to a transaction"
        return ResignResponse(header=response.header)

    async def observe(
        self, request: LeaderRequest, context: Context
    ) -> AsyncIterator[LeaderResponse]:
        """Tell every leader and each of its values, from the present one on."""
        succession = self._succession(request.name, context)
        while True:
            first = await succession.first()
            if first.kvs:
                header, kv = first.header, first.kvs[0]
            else:
                header, kv = await _next_leader(succession, first.header.revision + 1)
            yield LeaderResponse(header=header, kv=kv)
            async with succession.changes(kv.key, b"", header.revision + 1) as responses:
                async for response in responses:
                    gone = response.canceled
                    for event in response.events:
                        if event.type == Event.DELETE:
                            gone = True
                            break
                        yield LeaderResponse(header=response.header, kv=event.kv)
                    if gone:
                        break


async def _next_leader(succession: Succession, start: int) -> tuple[ResponseHeader, KeyValue]:
    """Return the first candidate of an election that had none at the revision before `start`."""
    while True:
        prefix, end = succession.prefix, succession.prefix_end
        async with succession.changes(prefix, end, start) as responses:
            async for response in responses:
                for event in response.events:
                    if event.type == Event.PUT:
                        return response.header, event.kv
                if response.canceled:
                    break
        first = await succession.first()
        if first.kvs:
            return first.header, first.kvs[0]
        start = first.header.revision + 1


async def _proclaim(succession: Succession, leader: LeaderKey, value: bytes) -> ResponseHeader:
    """Change the value of a leader, or of a candidate; raise `NOT_THE_LEADER` if it has gone."""
    put = PutRequest(key=leader.key, value=value, lease=leader.lease)
    response = await succession.ask(
        TxnRequest(compare=[_is_own(leader)], success=[RequestOp(request_put=put)])
    )
    assert isinstance(response, TxnResponse), "the answer to a transaction"
    if not response.succeeded:
        raise ApiFailure(NOT_THE_LEADER)
    return response.header


def _is_own(leader: LeaderKey) -> Compare:
    return Compare(
        result=Compare.EQUAL,
        target=Compare.CREATE,
        key=leader.key,
        create_revision=leader.rev,
    )


def _require_leader(request: ProclaimRequest | ResignRequest) -> None:
    if not request.HasField("leader"):
        raise ApiFailure(LEADER_MISSING)
