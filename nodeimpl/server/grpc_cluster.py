"""etcd's Cluster service."""

from google.protobuf.message import Message

from nodeimpl.api.errors import MEMBER_NOT_FOUND
from nodeimpl.api.rpc_pb2 import (
    Member,
    MemberAddRequest,
    MemberAddResponse,
    MemberListRequest,
    MemberListResponse,
    MemberPromoteRequest,
    MemberPromoteResponse,
    MemberRemoveRequest,
    MemberRemoveResponse,
    MemberUpdateRequest,
    MemberUpdateResponse,
)
from nodeimpl.ids import NodeId
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.grpc_serving import Context, Service, unary
from nodeimpl.server.headers import cluster_header
from nodeimpl.server.membership import Membership
from nodeimpl.server.peer_calls import AddMember, ClusterView, PromoteMember, RemoveMember
from nodeimpl.server.reception import Reception


def cluster_service(reception: Reception, membership: Membership) -> Service:
    """Return the service."""
    driver = reception.driver

    async def add(request: MemberAddRequest, context: Context) -> Message:
        reception.admit(context)
        reception.require_root(context)
        urls = tuple(request.peerURLs)
        view = await membership.change(AddMember(urls, request.isLearner))
        member = next((each for each in _members(view) if tuple(each.peerURLs) == urls), None)
        if member is None:
            raise ApiFailure(MEMBER_NOT_FOUND)  # It has been removed again meanwhile.
        return MemberAddResponse(
            header=cluster_header(driver), member=member, members=_members(view)
        )

    async def remove(request: MemberRemoveRequest, context: Context) -> Message:
        reception.admit(context)
        reception.require_root(context)
        view = await membership.change(RemoveMember(NodeId(request.ID)))
        return MemberRemoveResponse(header=cluster_header(driver), members=_members(view))

    async def promote(request: MemberPromoteRequest, context: Context) -> Message:
        reception.admit(context)
        reception.require_root(context)
        view = await membership.change(PromoteMember(NodeId(request.ID)))
        return MemberPromoteResponse(header=cluster_header(driver), members=_members(view))

    async def update(request: MemberUpdateRequest, context: Context) -> Message:
        reception.admit(context)
        reception.require_root(context)
        view = await membership.update(NodeId(request.ID), tuple(request.peerURLs))
        return MemberUpdateResponse(header=cluster_header(driver), members=_members(view))

    async def list_members(request: MemberListRequest, context: Context) -> Message:
        await reception.ask(request, context)
        return MemberListResponse(
            header=cluster_header(driver), members=_members(membership.view())
        )

    return "etcdserverpb.Cluster", {
        "MemberAdd": unary(add, MemberAddRequest),
        "MemberRemove": unary(remove, MemberRemoveRequest),
        "MemberUpdate": unary(update, MemberUpdateRequest),
        "MemberList": unary(list_members, MemberListRequest),
        "MemberPromote": unary(promote, MemberPromoteRequest),
    }


def _members(view: ClusterView) -> list[Member]:
    return [
        Member(
            ID=member.member_id,
            name=member.name,
            peerURLs=member.peer_urls,
            clientURLs=member.client_urls,
            isLearner=member.is_learner,
        )
        for member in view.members
    ]
