"""What a member does of itself now and then: links, automatic compaction, promotion of members."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from nodeimpl.api.errors import COMPACTED
from nodeimpl.api.rpc_pb2 import CompactionRequest
from nodeimpl.ids import SECOND, Instant
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.compactor import Compactor
from nodeimpl.server.driver import DAEMON, ApiFailure, Driver
from nodeimpl.server.membership import Membership
from nodeimpl.server.network import Network
from nodeimpl.server.peer_desk import PeerDesk
from nodeimpl.storage.encryption.kms import KmsError
from nodeimpl.storage.encryption.kms_client import refresh
from nodeimpl.storage.encryption.providers import Providers

LOOK_SECONDS: Final = 0.5
KEY_SERVICE_SECONDS: Final = 60.0
"""Between two questions whether data keys are to be wrapped with another key (as Kubernetes)."""

_log: Final = structlog.stdlib.get_logger("upkeep")


async def look_after_members(
    membership: Membership, desk: PeerDesk, network: Network, on_removed: Callable[[], None]
) -> None:
    """Follow members that move, and notice when this one has been removed."""
    while True:
        membership.connect()
        desk.look_who_has_gone()
        network.hang_up(desk.removed)
        if desk.has_been_removed:
            on_removed()
            return
        await asyncio.sleep(LOOK_SECONDS)


async def compact_now_and_then(
    driver: Driver, compactor: Compactor, clock: Callable[[], Instant]
) -> None:
    """Compact as the flags ask, as long as this member leads."""
    was_leader = False
    while True:
        await asyncio.sleep(compactor.interval_ns / SECOND)
        node = driver.node
        is_leader = node.raft.role is RoleName.LEADER
        if is_leader and not was_leader:
            compactor.reset()
        was_leader = is_leader
        if not is_leader:
            continue
        target = compactor.look(clock(), node.store.revision)
        if target is None:
            continue
        try:
            await driver.ask(CompactionRequest(revision=target), DAEMON)
        except ApiFailure as failure:
            if failure.error != COMPACTED:
                _log.warning("could not compact", revision=target, error=str(failure))
                continue
        compactor.compacted(target)
        _log.info("compacted of itself", revision=target)


async def follow_key_service(providers: Providers) -> None:
    """Encrypt with the newest key of the key management service, if one is used."""
    while True:
        await asyncio.sleep(KEY_SERVICE_SECONDS)
        try:
            if await asyncio.to_thread(refresh, providers):
                _log.info("the key management service has a new key; it is used from now on")
        except KmsError as error:
            _log.warning("the old data key stays", error=str(error))
