"""Where other members are received: their Raft messages, and their calls."""

from collections.abc import Collection, Sequence
from typing import Final

from nodeimpl.api.errors import NOT_LEADER
from nodeimpl.ids import NodeId, Revision
from nodeimpl.raft.effects import RoleName
from nodeimpl.raft.messages import Message
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.frames import PROTOCOL_VERSION, Hello
from nodeimpl.server.hashing import hash_of
from nodeimpl.server.membership import Membership
from nodeimpl.server.peer_calls import (
    BAD_CALL,
    CHANGE_MEMBERS,
    HASH_KV,
    LIST_MEMBERS,
    HashAnswer,
    HashQuestion,
    decode_change,
    decode_payload,
    encode_payload,
)

REMOVED: Final = "the member has been permanently removed from the cluster"
"""etcd's words; a member that hears them stops for good."""


class PeerDesk:
    """Takes what members say; knows whom to send away."""

    def __init__(self, driver: Driver, membership: Membership) -> None:
        self._driver = driver
        self._membership = membership
        self._settled: frozenset[NodeId] = frozenset()
        """The members as last seen committed."""
        self._removed: set[NodeId] = set()
        """Ids are never used again, so who was removed in this run stays so."""

    def refusal(self, hello: Hello) -> str | None:
        """Return why this caller is sent away; None if it may stay."""
        config = self._driver.node.config
        if hello.version != PROTOCOL_VERSION:
            return f"version {hello.version} of the protocol: expected {PROTOCOL_VERSION}"
        if hello.sender == 0:
            return None  # It wants to learn who is here, to join.
        if hello.cluster_id != config.cluster_id:
            return (
                f"cluster ID mismatch: {hello.cluster_id:x} from {hello.sender:x}, "
                f"here is {config.cluster_id:x}"
            )
        if hello.receiver != config.node_id:
            return f"member {hello.receiver:x} is not here: here is {config.node_id:x}"
        self.look_who_has_gone()
        return REMOVED if hello.sender in self._removed else None

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        """Take a peer's Raft messages."""
        self._driver.receive(sender, messages)

    async def call(self, sender: NodeId, method: str, payload: bytes) -> bytes:
        """Answer a peer's call; raise `ApiFailure` to answer with an error."""
        if method == LIST_MEMBERS:
            return encode_payload(self._membership.view())
        if not sender:
            raise ApiFailure(BAD_CALL)
        if method == CHANGE_MEMBERS:
            if self._driver.node.raft.role is not RoleName.LEADER:
                raise ApiFailure(NOT_LEADER)
            change = decode_change(payload)
            return encode_payload(await self._membership.change_here(change))
        if method == HASH_KV:
            return encode_payload(await self._hash_kv(decode_payload(payload, HashQuestion)))
        raise ApiFailure(BAD_CALL)

    @property
    def removed(self) -> Collection[NodeId]:
        """Who was removed in this run."""
        return self._removed

    def look_who_has_gone(self) -> None:
        """Note who was a member once and is none in a later configuration that is committed."""
        raft = self._driver.node.raft
        if raft.has_settled_members:
            members = frozenset(raft.configuration.members)
            self._removed |= self._settled - members
            self._settled = members

    @property
    def has_been_removed(self) -> bool:
        """Whether this very member is no member any more."""
        return self._driver.node.config.node_id in self._removed

    async def _hash_kv(self, question: HashQuestion) -> HashAnswer:
        found = await hash_of(self._driver.node.store, Revision(question.revision))
        return HashAnswer(found.hash, found.compact_revision)
