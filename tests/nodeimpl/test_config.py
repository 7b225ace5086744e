"""Every limit is validated, and the message names the setting, the value and what was expected."""

import msgspec
import pytest

from nodeimpl.config import (
    INCARNATION_MAX,
    NODE_ID_MAX,
    ConfigError,
    NodeConfig,
    RaftConfig,
    StoreConfig,
)
from nodeimpl.ids import NodeId

RAFT = RaftConfig()
STORE = StoreConfig()
NODE = NodeConfig(
    node_id=NodeId(1), cluster_id=9, voters=(NodeId(1), NodeId(2), NodeId(3)), incarnation=1
)


def changed(
    config: RaftConfig | StoreConfig | NodeConfig, setting: str, value: object
) -> RaftConfig | StoreConfig | NodeConfig:
    return msgspec.structs.replace(config, **{setting: value})


@pytest.mark.parametrize(
    ("config", "setting", "value", "expected"),
    [
        (RAFT, "heartbeat_interval_ns", 0, "more than 0"),
        (RAFT, "election_timeout_ns_min", 199_999_999, "at least two heartbeat intervals"),
        (RAFT, "election_timeout_ns_max", 300_000_000, "more than election_timeout_ns_min"),
        (RAFT, "append_entries_max", 0, "at least 1"),
        (RAFT, "append_bytes_max", 0, "at least 1"),
        (RAFT, "snapshot_entries", 0, "at least 1"),
        (RAFT, "snapshot_chunk_bytes", 0, "at least 1"),
        (RAFT, "catch_up_entries", -1, "at least 0"),
        (RAFT, "appends_in_flight_max", 0, "at least 1"),
        (RAFT, "reads_waiting_max", 0, "at least 1"),
        (RAFT, "proposals_remembered_max", 0, "at least 1"),
        (STORE, "txn_ops_max", 0, "at least 1"),
        (STORE, "request_bytes_max", 0, "at least 1"),
        (STORE, "compaction_batch_rows", 0, "at least 1"),
        (STORE, "compaction_interval_ns", -1, "at least 0"),
        (NODE, "node_id", 0, "from 1 to 18446744073709551615"),
        (NODE, "node_id", NODE_ID_MAX + 1, "from 1 to 18446744073709551615"),
        (NODE, "node_id", 4, r"one of voters \(1, 2, 3\)"),
        (NODE, "voters", (1, 3, 2), "distinct ids in ascending order"),
        (NODE, "voters", (1, 1, 2), "distinct ids in ascending order"),
        (NODE, "voters", (1, 2, 3, 65538), "ids distinct in their lowest 16 bits"),
        (NODE, "incarnation", -1, "from 0 to 65535"),
        (NODE, "incarnation", INCARNATION_MAX + 1, "from 0 to 65535"),
        (NODE, "request_timeout_ns", 0, "at least 1"),
        (NODE, "requests_waiting_max", 0, "at least 1"),
        (NODE, "backend_commit_entries", 0, "at least 1"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    config: RaftConfig | StoreConfig | NodeConfig, setting: str, value: object, expected: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{setting} = .*: expected {expected}"):
        changed(config, setting, value)


@pytest.mark.parametrize(
    ("config", "setting", "value"),
    [
        (RAFT, "heartbeat_interval_ns", 1),
        (RAFT, "election_timeout_ns_min", 200_000_000),
        (RAFT, "election_timeout_ns_max", 300_000_001),
        (RAFT, "append_entries_max", 1),
        (RAFT, "catch_up_entries", 0),
        (STORE, "txn_ops_max", 1),
        (STORE, "compaction_batch_rows", 1),
        (STORE, "compaction_interval_ns", 0),
        (NODE, "node_id", 3),
        (NODE, "voters", (1,)),
        (NODE, "voters", (1, NODE_ID_MAX)),
        (NODE, "incarnation", 0),
        (NODE, "incarnation", INCARNATION_MAX),
        (NODE, "requests_waiting_max", 1),
    ],
)
def test_a_value_at_the_edge_of_its_range_is_taken(
    config: RaftConfig | StoreConfig | NodeConfig, setting: str, value: object
) -> None:
    assert getattr(changed(config, setting, value), setting) == value


def test_the_store_s_limits_are_those_of_etcd() -> None:
    assert (STORE.txn_ops_max, STORE.request_bytes_max) == (128, 1_572_864)
    assert (STORE.compaction_batch_rows, STORE.compaction_interval_ns) == (1000, 10_000_000)
