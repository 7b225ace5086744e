"""The members of the cluster, as operators see and change them through any member.

A change is the leader's to begin, so others pass it on. A member to be is described in the store
before it is added, so that whoever learns of it knows where it is.

Deviation: a member that is to vote is added as a learner first, and promoted by the leader as soon
as it has caught up (thesis §4.2.1); it is listed as the voter it was asked to be. etcd counts it at
once, and a cluster of one then waits for a member that has not been started.
"""

import asyncio
import math
import time
from typing import Final, assert_never

import structlog

from nodeimpl.api.errors import (
    LEARNER_NOT_READY,
    MEMBER_NOT_FOUND,
    MEMBER_URLS_INVALID,
    NO_LEADER,
    NOT_LEADER,
    PEER_URL_EXISTS,
    TOO_MANY_LEARNERS,
    ApiError,
)
from nodeimpl.config import short_id
from nodeimpl.ids import NodeId
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.raft.configuration import Change
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.cluster_ids import member_id
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import (
    CHANGE_MEMBERS,
    AddMember,
    ClusterView,
    MemberChange,
    MemberView,
    PromoteMember,
    RemoveMember,
    decode_payload,
    encode_payload,
)
from nodeimpl.server.reconfiguration import (
    Standing,
    objection_to_adding,
    objection_to_promoting,
    objection_to_removing,
)
from nodeimpl.server.urls import Url, UrlError, parse_url

PROMOTE_SECONDS: Final = 0.5
"""How often the leader looks whether a member to be has caught up."""
CHANGE_SECONDS_MAX: Final = 7.0
"""For a change of members through another member."""

_log: Final = structlog.stdlib.get_logger("membership")


class Membership:
    """The members, through one of them."""

    def __init__(
        self,
        driver: Driver,
        network: Network,
        founders: dict[NodeId, tuple[Url, ...]],
        *,
        is_strict: bool,
        learners_max: int,
    ) -> None:
        """`is_strict` refuses changes that might lose the quorum (`reconfiguration`)."""
        self._driver = driver
        self._network = network
        self._founders = founders
        """Where the founders were at first; what they say of themselves counts more."""
        self._is_strict = is_strict
        self._learners_max = learners_max

    # ------------------------------------------------------------ seeing
    def view(self) -> ClusterView:
        """Return the cluster as this member sees it now, as operators asked for it to be."""
        node = self._driver.node
        configuration = node.raft.configuration
        members = []
        for member in sorted((*configuration.voters, *configuration.learners)):
            attributes = node.store.members.of(member)
            urls = attributes.peer_urls or tuple(str(url) for url in self._founders.get(member, ()))
            members.append(
                MemberView(
                    member,
                    attributes.name,
                    urls,
                    attributes.client_urls,
                    member in configuration.learners and not attributes.will_vote,
                )
            )
        return ClusterView(node.config.cluster_id, tuple(members))

    def peer_urls(self, member: NodeId) -> tuple[Url, ...]:
        """Return where other members reach this one; none if nobody has said."""
        said = self._driver.node.store.members.of(member).peer_urls
        return tuple(parse_url(url) for url in said) or self._founders.get(member, ())

    def connect(self) -> None:
        """Keep links to the members in force, where they say they are.

        A member that has not heard yet who they are goes by whom it was told of when it joined.
        """
        node = self._driver.node
        members = node.raft.configuration.members or tuple(self._founders)
        urls = {
            member: self.peer_urls(member) for member in members if member != node.config.node_id
        }
        self._network.set_peers(
            {member: where for member, where in urls.items() if where},
            self.peer_urls(node.config.node_id),
        )

    # ------------------------------------------------------------ changing
    async def change(self, change: MemberChange) -> ClusterView:
        """Return the cluster behind the change, which the leader makes; raise `ApiFailure`."""
        leader = self._driver.node.raft.leader
        if leader is None:
            raise ApiFailure(NO_LEADER)
        if leader == self._driver.node.config.node_id:
            return await self.change_here(change)
        payload = encode_payload(change)
        answer = await self._network.call(leader, CHANGE_MEMBERS, payload, CHANGE_SECONDS_MAX)
        return decode_payload(answer, ClusterView)

    async def change_here(self, change: MemberChange) -> ClusterView:
        """Make a change; this node must lead."""
        match change:
            case AddMember():
                return await self._add(change)
            case RemoveMember(member_id=member):
                self._require(objection_to_removing(self._voters(), self._own_id, member))
                await self._driver.change_members(Change(removed=(member,)))
            case PromoteMember(member_id=member):
                self._require(objection_to_promoting(self._voters()))
                await self._driver.change_members(Change(promoted=(member,)))
            case _:
                assert_never(change)
        return self.view()

    async def update(self, member: NodeId, peer_urls: tuple[str, ...]) -> ClusterView:
        """Write down where a member is reached from now on."""
        _check_urls(peer_urls)
        if member not in self._driver.node.raft.configuration.members:
            raise ApiFailure(MEMBER_NOT_FOUND)
        await self._driver.ask(DescribeMember(member, peer_urls=peer_urls))
        return self.view()

    async def publish(self, name: str, client_urls: tuple[str, ...]) -> None:
        """Tell the others of this member, again and again until it is known (as etcd)."""
        node = self._driver.node
        member = node.config.node_id
        founded_at = tuple(str(url) for url in self._founders.get(member, ()))
        while True:
            known = node.store.members.of(member)
            if (known.name, known.client_urls) == (name, client_urls) and known.peer_urls:
                return
            try:
                await self._driver.ask(
                    DescribeMember(
                        member,
                        name=name,
                        client_urls=client_urls,
                        peer_urls=founded_at if not known.peer_urls and founded_at else None,
                    )
                )
            except ApiFailure as failure:
                _log.warning("could not tell the cluster of this member", error=str(failure))
                await asyncio.sleep(PROMOTE_SECONDS)

    async def promote_whom_promised(self) -> None:
        """Let members vote that were added to do so, when they can; runs until cancelled."""
        while True:
            await asyncio.sleep(PROMOTE_SECONDS)
            node = self._driver.node
            if node.raft.role is not RoleName.LEADER:
                continue
            for member in node.raft.configuration.learners:
                if not node.store.members.of(member).will_vote:
                    continue
                try:
                    await self._driver.change_members(Change(promoted=(member,)))
                except ApiFailure as failure:
                    if failure.error not in {LEARNER_NOT_READY, NOT_LEADER}:
                        _log.warning("could not promote", member=member, error=str(failure))
                else:
                    _log.info("promoted a member that has caught up", member=member)

    async def _add(self, change: AddMember) -> ClusterView:
        _check_urls(change.peer_urls)
        self._require(objection_to_adding(self._voters(), is_learner=change.is_learner))
        members = self.view().members
        if any(url in known.peer_urls for known in members for url in change.peer_urls):
            raise ApiFailure(PEER_URL_EXISTS)
        learner_count = sum(known.is_learner for known in members)
        if change.is_learner and learner_count >= self._learners_max:
            raise ApiFailure(TOO_MANY_LEARNERS)
        member = self._new_id(change.peer_urls)
        await self._driver.ask(
            DescribeMember(member, peer_urls=change.peer_urls, will_vote=not change.is_learner)
        )
        await self._driver.change_members(Change(added=(member,)))
        return self.view()

    @property
    def _own_id(self) -> NodeId:
        return self._driver.node.config.node_id

    def _voters(self) -> list[Standing]:
        """Return how the voters stand, those that are to be voters among them."""
        return [
            Standing(
                member_id=member.member_id,
                is_started=bool(member.name),
                connected_seconds=math.inf
                if member.member_id == self._own_id
                else self._network.connected_seconds(member.member_id),
            )
            for member in self.view().members
            if not member.is_learner
        ]

    def _require(self, objection: ApiError | None) -> None:
        if objection is not None and self._is_strict:
            raise ApiFailure(objection)

    def _new_id(self, peer_urls: tuple[str, ...]) -> NodeId:
        """Return an id that nobody has, nor any of whose requests could be taken for another's."""
        taken = [
            short_id(member)
            for member in (*self._driver.node.raft.configuration.members, *self._founders)
        ]
        now = time.time_ns()  # etcd counts seconds here, and so gives an id twice in one
        while short_id(member_id(peer_urls, "", added_at=now)) in taken:
            now += 1
        return member_id(peer_urls, "", added_at=now)


def _check_urls(urls: tuple[str, ...]) -> None:
    try:
        parsed = [parse_url(url) for url in urls]
    except UrlError as error:
        raise ApiFailure(MEMBER_URLS_INVALID) from error
    if not parsed or len(set(parsed)) < len(parsed):
        raise ApiFailure(MEMBER_URLS_INVALID)
