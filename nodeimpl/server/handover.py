"""Handing leadership over before a stop, so that clients need not wait for an election."""

import asyncio
from typing import Final

import structlog

from nodeimpl.ids import NodeId
from nodeimpl.node import Node
from nodeimpl.raft.roles import Leader
from nodeimpl.server.driver import ApiFailure, Driver

HAND_OVER_SECONDS_MAX: Final = 3.0

_log: Final = structlog.stdlib.get_logger("handover")


async def hand_over(driver: Driver) -> None:
    """Let another member lead, if this one does."""
    target = successor(driver.node)
    if target is None:
        return
    try:
        async with asyncio.timeout(HAND_OVER_SECONDS_MAX):
            await driver.move_leader(target)
    except (ApiFailure, TimeoutError) as error:
        _log.warning("could not hand over", target=f"{target:x}", error=str(error) or "no answer")
    else:
        _log.info("handed over", target=f"{target:x}")


def successor(node: Node) -> NodeId | None:
    """Return the voter to which it is best to hand over; None if this node does not lead.

    The one that has most of the log has least to catch up with before it can be elected.
    """
    role = node.raft.state.role
    if not isinstance(role, Leader):
        return None
    voters = [voter for voter in node.raft.configuration.voters if voter in role.progress]
    return max(voters, key=lambda voter: role.progress[voter].match_index, default=None)
