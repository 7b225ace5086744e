"""Where other members are received."""

from collections.abc import Callable, Coroutine

import pytest

from nodeimpl.api.errors import FUTURE_REVISION, NOT_LEADER
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import NodeId
from nodeimpl.raft.configuration import Change
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.frames import PROTOCOL_VERSION, Hello
from nodeimpl.server.membership import Membership
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import (
    BAD_CALL,
    CHANGE_MEMBERS,
    HASH_KV,
    LIST_MEMBERS,
    AddMember,
    ClusterView,
    HashAnswer,
    HashQuestion,
    decode_payload,
    encode_payload,
)
from nodeimpl.server.peer_desk import REMOVED, PeerDesk
from nodeimpl.server.urls import Url, parse_url
from tests.nodeimpl.server.rigs import OWN, with_driver, with_leader

TWO = NodeId(2)
Story = Callable[[Driver, PeerDesk], Coroutine[None, None, None]]


def told(story: Story, *voters: int) -> None:
    async def tell(driver: Driver) -> None:
        network = Network(9, OWN, None)
        founders: dict[NodeId, tuple[Url, ...]] = {OWN: (parse_url("http://127.0.0.1:1"),)}
        membership = Membership(driver, network, founders, is_strict=False, learners_max=1)
        try:
            await story(driver, PeerDesk(driver, membership))
        finally:
            network.close()

    if voters:
        with_driver(tell, *voters)
    else:
        with_leader(tell)


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (Hello(PROTOCOL_VERSION, 9, 2, 1), None),
        (Hello(PROTOCOL_VERSION, 0, 0, 0), None),  # wants to join
        (Hello(PROTOCOL_VERSION + 1, 9, 2, 1), "of the protocol"),
        (Hello(PROTOCOL_VERSION, 8, 2, 1), "cluster ID mismatch"),
        (Hello(PROTOCOL_VERSION, 9, 2, 3), "member 3 is not here"),
    ],
)
def test_who_belongs_elsewhere_is_sent_away(hello: Hello, reason: str | None) -> None:
    async def story(_: Driver, desk: PeerDesk) -> None:
        refusal = desk.refusal(hello)
        assert refusal is None if reason is None else reason in (refusal or "")

    told(story)


def test_who_was_removed_is_told_so() -> None:
    async def story(driver: Driver, desk: PeerDesk) -> None:
        hello = Hello(PROTOCOL_VERSION, 9, 2, 1)
        await driver.change_members(Change(added=(TWO,)))
        assert desk.refusal(hello) is None
        await driver.change_members(Change(removed=(TWO,)))
        assert desk.refusal(hello) == REMOVED
        assert list(desk.removed) == [TWO]
        assert not desk.has_been_removed

    told(story)


def test_whoever_wants_to_join_may_ask_who_is_here_and_nothing_else() -> None:
    async def story(_: Driver, desk: PeerDesk) -> None:
        view = decode_payload(await desk.call(NodeId(0), LIST_MEMBERS, b""), ClusterView)
        assert [member.member_id for member in view.members] == [OWN]
        question = encode_payload(HashQuestion(0))
        for method in (CHANGE_MEMBERS, HASH_KV):
            with pytest.raises(ApiFailure) as failure:
                await desk.call(NodeId(0), method, question)
            assert failure.value.error is BAD_CALL

    told(story)


def test_a_change_is_the_leader_s_to_make() -> None:
    change = encode_payload(AddMember(("http://127.0.0.1:2",), is_learner=True))

    async def leads(_: Driver, desk: PeerDesk) -> None:
        view = decode_payload(await desk.call(TWO, CHANGE_MEMBERS, change), ClusterView)
        assert sorted(member.is_learner for member in view.members) == [False, True]

    async def follows(_: Driver, desk: PeerDesk) -> None:
        with pytest.raises(ApiFailure) as failure:
            await desk.call(TWO, CHANGE_MEMBERS, change)
        assert failure.value.error is NOT_LEADER

    told(leads)
    told(follows, 1, 2, 3)


def test_a_member_s_hash_is_told_as_of_a_revision() -> None:
    async def story(driver: Driver, desk: PeerDesk) -> None:
        for value in (b"1", b"2"):
            await driver.ask(PutRequest(key=b"k", value=value))
        asked = [encode_payload(HashQuestion(revision)) for revision in (2, 3, 0)]
        answers = [
            decode_payload(await desk.call(TWO, HASH_KV, question), HashAnswer)
            for question in asked
        ]
        assert answers[1] == answers[2] != answers[0]
        with pytest.raises(ApiFailure) as failure:
            await desk.call(TWO, HASH_KV, encode_payload(HashQuestion(9)))
        assert failure.value.error is FUTURE_REVISION

    told(story)


def test_an_unknown_call_is_refused() -> None:
    async def story(_: Driver, desk: PeerDesk) -> None:
        with pytest.raises(ApiFailure) as failure:
            await desk.call(TWO, "dance", b"")
        assert failure.value.error is BAD_CALL

    told(story)
