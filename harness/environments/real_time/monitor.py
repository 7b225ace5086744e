"""Looks at every node a few times a second: who leads, how far each has applied.

What it sees is what an operator could see from outside. So faults can aim at the leader and wait
for elections, as far as these can be observed: an event between two looks is missed, and one look
may stand for many commits.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from harness.environments.real_time.endpoint import Endpoint
from harness.errors import CallError
from nemesis.schedule import BecomesRole, Commits, Observation, ObservedRole
from nodeimpl.api.rpc_pb2 import StatusResponse
from nodeimpl.ids import MILLISECOND, SECOND

LOOK_NS: Final = 100 * MILLISECOND
"""Between two looks at one node."""

PATIENCE_NS: Final = 500 * MILLISECOND
"""A node that has not answered after this is one of which nothing is known."""


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a node last said of itself."""

    member_id: int
    leader_id: int
    """0 if it knows none."""
    term: int
    applied_index: int
    revision: int

    @property
    def leads(self) -> bool:
        """Whether it takes itself for the leader."""
        return self.leader_id != 0 and self.leader_id == self.member_id


def status_of(response: StatusResponse) -> NodeStatus:
    """Return what a status response says."""
    return NodeStatus(
        member_id=response.header.member_id,
        leader_id=response.leader,
        term=response.raftTerm,
        applied_index=response.raftAppliedIndex or response.raftIndex,
        revision=response.header.revision,
    )


class Monitor:
    """Keeps the last status of every node; `run` it until it is cancelled.

    `observe` is told of what a trigger may wait for. `Roles` of the nemesis is offered too.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint], observe: Callable[[Observation], None]
    ) -> None:
        self._endpoints = dict(endpoints)
        self._observe = observe
        self.statuses: dict[str, NodeStatus | None] = dict.fromkeys(endpoints)
        """None of a node that did not answer. No node is ever added to it, or taken from it: then
        it is replaced, as other threads may be going through it."""
        self.answered_ns: dict[str, int] = {}
        """When each node's last answer was asked for, by the system's monotonic clock."""
        self._group: asyncio.TaskGroup | None = None
        """Of the tasks that look; None while nobody does."""
        self._roles: dict[str, ObservedRole] = {}
        self._terms_led: dict[int, None] = {}

    @property
    def election_count(self) -> int:
        """How many terms had a leader that was seen."""
        return len(self._terms_led)

    def join(self, node: str, endpoint: Endpoint) -> None:
        """Look at a new node, too."""
        self._endpoints[node] = endpoint
        self.statuses = {**self.statuses, node: None}
        if self._group is not None:
            self._group.create_task(self._watch(node, endpoint))

    def leave(self, node: str) -> None:
        """Look at a node no more."""
        del self._endpoints[node]
        self.statuses = {name: each for name, each in self.statuses.items() if name != node}

    def leader(self) -> str | None:
        """Return the running leader of the highest term, or None if none is known."""
        leading = [
            (status.term, node)
            for node, status in self.statuses.items()
            if status is not None and status.leads
        ]
        return max(leading)[1] if leading else None

    async def run(self) -> None:
        """Look at every node, each at its own pace: one that does not answer delays no other."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for node, endpoint in self._endpoints.items():
                group.create_task(self._watch(node, endpoint))

    async def look_at_all(self) -> Mapping[str, NodeStatus | None]:
        """Look at every node now, and return what was seen."""
        async with asyncio.TaskGroup() as group:
            for node, endpoint in self._endpoints.items():
                group.create_task(self._look(node, endpoint))
        return dict(self.statuses)

    async def _watch(self, node: str, endpoint: Endpoint) -> None:
        while node in self._endpoints:
            await self._look(node, endpoint)
            await asyncio.sleep(LOOK_NS / SECOND)

    async def _look(self, node: str, endpoint: Endpoint) -> None:
        before = self.statuses[node]
        asked_ns = time.monotonic_ns()
        try:
            status = status_of(await endpoint.status(PATIENCE_NS))
        except CallError:
            status = None
        if node not in self.statuses:  # It has left meanwhile.
            return
        self.statuses[node] = status
        if status is None:
            return
        self.answered_ns[node] = asked_ns
        if status.leads:
            self._terms_led[status.term] = None
        self._tell(node, before, status)

    def _tell(self, node: str, before: NodeStatus | None, now: NodeStatus) -> None:
        role = ObservedRole.LEADER if now.leads else ObservedRole.FOLLOWER
        is_elected_anew = now.leads and before is not None and now.term != before.term
        if self._roles.get(node) is not role or is_elected_anew:
            self._roles[node] = role
            self._observe(Observation(event=BecomesRole.event, node=node, role=role))
        if before is not None and now.applied_index > before.applied_index:
            self._observe(Observation(event=Commits.event, node=node))
