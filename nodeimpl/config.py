"""Every limit and timeout of a node, validated once.

A value out of range raises `ConfigError` with the setting's name, the value and what was expected.
"""

from typing import Final

import msgspec

from nodeimpl.ids import MILLISECOND, SECOND, NodeId

NODE_ID_MAX: Final = 2**64 - 1
INCARNATION_MAX: Final = 2**16 - 1
SHORT_ID_BITS: Final = 16
"""So many of its lowest bits tell a member from the others in a `RequestId` (as etcd, idutil);
whoever chooses ids sees to it that no two members ever share them (`short_id`)."""


def short_id(node_id: NodeId) -> int:
    """Return the part of a member's id that its request ids bear."""
    return node_id & ((1 << SHORT_ID_BITS) - 1)


class ConfigError(ValueError):
    """A setting that no node can run with; the message names it and says what was expected."""


def _require(condition: bool, setting: str, value: object, expected: str) -> None:  # noqa: FBT001
    if not condition:
        raise ConfigError(f"{setting} = {value!r}: expected {expected}")


class RaftConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Consensus. Times are nanoseconds of the node's own monotonic clock."""

    heartbeat_interval_ns: int = 100 * MILLISECOND
    election_timeout_ns_min: int = 300 * MILLISECOND
    """Timeouts are drawn evenly from [min, max] anew for every wait (Raft §5.2)."""
    election_timeout_ns_max: int = 600 * MILLISECOND
    pre_vote: bool = True
    """Ask whether an election could be won before disturbing a term (thesis §9.6)."""
    check_quorum: bool = True
    """A leader that a quorum does not answer for an election timeout steps down (thesis §6.2), and
    who hears a leader takes part in no election (thesis §4.2.3)."""
    append_entries_max: int = 64
    """Entries in one AppendEntries."""
    append_bytes_max: int = 1 << 20
    """Bytes of entry data in one AppendEntries; a single larger entry travels alone."""
    appends_in_flight_max: int = 4
    """Unanswered AppendEntries with entries, per peer; what is proposed meanwhile waits and
    travels together. So at most this many times `append_bytes_max` are under way to a peer."""
    snapshot_entries: int = 10_000
    """The log is trimmed when so many of its entries may be forgotten (etcd --snapshot-count)."""
    catch_up_entries: int = 5_000
    """Entries kept for followers to catch up with, although the store holds their outcome (etcd
    --experimental-snapshot-catchup-entries)."""
    snapshot_chunk_bytes: int = 1 << 20
    """Bytes of the store's state in one InstallSnapshot."""
    learners_max: int = 1
    """Members that do not vote yet; no more are added (etcd --max-learners)."""
    reads_waiting_max: int = 4096
    """Reads waiting for a read index; more are dropped."""
    proposals_remembered_max: int = 1024
    """Forwarded proposals that a leader remembers per sender, so as to accept each once."""

    def __post_init__(self) -> None:
        _require(
            self.heartbeat_interval_ns > 0,
            "heartbeat_interval_ns",
            self.heartbeat_interval_ns,
            "more than 0",
        )
        _require(
            self.election_timeout_ns_min >= 2 * self.heartbeat_interval_ns,
            "election_timeout_ns_min",
            self.election_timeout_ns_min,
            "at least two heartbeat intervals (Raft §5.6)",
        )
        _require(
            self.election_timeout_ns_max > self.election_timeout_ns_min,
            "election_timeout_ns_max",
            self.election_timeout_ns_max,
            "more than election_timeout_ns_min",
        )
        for setting in (
            "append_entries_max",
            "append_bytes_max",
            "appends_in_flight_max",
            "snapshot_entries",
            "snapshot_chunk_bytes",
            "learners_max",
            "reads_waiting_max",
            "proposals_remembered_max",
        ):
            value: int = getattr(self, setting)
            _require(value >= 1, setting, value, "at least 1")
        _require(
            self.catch_up_entries >= 0, "catch_up_entries", self.catch_up_entries, "at least 0"
        )


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The MVCC store's limits, with etcd's defaults."""

    txn_ops_max: int = 128
    """Operations in one transaction (etcd --max-txn-ops)."""
    request_bytes_max: int = 1_572_864
    """Bytes of one request (etcd --max-request-bytes)."""
    compaction_batch_rows: int = 1000
    """Rows looked at in one step of a compaction (etcd --compaction-batch-limit)."""
    compaction_interval_ns: int = 10 * MILLISECOND
    """Between two such steps (etcd --compaction-sleep-interval); 0 means one per input."""
    quota_backend_bytes: int = 2 << 30
    """When the backend holds so much, nothing is taken that would make it grow (etcd
    --quota-backend-bytes)."""

    def __post_init__(self) -> None:
        for setting in (
            "txn_ops_max",
            "request_bytes_max",
            "compaction_batch_rows",
            "quota_backend_bytes",
        ):
            value: int = getattr(self, setting)
            _require(value >= 1, setting, value, "at least 1")
        _require(
            self.compaction_interval_ns >= 0,
            "compaction_interval_ns",
            self.compaction_interval_ns,
            "at least 0",
        )


class WatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Watches, with etcd's values where etcd has such a limit."""

    watchers_max: int = 100_000
    """Watchers of one node, all streams together; more are refused. etcd has no limit."""
    batch_rows_max: int = 1000
    """Rows read in one step of catching up, but for the rest of the last revision (etcd,
    watchBatchMaxRevs)."""
    batch_bytes_max: int = 1 << 20
    """Bytes read in one such step, likewise."""
    batch_watchers_max: int = 512
    """Watchers that share one such step (etcd, maxWatchersPerSync)."""
    progress_interval_ns: int = 600 * SECOND
    """How often watchers that wish it are told how far they are (etcd
    --experimental-watch-progress-notify-interval)."""
    fragment_bytes_max: int = 1_572_864 + 512 * 1024
    """A response of this size is cut where the client allows it (etcd, --max-request-bytes and
    grpcOverheadBytes)."""

    def __post_init__(self) -> None:
        for setting in (
            "watchers_max",
            "batch_rows_max",
            "batch_bytes_max",
            "batch_watchers_max",
            "progress_interval_ns",
            "fragment_bytes_max",
        ):
            value: int = getattr(self, setting)
            _require(value >= 1, setting, value, "at least 1")


class LeaseConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The leader's keeping of leases."""

    checkpoint_interval_ns: int = 300_000 * MILLISECOND
    """What is left of a longer lease is written down so often (etcd: 5 minutes)."""
    expiring_max: int = 64
    """Leases whose expiry is proposed and not applied; more wait for their end (etcd: 16)."""

    def __post_init__(self) -> None:
        for setting in ("checkpoint_interval_ns", "expiring_max"):
            value: int = getattr(self, setting)
            _require(value >= 1, setting, value, "at least 1")


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One node: who it is, who its peers are, and its limits."""

    node_id: NodeId
    cluster_id: int
    voters: tuple[NodeId, ...]
    """The founders of a new cluster, this node among them, in ascending order; empty for a node
    that joins one. What the log says of the members counts more."""
    incarnation: int
    """Larger at every start of this node's daemon; makes request ids unique across restarts."""
    raft: RaftConfig = RaftConfig()
    store: StoreConfig = StoreConfig()
    watch: WatchConfig = WatchConfig()
    leases: LeaseConfig = LeaseConfig()
    request_timeout_ns: int = 2_000 * MILLISECOND
    """A request not answered by then is answered with `REQUEST_TIMED_OUT`."""
    requests_waiting_max: int = 8192
    """Requests a node works on at a time; more are refused."""
    auth_token_ttl_ns: int = 300 * SECOND
    """A token that is not shown for so long is forgotten (etcd --auth-token-ttl)."""
    auth_tokens_max: int = 100_000
    """Tokens a node knows; those shown longest ago go first."""
    backend_commit_entries: int = 1000
    """The backend commits after so many applied entries."""

    def __post_init__(self) -> None:
        _require(
            1 <= self.node_id <= NODE_ID_MAX, "node_id", self.node_id, f"from 1 to {NODE_ID_MAX}"
        )
        _require(
            not self.voters or self.node_id in self.voters,
            "node_id",
            self.node_id,
            f"one of voters {self.voters}",
        )
        _require(
            list(self.voters) == sorted(set(self.voters)),
            "voters",
            self.voters,
            "distinct ids in ascending order",
        )
        _require(
            len({short_id(voter) for voter in self.voters}) == len(self.voters),
            "voters",
            self.voters,
            f"ids distinct in their lowest {SHORT_ID_BITS} bits",
        )
        _require(
            0 <= self.incarnation <= INCARNATION_MAX,
            "incarnation",
            self.incarnation,
            f"from 0 to {INCARNATION_MAX}",
        )
        for setting in (
            "request_timeout_ns",
            "requests_waiting_max",
            "auth_token_ttl_ns",
            "auth_tokens_max",
            "backend_commit_entries",
        ):
            value: int = getattr(self, setting)
            _require(value >= 1, setting, value, "at least 1")
