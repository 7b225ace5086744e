"""Members that hold something else are found by their hashes."""

from typing import cast

import pytest

from nodeimpl.api.errors import UNHEALTHY
from nodeimpl.api.rpc_pb2 import CORRUPT, PutRequest
from nodeimpl.ids import NodeId, Revision
from nodeimpl.raft.configuration import Change
from nodeimpl.server import corruption
from nodeimpl.server.corruption import CorruptionCheck, CorruptionFoundError
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.network import Network
from nodeimpl.server.peer_calls import (
    HASH_KV,
    HashAnswer,
    HashQuestion,
    decode_payload,
    encode_payload,
)
from tests.nodeimpl.server.rigs import with_leader

TWO = NodeId(2)
SAME, OTHER_HASH, OTHER_COMPACTION, SILENT = "same", "other hash", "other compaction", "silent"


class Peers:
    """The other members, which answer as they are told to."""

    def __init__(self, driver: Driver, manner: str) -> None:
        self._driver = driver
        self._manner = manner
        self.asked: list[int] = []

    def is_connected(self, peer: NodeId) -> bool:
        return peer == TWO and self._manner != SILENT

    async def call(self, peer: NodeId, method: str, payload: bytes) -> bytes:
        assert (peer, method) == (TWO, HASH_KV)
        revision = decode_payload(payload, HashQuestion).revision
        self.asked.append(revision)
        if self._manner == SILENT:
            raise ApiFailure(UNHEALTHY)
        true = self._driver.node.store.hash_at(Revision(revision))
        answer = HashAnswer(true.hash, true.compact_revision)  # type: ignore[union-attr]
        if self._manner == OTHER_HASH:
            answer = HashAnswer(answer.hash ^ 1, answer.compact_revision)
        if self._manner == OTHER_COMPACTION:
            answer = HashAnswer(answer.hash ^ 1, answer.compact_revision + 1)
        return encode_payload(answer)


async def checked(driver: Driver, manner: str) -> tuple[CorruptionCheck, Peers]:
    """Return a check between a leader with a change and its only peer."""
    await driver.ask(PutRequest(key=b"k", value=b"v"))
    await driver.change_members(Change(added=(TWO,)))
    peers = Peers(driver, manner)
    network: object = peers
    return CorruptionCheck(driver, cast("Network", network)), peers


@pytest.mark.parametrize(
    ("manner", "differing"),
    [(SAME, []), (OTHER_HASH, [TWO]), (OTHER_COMPACTION, []), (SILENT, [])],
)
def test_who_differs_at_the_same_revision_and_compaction_is_reported(
    manner: str, differing: list[NodeId]
) -> None:
    async def story(driver: Driver) -> None:
        check, peers = await checked(driver, manner)
        assert await check.once() == differing
        assert peers.asked == [2]
        alarms = driver.node.store.alarms.of_kind(CORRUPT)
        assert [alarm.memberID for alarm in alarms] == differing

    with_leader(story)


@pytest.mark.parametrize("manner", [SAME, OTHER_COMPACTION, SILENT])
def test_a_member_starts_if_nobody_holds_something_else(
    monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(corruption, "_LOOK_SECONDS", 0.001)

    async def story(driver: Driver) -> None:
        check, _ = await checked(driver, manner)
        await check.at_start()

    with_leader(story)


def test_a_member_that_holds_something_else_does_not_start() -> None:
    async def story(driver: Driver) -> None:
        check, _ = await checked(driver, OTHER_HASH)
        with pytest.raises(CorruptionFoundError, match="at revision 2 is not that of 2"):
            await check.at_start()

    with_leader(story)
