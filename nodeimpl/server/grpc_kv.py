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
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_serving import Context, Service, unary


def kv_service(driver: Driver) -> Service:
    """Return the service."""

    async def ask(request: ApiRequest, context: Context) -> Message:
        del context
        return await driver.ask(request)

    return "etcdserverpb.KV", {
        "Range": unary(ask, RangeRequest),
        "Put": unary(ask, PutRequest),
        "DeleteRange": unary(ask, DeleteRangeRequest),
        "Txn": unary(ask, TxnRequest),
        "Compact": unary(ask, CompactionRequest),
    }
