"""What operators ask of a node, changes of members and of leaders, until it is answered.

A change is answered when this node applies the configuration it leads to, a transfer when this node
sees the target lead; either may time out, and its outcome is unknown then. Refusals are definite.
Codes and messages are etcd's (`nodeimpl.api.errors`).
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from nodeimpl.api.errors import (
    BAD_LEADER_TRANSFEREE,
    LEADER_TRANSFER_TIMED_OUT,
    LEARNER_NOT_READY,
    MEMBER_EXISTS,
    MEMBER_NOT_FOUND,
    MEMBER_NOT_LEARNER,
    NOT_ENOUGH_MEMBERS,
    NOT_LEADER,
    REQUEST_TIMED_OUT,
    TOO_MANY_LEARNERS,
    UNHEALTHY,
    ApiError,
    GrpcCode,
)
from nodeimpl.boundary import (
    AdminReply,
    ChangeMembers,
    LeaderMoved,
    MembersChanged,
    MoveLeader,
)
from nodeimpl.ids import Instant, NodeId, RequestId
from nodeimpl.raft.configuration import ConfigurationEntry, Objection
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import RaftEffect

CHANGE_UNDER_WAY: Final = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: another change of members or leaders is under way",
    definite=True,
)
"""Deviation: etcd has no word for it, and drops such a change without an answer."""
NOTHING_TO_CHANGE: Final = ApiError(
    GrpcCode.INVALID_ARGUMENT,
    "etcdserver: a change names members, and each of them once",
    definite=True,
)
"""Deviation: etcd cannot be asked to change nothing."""

REFUSALS: Final[Mapping[Objection, ApiError]] = {
    Objection.NOT_LEADER: NOT_LEADER,
    Objection.CHANGE_UNDER_WAY: CHANGE_UNDER_WAY,
    Objection.NOTHING_TO_CHANGE: NOTHING_TO_CHANGE,
    Objection.ALREADY_MEMBER: MEMBER_EXISTS,
    Objection.NOT_MEMBER: MEMBER_NOT_FOUND,
    Objection.NOT_LEARNER: MEMBER_NOT_LEARNER,
    Objection.NO_VOTER: NOT_ENOUGH_MEMBERS,
    Objection.TOO_MANY_LEARNERS: TOO_MANY_LEARNERS,
    Objection.LEARNER_NOT_READY: LEARNER_NOT_READY,
    Objection.UNHEALTHY: UNHEALTHY,
}
"""The answer to a change of members to which there is an objection."""


def refusal_of_transfer(objection: Objection) -> ApiError:
    """Return the answer to a transfer to which there is an objection."""
    return NOT_LEADER if objection is Objection.NOT_LEADER else BAD_LEADER_TRANSFEREE


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """A request that has been begun and not been answered."""

    tag: int
    target: NodeId | None
    """Who is to lead; None for a change of members."""


class Administration:
    """Operators' requests that wait, each under its id."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[RequestId, _Asked] = {}

    def __contains__(self, request_id: RequestId) -> bool:
        return request_id in self._asked

    def __len__(self) -> int:
        return len(self._asked)

    def begin(
        self,
        now: Instant,
        raft: Raft,
        given: ChangeMembers | MoveLeader,
        new_id: Callable[[], RequestId],
    ) -> tuple[list[AdminReply], list[RaftEffect]]:
        """Begin what is asked for, if this node can; return what to answer, and what follows."""
        if isinstance(given, ChangeMembers):
            return self._change(now, raft, given, new_id)
        return self._move(now, raft, given, new_id)

    def _change(
        self, now: Instant, raft: Raft, given: ChangeMembers, new_id: Callable[[], RequestId]
    ) -> tuple[list[AdminReply], list[RaftEffect]]:
        """Begin the change here, if this node leads; it is answered when C_new is applied."""
        objection = raft.objection_to_change(given.change)
        if objection is not None:
            return [AdminReply(given.tag, REFUSALS[objection])], []
        request_id = new_id()
        self.await_change(request_id, given.tag)
        return [], raft.change_membership(now, request_id, given.change)

    def _move(
        self, now: Instant, raft: Raft, given: MoveLeader, new_id: Callable[[], RequestId]
    ) -> tuple[list[AdminReply], list[RaftEffect]]:
        """Begin to hand over, if this node leads; it is answered when the target is seen to."""
        objection = raft.objection_to_transfer(given.target)
        if objection is not None:
            return [AdminReply(given.tag, refusal_of_transfer(objection))], []
        if given.target == raft.state.node_id:
            replies = [AdminReply(given.tag, LeaderMoved(given.target))]
        else:
            replies = []
            self.await_leader(new_id(), given.tag, given.target)
        return replies, raft.transfer(now, given.target)

    def await_change(self, request_id: RequestId, tag: int) -> None:
        """Wait for the members that the change of this id leads to."""
        self._asked[request_id] = _Asked(tag, None)

    def await_leader(self, request_id: RequestId, tag: int, target: NodeId) -> None:
        """Wait for `target` to lead."""
        self._asked[request_id] = _Asked(tag, target)

    def applied(self, entry: ConfigurationEntry) -> list[AdminReply]:
        """Answer the change that these members end, if it was asked for here."""
        if entry.configuration.is_joint or entry.request_id not in self._asked:
            return []
        asked = self._asked.pop(entry.request_id)
        return [AdminReply(asked.tag, MembersChanged(entry.configuration))]

    def led_by(self, leader: NodeId) -> list[AdminReply]:
        """Answer the transfers to `leader`, now that it leads."""
        moved = [name for name, asked in self._asked.items() if asked.target == leader]
        return [AdminReply(self._asked.pop(name).tag, LeaderMoved(leader)) for name in moved]

    def expired(self, request_id: RequestId) -> list[AdminReply]:
        """Answer what has waited too long: what came of it is unknown."""
        asked = self._asked.pop(request_id, None)
        if asked is None:
            return []
        is_change = asked.target is None
        return [
            AdminReply(asked.tag, REQUEST_TIMED_OUT if is_change else LEADER_TRANSFER_TIMED_OUT)
        ]
