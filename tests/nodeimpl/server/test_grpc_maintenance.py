"""The Maintenance service."""

import hashlib
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest

from nodeimpl.api.rpc_pb2 import (
    CORRUPT,
    AlarmRequest,
    AlarmResponse,
    DefragmentRequest,
    DefragmentResponse,
    DowngradeRequest,
    HashKVRequest,
    HashKVResponse,
    HashRequest,
    HashResponse,
    MoveLeaderRequest,
    PutRequest,
    SnapshotRequest,
    SnapshotResponse,
    StatusRequest,
    StatusResponse,
)
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_maintenance import maintenance_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import OWN, Calls, serving

MAINTENANCE = "/etcdserverpb.Maintenance/"
PIECES = (b"first piece", b"second", b"")


class Shelf:
    """A storage of known sizes."""

    def __init__(self) -> None:
        self.defragmented = 0

    def file_bytes(self) -> int:
        return 4096

    def in_use_bytes(self) -> int:
        return 1000

    async def defragment(self) -> None:
        self.defragmented += 1

    async def snapshot(self) -> tuple[int, AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in PIECES:
                yield piece

        return sum(map(len, PIECES)), pieces()


SHELF = Shelf()


def services(driver: Driver) -> Sequence[Service]:
    return [maintenance_service(Reception(driver, by_certificate=False), SHELF)]


def test_status_tells_of_leader_sizes_and_alarms() -> None:
    async def story(calls: Calls) -> StatusResponse:
        alarm = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=OWN, alarm="CORRUPT")
        await calls.ask(f"{MAINTENANCE}Alarm", alarm, AlarmResponse)
        return await calls.ask(f"{MAINTENANCE}Status", StatusRequest(), StatusResponse)

    status = serving(services, story)
    assert (status.leader, status.dbSize, status.dbSizeInUse) == (OWN, 4096, 1000)
    assert status.raftAppliedIndex == status.raftIndex > 0
    assert list(status.errors) == ["memberID:1 alarm:CORRUPT "]
    assert CORRUPT


def test_status_without_a_leader_says_so() -> None:
    async def story(calls: Calls) -> StatusResponse:
        return await calls.ask(f"{MAINTENANCE}Status", StatusRequest(), StatusResponse)

    status = serving(services, story, 1, 2, 3)
    assert (status.leader, list(status.errors)) == (0, ["etcdserver: no leader"])


def test_hashes_are_those_of_the_store() -> None:
    async def story(calls: Calls) -> None:
        await calls.driver.ask(PutRequest(key=b"k", value=b"v"))
        await calls.driver.ask(PutRequest(key=b"k", value=b"w"))
        store = calls.driver.node.store
        whole = await calls.ask(f"{MAINTENANCE}Hash", HashRequest(), HashResponse)
        earlier = await calls.ask(f"{MAINTENANCE}HashKV", HashKVRequest(revision=2), HashKVResponse)
        assert whole.hash == next(store.hash_steps(store.revision)).hash  # type: ignore[union-attr]
        assert earlier.hash != whole.hash
        assert earlier.compact_revision == -1
        refused = await calls.error(f"{MAINTENANCE}HashKV", HashKVRequest(revision=9))
        assert refused[0] is grpc.StatusCode.OUT_OF_RANGE

    serving(services, story)


def test_a_snapshot_comes_in_pieces_and_ends_with_its_checksum() -> None:
    async def story(calls: Calls) -> list[tuple[int, bytes]]:
        call = calls.told(f"{MAINTENANCE}Snapshot", SnapshotRequest(), SnapshotResponse)
        return [(piece.remaining_bytes, piece.blob) async for piece in call]

    received = serving(services, story)
    assert received == [
        (6, b"first piece"),
        (0, b"second"),
        (0, b""),
        (0, hashlib.sha256(b"".join(PIECES)).digest()),
    ]


def test_defragmentation_is_the_storage_s() -> None:
    async def story(calls: Calls) -> None:
        before = SHELF.defragmented
        await calls.ask(f"{MAINTENANCE}Defragment", DefragmentRequest(), DefragmentResponse)
        assert SHELF.defragmented == before + 1

    serving(services, story)


def test_leadership_goes_to_members_only() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(f"{MAINTENANCE}MoveLeader", MoveLeaderRequest(targetID=9))

    assert serving(services, story)[1] == "etcdserver: bad leader transferee"


@pytest.mark.parametrize(
    ("action", "version", "words"),
    [
        ("CANCEL", "", "etcdserver: no inflight downgrade job"),
        ("VALIDATE", "old", "etcdserver: wrong downgrade target version format"),
        ("VALIDATE", "3.4", "etcdserver: invalid downgrade target version"),
        ("ENABLE", "3.4.0", "etcdserver: invalid downgrade target version"),
    ],
)
def test_there_is_no_version_to_go_back_to(action: str, version: str, words: str) -> None:
    request = DowngradeRequest(version=version, action=action)

    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(f"{MAINTENANCE}Downgrade", request)

    assert serving(services, story)[1] == words
