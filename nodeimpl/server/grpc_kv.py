"""etcd's KV service: every call is one request to the node."""

from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.server.grpc_serving import Service, unary
from nodeimpl.server.reception import Reception


def kv_service(reception: Reception) -> Service:
    """Return the service."""
    ask = reception.ask
    return "etcdserverpb.KV", {
        "Range": unary(ask, RangeRequest),
        "Put": unary(ask, PutRequest),
        "DeleteRange": unary(ask, DeleteRangeRequest),
        "Txn": unary(ask, TxnRequest),
        "Compact": unary(ask, CompactionRequest),
    }
