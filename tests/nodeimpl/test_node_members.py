"""The list of members, from the store: at once, or as of the latest."""

from nodeimpl.api.errors import PEER_URL_EXISTS
from nodeimpl.api.rpc_pb2 import Member, MemberListRequest, MemberListResponse, MemberUpdateResponse
from nodeimpl.mvcc.commands import DescribeMember
from tests.nodeimpl.lease_situations import ME, PEER, alone, errors, leader, replies


def test_the_founders_are_listed_before_they_have_said_anything() -> None:
    response = leader().answer(MemberListRequest(), MemberListResponse)
    assert list(response.members) == [Member(ID=1), Member(ID=2), Member(ID=3)]


def test_what_a_member_says_goes_through_the_log() -> None:
    driven = leader()
    asked = driven.ask(DescribeMember(ME, name="a", client_urls=("c",)))
    assert replies(asked) == []
    [reply] = replies(driven.with_peer(asked))
    assert isinstance(reply.body, MemberUpdateResponse)
    assert reply.body.members[0] == Member(ID=1, name="a", clientURLs=["c"])


def test_a_linearizable_list_waits_until_the_leader_is_confirmed() -> None:
    driven = leader()
    asked = driven.ask(MemberListRequest(linearizable=True))
    assert replies(asked) == []
    [reply] = replies(driven.with_peer(asked))
    assert isinstance(reply.body, MemberListResponse)
    assert len(reply.body.members) == 3


def test_a_peer_url_of_another_member_is_refused() -> None:
    driven = alone()
    driven.answer(DescribeMember(ME, peer_urls=("p",)), MemberUpdateResponse)
    assert errors(driven.ask(DescribeMember(PEER, peer_urls=("p",)))) == [PEER_URL_EXISTS]
