"""The KV service: every method reaches the store."""

from collections.abc import Sequence

from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_kv import kv_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import OWN, Calls, serving

KV = "/etcdserverpb.KV/"


def services(driver: Driver) -> Sequence[Service]:
    return [kv_service(Reception(driver, by_certificate=False))]


def test_every_method_does_what_it_is_called() -> None:
    async def story(calls: Calls) -> None:
        put = await calls.ask(f"{KV}Put", PutRequest(key=b"a", value=b"1"), PutResponse)
        assert (put.header.revision, put.header.member_id, put.header.cluster_id) == (2, OWN, 9)
        txn = TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"b", value=b"2"))])
        assert (await calls.ask(f"{KV}Txn", txn, TxnResponse)).succeeded
        everything = RangeRequest(key=b"a", range_end=b"z")
        found = await calls.ask(f"{KV}Range", everything, RangeResponse)
        assert [(kv.key, kv.value) for kv in found.kvs] == [(b"a", b"1"), (b"b", b"2")]
        gone = await calls.ask(
            f"{KV}DeleteRange", DeleteRangeRequest(key=b"a"), DeleteRangeResponse
        )
        assert gone.deleted == 1
        await calls.ask(f"{KV}Compact", CompactionRequest(revision=4), CompactionResponse)
        assert calls.driver.node.store.compact_revision == 4

    serving(services, story)
