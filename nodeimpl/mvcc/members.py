"""What members say of themselves: name, peer URLs and client URLs (etcd, api/membership).

Who is a member is in the log's configurations, of which only the latest is told here; a member to
be is described before it is added, and one that was removed is forgotten.
"""

from collections.abc import Mapping

import msgspec

from nodeimpl.api.errors import PEER_URL_EXISTS, ApiError
from nodeimpl.api.rpc_pb2 import Member
from nodeimpl.ids import NodeId
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.mvcc.facts import MEMBERS, Facts

_ID_BYTES = 8


class MemberAttributes(msgspec.Struct, frozen=True, array_like=True):
    """What one member says of itself; empty as long as it has not."""

    name: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    will_vote: bool = False
    """It was added to vote, and is a learner until it has caught up."""


class MemberBook:
    """The attributes of all members that have any."""

    __slots__ = ("_by_id", "_facts", "_learners", "_members")

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._by_id: dict[NodeId, MemberAttributes] = {
            NodeId(int.from_bytes(name)): msgspec.msgpack.decode(record, type=MemberAttributes)
            for name, record in facts.of_kind(MEMBERS)
        }
        self._members: tuple[NodeId, ...] = ()
        self._learners: tuple[NodeId, ...] = ()

    @property
    def by_id(self) -> Mapping[NodeId, MemberAttributes]:
        """What is known of each."""
        return self._by_id

    def of(self, member_id: NodeId) -> MemberAttributes:
        """Return what is known of one; nothing, perhaps."""
        return self._by_id.get(member_id, MemberAttributes())

    def describe(self, command: DescribeMember) -> ApiError | None:
        """Write down what is new; `PEER_URL_EXISTS` if another has such a URL."""
        known = self.of(command.member_id)
        peer_urls = known.peer_urls if command.peer_urls is None else command.peer_urls
        if command.peer_urls is not None and self._is_taken(command.member_id, peer_urls):
            return PEER_URL_EXISTS
        attributes = MemberAttributes(
            known.name if command.name is None else command.name,
            peer_urls,
            known.client_urls if command.client_urls is None else command.client_urls,
            known.will_vote if command.will_vote is None else command.will_vote,
        )
        self._by_id[command.member_id] = attributes
        self._facts.put(_row(command.member_id), msgspec.msgpack.encode(attributes))
        return None

    def follow(self, members: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """Take note of who the members are, the learners among them, and forget who is removed."""
        for member_id in self._members:
            if member_id not in members and self._by_id.pop(member_id, None) is not None:
                self._facts.remove(_row(member_id))
        self._members, self._learners = members, learners

    def listed(self) -> list[Member]:
        """Return the members in the order of their ids, each with what it says of itself."""
        return [
            Member(
                ID=member_id,
                name=attributes.name,
                peerURLs=attributes.peer_urls,
                clientURLs=attributes.client_urls,
                isLearner=member_id in self._learners and not attributes.will_vote,
            )
            for member_id, attributes in ((each, self.of(each)) for each in self._members)
        ]

    def _is_taken(self, member_id: NodeId, peer_urls: tuple[str, ...]) -> bool:
        return any(
            url in attributes.peer_urls
            for other, attributes in self._by_id.items()
            for url in peer_urls
            if other != member_id
        )


def _row(member_id: NodeId) -> bytes:
    return MEMBERS + member_id.to_bytes(_ID_BYTES)
