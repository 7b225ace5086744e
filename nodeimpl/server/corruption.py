"""Do members hold the same? Their hashes at one revision tell (etcd, etcdserver/corrupt.go).

Hashes compare only where the same was compacted: a member that is behind, or has compacted more, is
asked again another time.
"""

import asyncio
from typing import Final

import structlog

from nodeimpl.api.rpc_pb2 import CORRUPT, AlarmRequest
from nodeimpl.ids import NodeId, Revision
from nodeimpl.mvcc.store_hash import StoreHash
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.driver import DAEMON, ApiFailure, Driver
from nodeimpl.server.hashing import hash_of
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import (
    HASH_KV,
    HashAnswer,
    HashQuestion,
    decode_payload,
    encode_payload,
)

_LOOK_SECONDS: Final = 0.1
_LOOKS_MAX: Final = 50
"""For links to come up before a check at the start."""

_log: Final = structlog.stdlib.get_logger("corruption")


class CorruptionFoundError(Exception):
    """This member's store differs from another's: it must not serve."""


class CorruptionCheck:
    """Compares this member's store with the others'."""

    def __init__(self, driver: Driver, network: Network) -> None:
        self._driver = driver
        self._network = network

    async def at_start(self) -> None:
        """Raise `CorruptionFoundError` if another member holds something else.

        Whoever does not answer, or cannot be compared with, says nothing.
        """
        own = await hash_of(self._driver.node.store, Revision(0))
        await self._wait_for_links()
        differing = await self._differing(own)
        if differing:
            names = ", ".join(f"{member:x}" for member in differing)
            raise CorruptionFoundError(
                f"the store at revision {own.revision} is not that of {names}"
            )
        _log.info("compared with the other members", revision=own.revision)

    async def now_and_then(self, interval_seconds: float) -> None:
        """Compare as long as this member leads, and raise the alarm; runs until cancelled."""
        while True:
            await asyncio.sleep(interval_seconds)
            if self._driver.node.raft.role is RoleName.LEADER:
                try:
                    await self.once()
                except ApiFailure as failure:
                    _log.warning("could not compare members", error=str(failure))

    async def once(self) -> list[NodeId]:
        """Compare, raise the alarm for every member that differs, and return them."""
        await self._driver.barrier()
        own = await hash_of(self._driver.node.store, Revision(0))
        differing = await self._differing(own)
        for member in differing:
            _log.error("a member's store differs", member=f"{member:x}", revision=own.revision)
            await self._driver.ask(
                AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=member, alarm=CORRUPT), DAEMON
            )
        return differing

    async def _differing(self, own: StoreHash) -> list[NodeId]:
        """Return the members that hold something else at this revision, for all they say."""
        node = self._driver.node
        others = [
            member for member in node.raft.configuration.members if member != node.config.node_id
        ]
        answers = await asyncio.gather(*(self._ask(member, own.revision) for member in others))
        return [
            member
            for member, answer in zip(others, answers, strict=True)
            if answer is not None
            and answer.compact_revision == own.compact_revision
            and answer.hash != own.hash
        ]

    async def _ask(self, member: NodeId, revision: Revision) -> HashAnswer | None:
        question = encode_payload(HashQuestion(revision))
        try:
            answer = await self._network.call(member, HASH_KV, question)
        except ApiFailure as failure:
            _log.info("cannot compare", member=f"{member:x}", reason=str(failure))
            return None
        return decode_payload(answer, HashAnswer)

    async def _wait_for_links(self) -> None:
        node = self._driver.node
        others = [
            member for member in node.raft.configuration.members if member != node.config.node_id
        ]
        for _ in range(_LOOKS_MAX):
            if all(self._network.is_connected(member) for member in others):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        _log.info("not all members can be reached; comparing with the others")
