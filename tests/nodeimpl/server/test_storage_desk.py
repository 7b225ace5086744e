"""Sizes, backups and defragmentation of a member's store, while the member goes on."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from nodeimpl.api.rpc_pb2 import CompactionRequest, PutRequest, RangeRequest, RangeResponse
from nodeimpl.config import NodeConfig
from nodeimpl.node import Node
from nodeimpl.server import clock
from nodeimpl.server.driver import Driver
from nodeimpl.server.identity import Identity
from nodeimpl.server.member_storage import MemberStorage
from nodeimpl.server.storage_desk import PIECE_BYTES, StorageDesk
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.lmdb_backend import DefragmentWork, LmdbBackend
from nodeimpl.storage.snapshot_file import (
    CHECKSUM_BYTES,
    SECTOR_BYTES,
    check_snapshot,
    read_origin,
    read_rows,
    write_snapshot,
)
from tests.nodeimpl.server.rigs import FAST, OWN, NoLinks
from tests.nodeimpl.server.waiting import until

Result = TypeVar("Result")
Story = Callable[["Shop"], Coroutine[None, None, Result]]
IDENTITY = Identity(cluster_id=9, member_id=OWN, founders=(), is_founder=True, incarnation=1)


def encrypting(*keys: str) -> Providers:
    """Return what encrypts with the first of these keys, and decrypts with each."""
    return Providers([AesGcm(key, key.encode() * 8, os.urandom) for key in keys])


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


class Shop:
    """A lone member with a disk, and the desk for its storage."""

    def __init__(self, directory: Path, cipher: Providers) -> None:
        self.storage = MemberStorage(directory, None, IDENTITY, cipher, fsync=False)
        config = NodeConfig(
            node_id=OWN,
            cluster_id=9,
            voters=(OWN,),
            incarnation=1,
            raft=FAST,
            backend_commit_entries=1,
        )
        node = Node(config, self.storage.recovered, self.storage.backend, Random(7), clock.now())
        self.driver = Driver(node, self.storage.disk, NoLinks(), clock.now)
        self.desk = StorageDesk(self.driver, self.storage)

    @property
    def backend(self) -> LmdbBackend:
        return self.storage.backend

    async def put(self, key: bytes, value: bytes) -> None:
        await self.driver.ask(PutRequest(key=key, value=value))

    async def backup(self, path: Path) -> int:
        """Write a backup as a client would; return the size that it was told."""
        length, pieces = await self.desk.snapshot()
        received = [piece async for piece in pieces]
        assert max(map(len, received)) <= PIECE_BYTES
        with path.open("wb") as file:
            write_snapshot(file, received)
        return length

    async def at_rest(self) -> None:
        """Return when all that was applied is in the file."""
        await until(lambda: not self.backend.is_behind)


def told(directory: Path, story: Story[Result], cipher: Providers = PLAIN) -> Result:
    async def tell() -> Result:
        shop = Shop(directory, cipher)
        shop.driver.start()
        try:
            async with asyncio.timeout(20):
                await until(lambda: shop.driver.node.raft.leader == OWN)
                return await story(shop)
        finally:
            shop.driver.stop()
            shop.storage.close()

    return asyncio.run(tell())


# ---------------------------------------------------------------- backups
def test_a_backup_is_the_store_as_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "backup"

    async def story(shop: Shop) -> tuple[int, list[tuple[bytes, bytes]]]:
        for number in range(20):
            await shop.put(b"%d" % number, bytes(4000))
        expected = list(shop.backend.scan(b"", None))
        taking = asyncio.ensure_future(shop.backup(path))
        await asyncio.sleep(0)
        await shop.put(b"0", b"later")
        return await taking, expected

    length, rows = told(tmp_path, story)
    check_snapshot(path)
    assert list(read_rows(path, PLAIN)) == rows
    assert (read_origin(path).cluster_id, read_origin(path).member_id) == (9, OWN)
    assert length == path.stat().st_size - CHECKSUM_BYTES
    assert length % SECTOR_BYTES == 0


def test_a_backup_leaves_no_file_behind_even_if_its_client_goes(tmp_path: Path) -> None:
    async def story(shop: Shop) -> tuple[list[str], list[str]]:
        await shop.put(b"k", bytes(3 * PIECE_BYTES))
        before = names(tmp_path)
        _, pieces = await shop.desk.snapshot()
        assert len(await anext(pieces)) == PIECE_BYTES
        return before, names(tmp_path)

    before, during = told(tmp_path, story)
    assert before == during


def test_a_backup_is_as_secret_as_the_store(tmp_path: Path) -> None:
    cipher, path = encrypting("some"), tmp_path / "backup"

    async def story(shop: Shop) -> None:
        await shop.put(b"k", b"plain text")
        await shop.backup(path)

    told(tmp_path, story, cipher)
    assert b"plain text" not in path.read_bytes()
    assert any(b"plain text" in value for _, value in read_rows(path, cipher))


# ---------------------------------------------------------------- sizes and defragmentation
async def used_and_freed(shop: Shop) -> int:
    """Fill the store and compact it away; return the size of its file."""
    for _ in range(20):
        await shop.put(b"k", bytes(50_000))
    await shop.driver.ask(CompactionRequest(revision=21, physical=True))
    await shop.at_rest()
    return shop.desk.file_bytes()


def test_defragmentation_gives_back_what_is_not_in_use(tmp_path: Path) -> None:
    async def story(shop: Shop) -> tuple[int, int, int]:
        before = await used_and_freed(shop)
        rows = list(shop.backend.scan(b"", None))
        used = shop.desk.in_use_bytes()
        await shop.desk.defragment()
        assert list(shop.backend.scan(b"", None)) == rows
        await shop.put(b"after", b"v")
        return before, used, shop.desk.file_bytes()

    before, used, after = told(tmp_path, story)
    assert used < before / 2
    assert after < before / 2
    assert (tmp_path / "db").stat().st_size < before


def test_nothing_becomes_durable_while_a_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable: list[int] = []
    write = DefragmentWork.write

    async def story(shop: Shop) -> None:
        await used_and_freed(shop)

        def slowly(work: DefragmentWork) -> None:
            durable.append(shop.backend.durable.index)
            asyncio.run_coroutine_threadsafe(shop.put(b"meanwhile", b"v"), loop)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.02), loop).result()
            durable.append(shop.backend.durable.index)
            write(work)

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(DefragmentWork, "write", slowly)
        await shop.desk.defragment()
        found = await shop.driver.ask(RangeRequest(key=b"meanwhile"))
        assert isinstance(found, RangeResponse)
        assert found.count == 1
        await shop.at_rest()
        durable.append(shop.backend.durable.index)

    told(tmp_path, story)
    assert durable[0] == durable[1] < durable[2]


def test_defragmentation_moves_every_row_to_the_newest_key(tmp_path: Path) -> None:
    old, both, new = encrypting("olds"), encrypting("news", "olds"), encrypting("news")

    async def fill(shop: Shop) -> list[tuple[bytes, bytes]]:
        await shop.put(b"k", b"v")
        await shop.at_rest()
        return list(shop.backend.scan(b"", None))

    async def rotate(shop: Shop) -> None:
        await shop.at_rest()
        await shop.desk.defragment()

    told(tmp_path, fill, old)
    told(tmp_path, rotate, both)
    backend = LmdbBackend(tmp_path / "db", new)
    assert any(value.endswith(b"v") for _, value in backend.scan(b"", None))
    backend.close()
