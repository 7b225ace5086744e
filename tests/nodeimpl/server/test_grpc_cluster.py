"""The Cluster service."""

from collections.abc import Sequence

import grpc

from nodeimpl.api.rpc_pb2 import (
    MemberAddRequest,
    MemberAddResponse,
    MemberListRequest,
    MemberListResponse,
    MemberPromoteRequest,
    MemberRemoveRequest,
    MemberRemoveResponse,
    MemberUpdateRequest,
    MemberUpdateResponse,
)
from nodeimpl.ids import NodeId
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_cluster import cluster_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.membership import Membership
from nodeimpl.server.network import Network
from nodeimpl.server.reception import Reception
from nodeimpl.server.urls import Url, parse_url
from tests.nodeimpl.server.rigs import OWN, Calls, serving

CLUSTER = "/etcdserverpb.Cluster/Member"
HOME, NEW, MOVED = (f"http://127.0.0.1:{port}" for port in (1, 2, 3))


def services(driver: Driver) -> Sequence[Service]:
    founders: dict[NodeId, tuple[Url, ...]] = {OWN: (parse_url(HOME),)}
    network = Network(9, OWN, None)
    membership = Membership(driver, network, founders, is_strict=False, learners_max=1)
    return [cluster_service(Reception(driver, by_certificate=False), membership)]


def test_a_member_from_its_addition_to_its_removal() -> None:
    async def story(calls: Calls) -> None:
        request = MemberAddRequest(peerURLs=[NEW], isLearner=True)
        added = await calls.ask(f"{CLUSTER}Add", request, MemberAddResponse)
        assert (list(added.member.peerURLs), added.member.isLearner) == ([NEW], True)
        assert len(added.members) == 2
        move = MemberUpdateRequest(ID=added.member.ID, peerURLs=[MOVED])
        await calls.ask(f"{CLUSTER}Update", move, MemberUpdateResponse)
        for linearizable in (True, False):
            question = MemberListRequest(linearizable=linearizable)
            listed = await calls.ask(f"{CLUSTER}List", question, MemberListResponse)
            assert sorted(url for member in listed.members for url in member.peerURLs) == [
                HOME,
                MOVED,
            ]
        promote = MemberPromoteRequest(ID=added.member.ID)
        assert (await calls.error(f"{CLUSTER}Promote", promote))[1] == (
            "etcdserver: can only promote a learner member which is in sync with leader"
        )
        remove = MemberRemoveRequest(ID=added.member.ID)
        left = await calls.ask(f"{CLUSTER}Remove", remove, MemberRemoveResponse)
        assert [member.ID for member in left.members] == [OWN]

    serving(services, story)


def test_who_is_no_member_cannot_be_changed() -> None:
    async def story(calls: Calls) -> None:
        for name, request in (
            ("Remove", MemberRemoveRequest(ID=5)),
            ("Promote", MemberPromoteRequest(ID=5)),
            ("Update", MemberUpdateRequest(ID=5, peerURLs=[NEW])),
        ):
            assert await calls.error(f"{CLUSTER}{name}", request) == (
                grpc.StatusCode.NOT_FOUND,
                "etcdserver: member not found",
            )

    serving(services, story)
