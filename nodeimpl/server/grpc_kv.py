"""etcd's KV service: every call is one request to the node."""

from google.protobuf.message import Message

from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.server.grpc_serving import Context, Service, unary
from nodeimpl.server.reception import Reception


def kv_service(reception: Reception) -> Service:
    """Return the service."""

    async def ask(request: ApiRequest, context: Context) -> Message:
        return await reception.ask(request, context)

    return "etcdserverpb.KV", {
        "Range": unary(ask, RangeRequest),
        "Put": unary(ask, PutRequest),
        "DeleteRange": unary(ask, DeleteRangeRequest),
        "Txn": unary(ask, TxnRequest),
        "Compact": unary(ask, CompactionRequest),
    }
