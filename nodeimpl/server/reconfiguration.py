"""Which changes of members are refused lest the quorum be lost (etcd, --strict-reconfig-check).

The rules are etcd's (etcdserver: mayAddMember, mayRemoveMember, mayPromoteMember; membership:
IsReadyToAddVotingMember and its like), and so are the errors, so that operators and their tools
find what they know. A member has started once its name is known.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from nodeimpl.api.errors import NOT_ENOUGH_MEMBERS, UNHEALTHY, ApiError
from nodeimpl.ids import NodeId

SETTLED_SECONDS: Final = 5.0
"""A connection that has lasted so long counts (etcd, HealthInterval)."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a voter, or who is to be one, stands in the eyes of the leader."""

    member_id: NodeId
    is_started: bool
    connected_seconds: float | None
    """How long it has been connected; None if it is not."""

    @property
    def is_settled(self) -> bool:
        """Whether it has been connected for long enough to be counted on."""
        return self.connected_seconds is not None and self.connected_seconds > SETTLED_SECONDS


def objection_to_adding(voters: Sequence[Standing], *, is_learner: bool) -> ApiError | None:
    """Return why nobody may be added now; None if somebody may."""
    if not is_learner and not _may_grow(voters):
        return NOT_ENOUGH_MEMBERS
    if not all(voter.is_settled for voter in voters):
        return UNHEALTHY
    return None


def objection_to_promoting(voters: Sequence[Standing]) -> ApiError | None:
    """Return why no learner may become a voter now; None if one may."""
    started = 1 + sum(voter.is_started for voter in voters)  # the learner, which runs
    return None if started >= _quorum(len(voters) + 1) else NOT_ENOUGH_MEMBERS


def objection_to_removing(
    voters: Sequence[Standing], own_id: NodeId, leaving: NodeId
) -> ApiError | None:
    """Return why a member may not be removed now; None if it may, be it a voter or not."""
    if all(voter.member_id != leaving for voter in voters):
        return None
    staying = [voter for voter in voters if voter.member_id != leaving]
    if not staying or sum(voter.is_started for voter in staying) < _quorum(len(staying)):
        return NOT_ENOUGH_MEMBERS
    (gone,) = (voter for voter in voters if voter.member_id == leaving)
    if gone.connected_seconds is None and leaving != own_id:
        return None  # Nobody counts on it.
    settled = sum(voter.is_settled for voter in voters)
    return UNHEALTHY if settled - 1 < _quorum(len(voters) - 1) else None


def _may_grow(voters: Sequence[Standing]) -> bool:
    """Whether a voter may be added: enough are there for the quorum with it, or it is the second.

    One alone cannot be better off than by adding another, though that has not started.
    """
    started = sum(voter.is_started for voter in voters)
    return (started == 1 and len(voters) == 1) or started >= _quorum(len(voters) + 1)


def _quorum(count: int) -> int:
    return count // 2 + 1
