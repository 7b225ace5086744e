"""A member of a cluster as a process: from its flags to its graceful stop."""

import asyncio
import signal
import ssl
from collections.abc import Coroutine
from pathlib import Path
from random import Random, SystemRandom
from secrets import token_bytes
from typing import Final

import structlog

from nodeimpl.node import Node
from nodeimpl.server import clock
from nodeimpl.server.bootstrap import founded_by_flags, joining
from nodeimpl.server.driver import Driver
from nodeimpl.server.entrance import Entrance
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags
from nodeimpl.server.handover import hand_over
from nodeimpl.server.identity import Identity, read_identity, started_again, write_identity
from nodeimpl.server.member_storage import DirectoryLock, MemberStorage, member_directory
from nodeimpl.server.network import Network
from nodeimpl.server.parts import Parts
from nodeimpl.server.peer_desk import REMOVED
from nodeimpl.server.settings import node_config
from nodeimpl.server.tls import TlsContexts, tls_contexts
from nodeimpl.server.upkeep import follow_key_service
from nodeimpl.storage.encryption.configuration import EncryptionConfigurationError
from nodeimpl.storage.encryption.kms_client import open_providers
from nodeimpl.storage.encryption.providers import PLAIN, Providers

_log: Final = structlog.stdlib.get_logger("daemon")


class Daemon:
    """One member, from start to stop."""

    def __init__(self, flags: Flags, node_class: type[Node] = Node) -> None:
        self._flags = flags
        self._node_class = node_class
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        """Run until SIGTERM, SIGINT or removal; return the exit code.

        Raises `FlagError`, `DataDirError`, `JoinError` or `OSError` if the member cannot start,
        and whatever it fails of later.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        directory = member_directory(Path(self._flags.data_dir))
        lock = DirectoryLock(directory)
        try:
            await self._serve(directory)
        finally:
            lock.release()
        return 0

    async def _serve(self, directory: Path) -> None:
        tls = tls_contexts(self._flags.peer_tls)
        identity = await self._identity(directory, tls.client if tls is not None else None)
        wal_dir = Path(self._flags.wal_dir) if self._flags.wal_dir is not None else None
        cipher = await self._cipher()
        storage = MemberStorage(directory, wal_dir, identity, cipher, fsync=self._flags.fsync)
        self._begin(follow_key_service(cipher))
        config = node_config(self._flags, identity)
        random = Random(SystemRandom().getrandbits(64))
        node = self._node_class(config, storage.recovered, storage.backend, random, clock.now())
        _log.info(
            "starting",
            name=self._flags.name,
            member=f"{identity.member_id:x}",
            cluster=f"{identity.cluster_id:x}",
            applied=node.applied_index,
            last=node.raft.last_index,
            term=node.raft.current_term,
        )
        network = Network(
            identity.cluster_id, identity.member_id, tls.client if tls is not None else None
        )
        try:
            parts = Parts(self._flags, identity, node, storage, network)
            await self._serve_node(parts, tls)
        finally:
            network.close()
            storage.close()

    async def _identity(self, directory: Path, tls: ssl.SSLContext | None) -> Identity:
        """Return who this member is, counted as started once more; it is durable."""
        identity = read_identity(directory)
        if identity is None:
            if self._flags.is_joining:
                identity = await joining(self._flags, tls)
            else:
                identity = founded_by_flags(self._flags)
        identity = started_again(identity)
        write_identity(directory, identity)
        return identity

    async def _cipher(self) -> Providers:
        """Return what encrypts on the disk; raise `FlagError` if it is not to be had."""
        if self._flags.encryption_config_file is None:
            return PLAIN
        path = Path(self._flags.encryption_config_file)
        try:
            return await asyncio.to_thread(open_providers, path, token_bytes)
        except EncryptionConfigurationError as error:
            raise FlagError(f"--encryption-provider-config: {error}") from error

    async def _serve_node(self, parts: Parts, tls: TlsContexts | None) -> None:
        """Open the doors, serve until the stop, and close them."""
        flags = self._flags
        await parts.network.listen(
            flags.listen_peer_urls, parts.desk, tls.server if tls is not None else None
        )
        parts.membership.connect()
        if flags.initial_corrupt_check:
            await parts.corruption.at_start()
        client_tls = tls_contexts(flags.client_tls)
        entrance = Entrance(flags, parts, client_tls.server if client_tls is not None else None)
        parts.driver.start()
        await entrance.open()
        _log.info("serving", clients=[str(url) for url in flags.listen_client_urls])
        for work in parts.upkeep(self._on_removed):
            self._begin(work)
        for contexts in (tls, client_tls):
            if contexts is not None:
                self._begin(contexts.keep_fresh())
        try:
            await self._until_stopped(parts.driver, parts.network)
        finally:
            for task in self._tasks:
                task.cancel()
            await entrance.close()
            parts.driver.stop()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        """Run beside everything else; whatever it fails of ends the daemon."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self._failure.done():
            self._failure.set_exception(task.exception() or AssertionError("it has one"))

    def _on_removed(self) -> None:
        _log.error(REMOVED)
        self._stop.set()

    async def _until_stopped(self, driver: Driver, network: Network) -> None:
        """Return when the member is to stop, having handed over its leadership if it could.

        Raises what the node, or anything beside it, failed of.
        """
        for ending in (network.refused, driver.failed, self._failure):
            ending.add_done_callback(lambda _: self._stop.set())
        await self._stop.wait()
        for failed in (driver.failed, self._failure):
            if failed.done():
                failed.result()
        if network.refused.done():
            _log.error("stopping: a member says that this one was removed")
            return
        _log.info("stopping")
        await hand_over(driver)
