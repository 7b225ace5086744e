"""The parts of a running member, each knowing those it needs."""

from collections.abc import Callable, Coroutine, Iterator, Sequence

import grpc.aio

from nodeimpl.ids import SECOND
from nodeimpl.node import Node
from nodeimpl.server import clock
from nodeimpl.server.call_counts import CallCounts
from nodeimpl.server.compactor import make_compactor
from nodeimpl.server.corruption import CorruptionCheck
from nodeimpl.server.driver import Driver
from nodeimpl.server.events import EventLog
from nodeimpl.server.flags import Flags
from nodeimpl.server.grpc_auth import auth_service
from nodeimpl.server.grpc_cluster import cluster_service
from nodeimpl.server.grpc_election import election_service
from nodeimpl.server.grpc_health import health_service
from nodeimpl.server.grpc_kv import kv_service
from nodeimpl.server.grpc_lease import lease_service
from nodeimpl.server.grpc_lock import lock_service
from nodeimpl.server.grpc_maintenance import maintenance_service
from nodeimpl.server.grpc_server import Place, grpc_server
from nodeimpl.server.grpc_watch import watch_service
from nodeimpl.server.http_server import Pages
from nodeimpl.server.identity import Identity
from nodeimpl.server.member_storage import MemberStorage
from nodeimpl.server.membership import Membership
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.network import Network
from nodeimpl.server.node_series import NodeSeries
from nodeimpl.server.pages import node_pages
from nodeimpl.server.peer_desk import PeerDesk
from nodeimpl.server.reception import Reception
from nodeimpl.server.signed_tokens import signed_tokens
from nodeimpl.server.storage_desk import StorageDesk
from nodeimpl.server.tls import client_credentials
from nodeimpl.server.upkeep import compact_now_and_then, look_after_members
from nodeimpl.server.urls import parse_url
from nodeimpl.server.version import SERVER_VERSION


class Parts:
    """Everything a member is made of, not yet serving."""

    def __init__(
        self,
        flags: Flags,
        identity: Identity,
        node: Node,
        storage: MemberStorage,
        network: Network,
    ) -> None:
        self._flags = flags
        self.network = network
        self.driver = Driver(node, storage.disk, network, clock.now)
        founders = {
            founder.member_id: tuple(parse_url(url) for url in founder.peer_urls)
            for founder in identity.founders
        }
        self.membership = Membership(
            self.driver,
            network,
            founders,
            is_strict=flags.strict_reconfig_check,
            learners_max=flags.learners_max,
        )
        self.desk = PeerDesk(self.driver, self.membership)
        self.corruption = CorruptionCheck(self.driver, network)
        self._storage_desk = StorageDesk(self.driver, storage)
        self._calls = CallCounts()
        series = NodeSeries(self.driver, self._storage_desk, network)
        self._metrics = Metrics([series, self._calls], SERVER_VERSION)
        self.driver.observe(EventLog(self.membership.connect))
        self.driver.observe(self._metrics)

    @property
    def pages(self) -> Pages:
        """What is shown over HTTP."""
        return node_pages(self.driver, self._metrics)

    def grpc_server(self, places: Sequence[Place]) -> grpc.aio.Server:
        """Return the server for clients, bound to `places` and not yet started.

        Raises `BindError`, and `FlagError` for a certificate or a key that cannot be used.
        """
        raft = self.driver.node.raft
        reception = Reception(
            self.driver,
            by_certificate=self._flags.client_tls.client_cert_auth,
            signed=signed_tokens(self._flags.auth_token),
        )
        return grpc_server(
            [
                kv_service(reception),
                watch_service(reception),
                lease_service(reception),
                cluster_service(reception, self.membership),
                maintenance_service(reception, self._storage_desk),
                auth_service(reception, self._flags.bcrypt_cost),
                lock_service(reception),
                election_service(reception),
                health_service(lambda: raft.leader is not None),
            ],
            places,
            request_bytes_max=self._flags.request_bytes_max,
            streams_max=self._flags.streams_max,
            credentials=client_credentials(self._flags.client_tls),
            counts=self._calls.of,
        )

    def upkeep(self, on_removed: Callable[[], None]) -> Iterator[Coroutine[None, None, None]]:
        """Yield what is to run beside the node for as long as it serves."""
        flags = self._flags
        yield look_after_members(self.membership, self.desk, self.network, on_removed)
        client_urls = tuple(str(url) for url in flags.advertise_client_urls)
        yield self.membership.publish(flags.name, client_urls)
        yield self.membership.promote_whom_promised()
        compactor = make_compactor(flags.auto_compaction)
        if compactor is not None:
            yield compact_now_and_then(self.driver, compactor, clock.now)
        if flags.corrupt_check_ns:
            yield self.corruption.now_and_then(flags.corrupt_check_ns / SECOND)
