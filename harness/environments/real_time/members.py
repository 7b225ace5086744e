"""Who leads, changed as an operator asks for it through the store's own API."""

import asyncio
from collections.abc import Mapping
from typing import Final

from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.monitor import Monitor
from harness.errors import CallError
from nemesis.surface import OperatorAnswer, SurfaceError
from nodeimpl.api.rpc_pb2 import MoveLeaderRequest
from nodeimpl.ids import SECOND

_PATIENCE_NS: Final = 5 * SECOND


class RealMembers:
    """Offers `nemesis.surface.Members`, but for changing who is a member.

    Called from the nemesis' thread; talks in the loop's.
    """

    changes_members: Final = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        endpoints: Mapping[str, Endpoint],
        monitor: Monitor,
    ) -> None:
        self._loop = loop
        self._endpoints = endpoints
        self._monitor = monitor

    def grow(self) -> OperatorAnswer:
        """Refuse: an environment has the hosts that it has."""
        raise SurfaceError("real clusters have no machine to spare")

    def shrink(self, node: str) -> OperatorAnswer:
        """Refuse, as `grow`."""
        raise SurfaceError(f"{node} cannot be removed: real clusters keep their members")

    def replace(self, node: str) -> OperatorAnswer:
        """Refuse, as `grow`."""
        raise SurfaceError(f"{node} cannot be replaced: real clusters keep their members")

    def move_leader(self, node: str) -> OperatorAnswer:
        """Ask the leader, once, to hand over to `node`, and tell what it answered."""
        leader = self._monitor.leader()
        status = self._monitor.statuses[node]
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
