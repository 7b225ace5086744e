"""Calls are counted by method, and shown with go-grpc-prometheus' names."""

import grpc
from prometheus_client import CollectorRegistry

from nodeimpl.server.call_counts import CallCounts


def shown(counts: CallCounts, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(counts)
    return registry.get_sample_value(name, labels)


def test_a_method_is_counted_by_itself() -> None:
    counts = CallCounts()
    put, other = counts.of("KV", "Put"), counts.of("KV", "Range")
    put.started += 3
    put.took(b"12345")
    put.took(b"1")
    put.gave(b"123")
    put.over(grpc.StatusCode.OK)
    put.over(grpc.StatusCode.OK)
    put.over(grpc.StatusCode.OUT_OF_RANGE)
    other.gave(b"1234")
    method = {"grpc_service": "KV", "grpc_method": "Put"}
    assert shown(counts, "grpc_server_started_total", **method) == 3
    assert shown(counts, "grpc_server_handled_total", **method, grpc_code="OK") == 2
    assert shown(counts, "grpc_server_handled_total", **method, grpc_code="OutOfRange") == 1
    assert shown(counts, "grpc_server_msg_received_total", **method) == 2
    assert shown(counts, "grpc_server_msg_sent_total", **method) == 1
    assert shown(counts, "etcd_network_client_grpc_received_bytes_total") == 6
    assert shown(counts, "etcd_network_client_grpc_sent_bytes_total") == 7


def test_a_method_has_one_count() -> None:
    counts = CallCounts()
    assert counts.of("KV", "Put") is counts.of("KV", "Put")
