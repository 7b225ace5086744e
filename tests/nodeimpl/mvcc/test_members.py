"""What members say of themselves."""

from nodeimpl.api.errors import PEER_URL_EXISTS
from nodeimpl.api.rpc_pb2 import Member, MemberListRequest, MemberListResponse, MemberUpdateResponse
from nodeimpl.config import StoreConfig
from nodeimpl.ids import NodeId
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

ONE, TWO, THREE = NodeId(1), NodeId(2), NodeId(3)


def listed(store: Store) -> list[Member]:
    response = store.read(MemberListRequest())
    assert isinstance(response, MemberListResponse)
    return list(response.members)


def new_store(backend: MemoryBackend | None = None) -> Store:
    store = Store(backend or MemoryBackend(), StoreConfig())
    store.follow_members((ONE, TWO, THREE), (THREE,))
    return store


def test_members_are_listed_with_what_they_have_said() -> None:
    store = new_store()
    store.apply(DescribeMember(TWO, name="b", peer_urls=("http://p2",), client_urls=("http://c",)))
    assert listed(store) == [
        Member(ID=1),
        Member(ID=2, name="b", peerURLs=["http://p2"], clientURLs=["http://c"]),
        Member(ID=3, isLearner=True),
    ]


def test_what_is_not_said_stays() -> None:
    store = new_store()
    store.apply(DescribeMember(ONE, name="a", peer_urls=("p",)))
    answer = store.apply(DescribeMember(ONE, client_urls=("c",)))
    assert isinstance(answer, MemberUpdateResponse)
    assert answer.members[0] == Member(ID=1, name="a", peerURLs=["p"], clientURLs=["c"])


def test_a_peer_url_belongs_to_one_member() -> None:
    store = new_store()
    store.apply(DescribeMember(ONE, peer_urls=("p", "q")))
    assert store.apply(DescribeMember(TWO, peer_urls=("r", "q"))) == PEER_URL_EXISTS
    assert not isinstance(store.apply(DescribeMember(ONE, peer_urls=("q",))), type(PEER_URL_EXISTS))


def test_who_is_to_be_added_is_described_before_and_who_is_removed_is_forgotten() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    store.apply(DescribeMember(NodeId(4), peer_urls=("p4",)))
    store.apply(DescribeMember(TWO, name="b"))
    store.follow_members((ONE, THREE, NodeId(4)), ())
    again = Store(backend, StoreConfig())
    again.follow_members((ONE, TWO, THREE, NodeId(4)), ())
    assert [member.name for member in listed(again)] == ["", "", "", ""]
    assert list(listed(again)[3].peerURLs) == ["p4"]
    assert again.hash() == store.hash()
