"""A member of a cluster as a process: from its flags to its graceful stop."""

import asyncio
import signal
import ssl
from collections.abc import Coroutine
from pathlib import Path
from random import SystemRandom
from typing import Final

import structlog

from nodeimpl.config import NodeConfig, RaftConfig, StoreConfig, WatchConfig
from nodeimpl.ids import SECOND, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.roles import Leader
from nodeimpl.server import clock
from nodeimpl.server.bootstrap import founded_by_flags, founding_voters, joining
from nodeimpl.server.compactor import make_compactor
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.events import EventLog
from nodeimpl.server.flags import Flags
from nodeimpl.server.grpc_cluster import cluster_service
from nodeimpl.server.grpc_election import election_service
from nodeimpl.server.grpc_health import health_service
from nodeimpl.server.grpc_kv import kv_service
from nodeimpl.server.grpc_lease import lease_service
from nodeimpl.server.grpc_lock import lock_service
from nodeimpl.server.grpc_maintenance import maintenance_service
from nodeimpl.server.grpc_server import OVERHEAD_BYTES, grpc_server
from nodeimpl.server.grpc_watch import watch_service
from nodeimpl.server.http_server import serve_pages
from nodeimpl.server.identity import Identity, read_identity, started_again, write_identity
from nodeimpl.server.member_storage import DirectoryLock, MemberStorage, member_directory
from nodeimpl.server.membership import Membership
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.network import Network
from nodeimpl.server.pages import NodeGauges, node_pages
from nodeimpl.server.peer_desk import REMOVED, PeerDesk
from nodeimpl.server.storage_desk import StorageDesk
from nodeimpl.server.tls import PeerTls, client_credentials, peer_tls
from nodeimpl.server.upkeep import compact_now_and_then, look_after_members
from nodeimpl.server.urls import Url, parse_url
from nodeimpl.server.version import SERVER_VERSION
from nodeimpl.storage.encryption.providers import PLAIN

STOP_SECONDS_MAX: Final = 1.0
"""For calls under way when the daemon is stopped."""
HAND_OVER_SECONDS_MAX: Final = 3.0
REQUEST_TIMEOUT_NS: Final = 5 * SECOND
"""Beside two election timeouts (etcd, config.ReqTimeout)."""
LEARNERS_MAX: Final = 8
"""Members to be that vote later are learners at first; how many others there may be is asked of
`membership`."""

_log: Final = structlog.stdlib.get_logger("daemon")


class Daemon:
    """One member, from start to stop."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
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
        tls = peer_tls(self._flags.peer_tls)
        identity = await self._identity(directory, tls.client if tls is not None else None)
        wal_dir = Path(self._flags.wal_dir) if self._flags.wal_dir is not None else None
        storage = MemberStorage(directory, wal_dir, identity, PLAIN, fsync=self._flags.fsync)
        config = node_config(self._flags, identity)
        node = Node(config, storage.recovered, storage.backend, SystemRandom(), clock.now())
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
            await self._serve_node(node, storage, network, identity, tls)
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

    async def _serve_node(
        self,
        node: Node,
        storage: MemberStorage,
        network: Network,
        identity: Identity,
        tls: PeerTls | None,
    ) -> None:
        flags = self._flags
        driver = Driver(node, storage.disk, network, clock.now)
        founders = {
            founder.member_id: tuple(parse_url(url) for url in founder.peer_urls)
            for founder in identity.founders
        }
        membership = Membership(driver, network, founders)
        desk = PeerDesk(driver, membership)
        storage_desk = StorageDesk(driver, storage)
        metrics = Metrics(NodeGauges(driver, storage_desk), SERVER_VERSION)
        driver.observe(EventLog(membership.connect))
        driver.observe(metrics)
        server = grpc_server(
            [
                kv_service(driver),
                lease_service(driver),
                cluster_service(driver, membership),
                maintenance_service(driver, storage_desk),
                watch_service(driver),
                lock_service(driver),
                election_service(driver),
                health_service(lambda: node.raft.leader is not None),
            ],
            flags.listen_client_urls,
            request_bytes_max=flags.request_bytes_max,
            streams_max=flags.streams_max,
            credentials=client_credentials(flags.client_tls),
        )
        await network.listen(flags.listen_peer_urls, desk, tls.server if tls is not None else None)
        membership.connect()
        pages = await serve_pages(flags.listen_metrics_urls, node_pages(driver, metrics), None)
        driver.start()
        await server.start()
        _log.info("serving", clients=[str(url) for url in flags.listen_client_urls])
        self._begin(look_after_members(membership, desk, network, self._on_removed))
        self._begin(membership.publish(flags.name, _texts(flags.advertise_client_urls)))
        self._begin(membership.promote_whom_promised())
        compactor = make_compactor(flags.auto_compaction)
        if compactor is not None:
            self._begin(compact_now_and_then(driver, compactor, clock.now))
        if tls is not None:
            self._begin(tls.keep_fresh())
        try:
            await self._until_stopped(driver, network)
        finally:
            for task in self._tasks:
                task.cancel()
            for page in pages:
                page.close()
            await server.stop(STOP_SECONDS_MAX)
            driver.stop()

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


async def hand_over(driver: Driver) -> None:
    """Let another member lead, if this one does, so that clients need not wait for an election."""
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


def node_config(flags: Flags, identity: Identity) -> NodeConfig:
    """Return the settings of the node that the flags ask for."""
    return NodeConfig(
        node_id=identity.member_id,
        cluster_id=identity.cluster_id,
        voters=founding_voters(identity),
        incarnation=identity.incarnation,
        raft=RaftConfig(
            heartbeat_interval_ns=flags.heartbeat_interval_ns,
            election_timeout_ns_min=flags.election_timeout_ns,
            election_timeout_ns_max=2 * flags.election_timeout_ns,
            pre_vote=flags.pre_vote,
            snapshot_entries=flags.snapshot_count,
            catch_up_entries=flags.catch_up_entries,
            learners_max=LEARNERS_MAX,
        ),
        store=StoreConfig(
            txn_ops_max=flags.txn_ops_max,
            request_bytes_max=flags.request_bytes_max,
            compaction_batch_rows=flags.compaction_batch_rows,
            compaction_interval_ns=flags.compaction_interval_ns,
            quota_backend_bytes=flags.quota_backend_bytes,
        ),
        watch=WatchConfig(
            progress_interval_ns=flags.watch_progress_ns,
            fragment_bytes_max=flags.request_bytes_max + OVERHEAD_BYTES,
        ),
        request_timeout_ns=REQUEST_TIMEOUT_NS + 2 * flags.election_timeout_ns,
    )


def _texts(urls: tuple[Url, ...]) -> tuple[str, ...]:
    return tuple(str(url) for url in urls)
