"""Members, as operators see and change them through a member that leads."""

from collections.abc import Callable, Coroutine

import pytest

from nodeimpl.api.errors import (
    LEARNER_NOT_READY,
    MEMBER_NOT_FOUND,
    MEMBER_URLS_INVALID,
    NO_LEADER,
    NOT_ENOUGH_MEMBERS,
    PEER_URL_EXISTS,
    TOO_MANY_LEARNERS,
    ApiError,
)
from nodeimpl.ids import NodeId
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.membership import Membership
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import (
    AddMember,
    ClusterView,
    MemberChange,
    PromoteMember,
    RemoveMember,
)
from nodeimpl.server.urls import Url, parse_url
from tests.nodeimpl.server.rigs import OWN, with_driver, with_leader

HOME = "http://127.0.0.1:1"
NEW = "http://127.0.0.1:2"
OTHER = "http://127.0.0.1:3"
Story = Callable[[Driver, Membership], Coroutine[None, None, None]]


def told(story: Story, *voters: int, is_strict: bool = True) -> None:
    async def tell(driver: Driver) -> None:
        network = Network(9, OWN, None)
        founders: dict[NodeId, tuple[Url, ...]] = {OWN: (parse_url(HOME),)}
        membership = Membership(driver, network, founders, is_strict=is_strict, learners_max=1)
        try:
            await story(driver, membership)
        finally:
            network.close()

    if voters:
        with_driver(tell, *voters)
    else:
        with_leader(tell)


async def refused(membership: Membership, change: MemberChange) -> ApiError:
    with pytest.raises(ApiFailure) as failure:
        await membership.change(change)
    return failure.value.error


def names(view: ClusterView) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(each.name, each.peer_urls, each.is_learner) for each in view.members]


def id_at(view: ClusterView, url: str) -> NodeId:
    return next(each.member_id for each in view.members if each.peer_urls == (url,))


def test_a_founder_is_where_it_was_founded_until_it_says_more() -> None:
    async def story(driver: Driver, membership: Membership) -> None:
        assert names(membership.view()) == [("", (HOME,), False)]
        await membership.publish("n1", ("http://127.0.0.1:9",))
        [member] = membership.view().members
        assert (member.name, member.client_urls) == ("n1", ("http://127.0.0.1:9",))
        assert driver.node.store.members.of(OWN).name == "n1"
        assert membership.peer_urls(OWN) == (parse_url(HOME),)

    told(story)


def test_who_is_to_vote_is_listed_as_a_voter_though_it_only_learns_yet() -> None:
    async def story(driver: Driver, membership: Membership) -> None:
        await membership.publish("n1", (HOME,))
        view = await membership.change(AddMember((NEW,), is_learner=False))
        added = id_at(view, NEW)
        assert driver.node.raft.configuration.learners == (added,)
        assert [each.is_learner for each in view.members] == [False, False]
        assert membership.peer_urls(added) == (parse_url(NEW),)

    told(story)


def test_a_learner_is_listed_as_one_and_can_be_removed() -> None:
    async def story(driver: Driver, membership: Membership) -> None:
        await membership.publish("n1", (HOME,))
        view = await membership.change(AddMember((NEW,), is_learner=True))
        learner = id_at(view, NEW)
        assert [each.is_learner for each in view.members if each.member_id == learner] == [True]
        assert await refused(membership, PromoteMember(learner)) == LEARNER_NOT_READY
        view = await membership.change(RemoveMember(learner))
        assert [each.member_id for each in view.members] == [OWN]
        assert driver.node.raft.configuration.members == (OWN,)

    told(story)


def test_there_is_one_learner_at_most() -> None:
    async def story(_: Driver, membership: Membership) -> None:
        await membership.publish("n1", (HOME,))
        await membership.change(AddMember((NEW,), is_learner=True))
        again = AddMember((OTHER,), is_learner=True)
        assert await refused(membership, again) == TOO_MANY_LEARNERS

    told(story)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (AddMember((HOME,), is_learner=False), PEER_URL_EXISTS),
        (AddMember((), is_learner=False), MEMBER_URLS_INVALID),
        (AddMember((NEW, NEW), is_learner=False), MEMBER_URLS_INVALID),
        (AddMember(("ftp://x:1",), is_learner=False), MEMBER_URLS_INVALID),
        (RemoveMember(NodeId(5)), MEMBER_NOT_FOUND),
        (RemoveMember(OWN), NOT_ENOUGH_MEMBERS),
        (PromoteMember(NodeId(5)), MEMBER_NOT_FOUND),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change: MemberChange, expected: ApiError) -> None:
    async def story(_: Driver, membership: Membership) -> None:
        await membership.publish("n1", (HOME,))
        assert await refused(membership, change) == expected
        assert len(membership.view().members) == 1

    told(story)


def test_what_might_lose_the_quorum_is_refused_only_if_that_is_wished() -> None:
    async def strict(_: Driver, membership: Membership) -> None:
        await membership.publish("n1", (HOME,))
        await membership.change(AddMember((NEW,), is_learner=False))
        third = AddMember((OTHER,), is_learner=False)
        assert await refused(membership, third) == NOT_ENOUGH_MEMBERS

    async def lenient(_: Driver, membership: Membership) -> None:
        await membership.change(AddMember((NEW,), is_learner=False))
        view = await membership.change(AddMember((OTHER,), is_learner=False))
        assert len(view.members) == 3

    told(strict)
    told(lenient, is_strict=False)


def test_a_member_is_reached_where_it_is_said_to_be_from_now_on() -> None:
    async def story(_: Driver, membership: Membership) -> None:
        view = await membership.update(OWN, (OTHER,))
        assert names(view) == [("", (OTHER,), False)]
        with pytest.raises(ApiFailure, match="member not found"):
            await membership.update(NodeId(5), (OTHER,))

    told(story)


def test_without_a_leader_nothing_changes() -> None:
    async def story(_: Driver, membership: Membership) -> None:
        assert await refused(membership, RemoveMember(NodeId(2))) == NO_LEADER

    told(story, 1, 2, 3)
