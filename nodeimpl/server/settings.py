"""A node's settings, from its flags."""

from typing import Final

from nodeimpl.config import LeaseConfig, NodeConfig, RaftConfig, StoreConfig, WatchConfig
from nodeimpl.ids import SECOND
from nodeimpl.server.bootstrap import founding_voters
from nodeimpl.server.flags import Flags
from nodeimpl.server.grpc_server import OVERHEAD_BYTES
from nodeimpl.server.identity import Identity

REQUEST_TIMEOUT_NS: Final = 5 * SECOND
"""Beside two election timeouts (etcd, config.ReqTimeout)."""
LEARNERS_MAX: Final = 8
"""Members that are to vote are learners at first, several at a time; `membership` counts those that
operators asked for as learners."""

NEVER_NS: Final = 2**62
"""Between two checkpoints of a lease where none are wished."""


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
        leases=LeaseConfig()
        if flags.lease_checkpoint
        else LeaseConfig(checkpoint_interval_ns=NEVER_NS),
        auth_token_ttl_ns=flags.auth_token_ttl_ns,
        request_timeout_ns=REQUEST_TIMEOUT_NS + 2 * flags.election_timeout_ns,
    )
