"""Who belongs to a real cluster, and who leads it, changed as the nemesis wishes."""

import asyncio
from collections.abc import Mapping
from typing import Final

from harness.environments.environment import Machines
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.operator import Job, Operator
from harness.environments.real_time.roster import Roster
from harness.errors import CallError
from harness.plan import NODES_JOINING_MAX
from nemesis.surface import OperatorAnswer, SurfaceError
from nodeimpl.api.rpc_pb2 import MoveLeaderRequest
from nodeimpl.ids import SECOND

_PATIENCE_NS: Final = 5 * SECOND

NODES_ADDED_MAX: Final = 2
"""How many nodes more than at its foundation a cluster grows to."""


class MemberChanges:
    """Tells the operator what is wished; the nemesis' thread calls."""

    def __init__(self, roster: Roster, machines: Machines, operator: Operator) -> None:
        self._roster = roster
        self._machines = machines
        self._operator = operator
        self._founders_count = len(roster.names)

    def grow(self) -> OperatorAnswer:
        """Prepare a machine, and have the operator let its node join."""
        refusal = self._refusal_to_join(room=NODES_ADDED_MAX)
        if refusal is not None:
            return OperatorAnswer(refusal, is_taken=False)
        node = self._prepare()
        words = f"{node} is to join"
        self._operator.take(Job(do="grow", words=words, joins=node))
        return OperatorAnswer(words)

    def shrink(self, node: str) -> OperatorAnswer:
        """Have the operator remove `node`."""
        count = len(self._roster.names)
        if count < max(2, self._founders_count):
            return OperatorAnswer(f"the cluster has {count} nodes only", is_taken=False)
        if not self._operator.has_time:
            return OperatorAnswer("the operator is busy", is_taken=False)
        words = f"{node} is to leave"
        self._operator.take(Job(do="shrink", words=words, leaves=node))
        return OperatorAnswer(words)

    def replace(self, node: str) -> OperatorAnswer:
        """Have the operator let a new node join, and then remove `node`."""
        refusal = self._refusal_to_join(room=NODES_ADDED_MAX + 1)
        if refusal is not None:
            return OperatorAnswer(refusal, is_taken=False)
        name = self._prepare()
        words = f"{name} is to take the place of {node}"
        self._operator.take(Job(do="replace", words=words, joins=name, leaves=node))
        return OperatorAnswer(words)

    def _refusal_to_join(self, *, room: int) -> str | None:
        count = len(self._roster.names)
        if not self._operator.has_time:
            return "the operator is busy"
        if count >= self._founders_count + room:
            return f"the cluster has {count} nodes already"
        if self._roster.known_count >= self._founders_count + NODES_JOINING_MAX:
            return f"there have been {self._roster.known_count} nodes already"
        return None

    def _prepare(self) -> str:
        name = f"n{self._roster.known_count + 1}"
        self._roster.expect(self._machines.prepare(name))
        return name


class RealMembers:
    """Offers `nemesis.surface.Members`. Called from the nemesis' thread; talks in the loop's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        endpoints: Mapping[str, Endpoint],
        monitor: Monitor,
        changes: MemberChanges | None = None,
    ) -> None:
        """Take `changes`; None: the environment has the hosts that it has."""
        self._loop = loop
        self._endpoints = endpoints
        self._monitor = monitor
        self._changes = changes

    @property
    def changes_members(self) -> bool:
        """Whether there are machines for nodes that join."""
        return self._changes is not None

    def grow(self) -> OperatorAnswer:
        """See `MemberChanges`."""
        return self._changing().grow()

    def shrink(self, node: str) -> OperatorAnswer:
        """See `MemberChanges`."""
        return self._changing().shrink(node)

    def replace(self, node: str) -> OperatorAnswer:
        """See `MemberChanges`."""
        return self._changing().replace(node)

    def _changing(self) -> MemberChanges:
        if self._changes is None:
            raise SurfaceError("this environment has no machine to spare: it keeps its members")
        return self._changes

    def move_leader(self, node: str) -> OperatorAnswer:
        """Ask the leader, once, to hand over to `node`, and tell what it answered."""
        leader = self._monitor.leader()
        status = self._monitor.statuses.get(node)
        if leader is None or status is None:
            who = "the leader" if leader is None else node
            return OperatorAnswer(f"{who} is not known at the moment", is_taken=False)
        if leader == node:
            return OperatorAnswer(f"{node} leads already", is_taken=False)
        request = MoveLeaderRequest(targetID=status.member_id)
        asking = self._endpoints[leader].call(request, _PATIENCE_NS)
        try:
            asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        except CallError as error:
            return OperatorAnswer(f"asked {leader} to hand over to {node}: {error}")
        return OperatorAnswer(f"asked {leader} to hand over to {node}: done")
