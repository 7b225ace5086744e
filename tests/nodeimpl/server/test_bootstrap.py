"""How a member comes to know who it is."""

import asyncio
from collections.abc import Sequence

import pytest

from nodeimpl.api.errors import NOT_LEADER
from nodeimpl.ids import NodeId
from nodeimpl.raft.messages import Message
from nodeimpl.server import bootstrap
from nodeimpl.server.bootstrap import JoinError, founded_by_flags, founding_voters, joining
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags, parse_flags
from nodeimpl.server.frames import Hello
from nodeimpl.server.identity import Founder, Identity
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import LIST_MEMBERS, ClusterView, MemberView, encode_payload
from nodeimpl.server.urls import Url
from tests.nodeimpl.server.test_network import free_url

ONE, TWO = NodeId(11), NodeId(12)
N1, N2 = "http://10.0.0.1:2380", "http://10.0.0.2:2380"


def flags_of(name: str, own_url: str, cluster: str, *more: str) -> Flags:
    arguments = ["--name", name, "--initial-advertise-peer-urls", own_url]
    return parse_flags([*arguments, "--initial-cluster", cluster, *more], {})


class Elder:
    """A member that is there already; it counts who asks it."""

    def __init__(self, view: ClusterView, refusal: str | None = None) -> None:
        self.asked = 0
        self.url = free_url()
        self._view = view
        self._refusal = refusal

    async def listen(self) -> Network:
        network = Network(self._view.cluster_id, ONE, None)
        await network.listen([self.url], self, None)
        return network

    def refusal(self, hello: Hello) -> str | None:
        assert (hello.cluster_id, hello.sender, hello.receiver) == (0, 0, 0)
        return self._refusal

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        raise AssertionError(f"{sender} is no member and says {messages}")

    async def call(self, sender: NodeId, method: str, payload: bytes) -> bytes:
        assert (sender, method, payload) == (0, LIST_MEMBERS, b"")
        self.asked += 1
        if not self._view.members:
            raise ApiFailure(NOT_LEADER)
        return encode_payload(self._view)


def view_of(*members: tuple[NodeId, str]) -> ClusterView:
    views = (MemberView(who, f"n{who}", (url,), (), is_learner=False) for who, url in members)
    return ClusterView(9, tuple(views))


def joined(flags: Flags, *elders: Elder) -> Identity:
    """Return who a member finds itself to be while these listen."""

    async def tell() -> Identity:
        networks = [await elder.listen() for elder in elders]
        try:
            async with asyncio.timeout(20):
                return await joining(flags, None)
        finally:
            for network in networks:
                network.close()

    return asyncio.run(tell())


# ---------------------------------------------------------------- a new cluster
def test_all_founders_find_the_same_cluster_and_themselves_in_it() -> None:
    cluster = f"n2={N2},n1={N1}"
    one = founded_by_flags(flags_of("n1", N1, cluster))
    two = founded_by_flags(flags_of("n2", N2, cluster))
    assert (one.cluster_id, one.founders) == (two.cluster_id, two.founders)
    assert [(each.name, each.peer_urls) for each in one.founders] == [("n1", (N1,)), ("n2", (N2,))]
    assert [each.member_id for each in one.founders] == [one.member_id, two.member_id]
    assert one.is_founder
    assert one.incarnation == 0


def test_another_token_makes_another_cluster() -> None:
    here = founded_by_flags(flags_of("n1", N1, f"n1={N1}"))
    there = founded_by_flags(flags_of("n1", N1, f"n1={N1}", "--initial-cluster-token", "other"))
    assert here.cluster_id != there.cluster_id
    assert here.member_id != there.member_id


def test_who_is_no_founder_by_name_is_told_so() -> None:
    with pytest.raises(FlagError, match="couldn't find local name 'n3' in --initial-cluster"):
        founded_by_flags(flags_of("n3", N1, f"n1={N1}"))


def test_who_advertises_another_address_than_it_is_listed_with_is_told_so() -> None:
    with pytest.raises(FlagError, match=f"has n1={N1} but missing from .*={N2}"):
        founded_by_flags(flags_of("n1", N2, f"n1={N1}"))


def test_the_order_of_several_addresses_says_nothing() -> None:
    flags = flags_of("n1", f"{N2},{N1}", f"n1={N2},n1={N1}")
    assert len(founded_by_flags(flags).founders) == 1
    flags = flags_of("n1", f"{N1},{N2}", f"n1={N2},n1={N1}")
    assert len(founded_by_flags(flags).founders) == 1


def test_founders_vote_and_who_joins_is_told_of_voters_by_the_log() -> None:
    founders = tuple(Founder(member_id=who, name="n", peer_urls=()) for who in (TWO, ONE))
    founder = Identity(
        cluster_id=9, member_id=ONE, founders=founders, is_founder=True, incarnation=1
    )
    joiner = Identity(
        cluster_id=9, member_id=ONE, founders=founders, is_founder=False, incarnation=1
    )
    assert founding_voters(founder) == (ONE, TWO)
    assert founding_voters(joiner) == ()


# ---------------------------------------------------------------- one that is there
def test_who_joins_finds_itself_by_its_address() -> None:
    elder = Elder(view_of((ONE, N1), (TWO, N2)))
    identity = joined(flags_of("new", N2, f"n1={elder.url},new={N2}"), elder)
    assert (identity.cluster_id, identity.member_id) == (9, TWO)
    assert not identity.is_founder
    assert [each.member_id for each in identity.founders] == [ONE, TWO]


def test_who_joins_asks_others_and_not_itself() -> None:
    elder = Elder(view_of((TWO, N2)))
    own = elder.url
    with pytest.raises(FlagError, match="names no other member"):
        joined(flags_of("new", str(own), f"new={own}"), elder)
    assert elder.asked == 0


def test_who_was_not_added_is_told_so() -> None:
    elder = Elder(view_of((ONE, N1)))
    with pytest.raises(JoinError, match=f"no member of the cluster has .*{N2}.*: add it first"):
        joined(flags_of("new", N2, f"n1={elder.url},new={N2}"), elder)


def test_members_that_do_not_answer_are_passed_over() -> None:
    nobody: Url = free_url()
    rude = Elder(view_of((TWO, N2)), refusal="go away")
    lost = Elder(view_of())
    kind = Elder(view_of((TWO, N2)))
    cluster = f"a={nobody},b={rude.url},c={lost.url},d={kind.url},new={N2}"
    assert joined(flags_of("new", N2, cluster), rude, lost, kind).member_id == TWO
    assert (rude.asked, lost.asked, kind.asked) == (0, 1, 1)


def test_a_cluster_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "JOIN_SECONDS_MAX", 0.1)
    rude = Elder(view_of((TWO, N2)), refusal="go away")
    with pytest.raises(JoinError, match="no member of --initial-cluster answers: go away"):
        joined(flags_of("new", N2, f"n1={rude.url},new={N2}"), rude)
