"""What a client may ask, and the answers: etcd's messages themselves, as closed unions."""

from typing import TypeAlias

from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
)

ApiRequest: TypeAlias = (
    RangeRequest | PutRequest | DeleteRangeRequest | TxnRequest | CompactionRequest
)
"""Everything the KV service takes."""

ReadRequest: TypeAlias = RangeRequest | TxnRequest
"""What can be answered without the log: a range, or a transaction of ranges only."""

WriteRequest: TypeAlias = PutRequest | DeleteRangeRequest | TxnRequest | CompactionRequest
"""What goes through the log."""

ApiResponse: TypeAlias = (
    RangeResponse | PutResponse | DeleteRangeResponse | TxnResponse | CompactionResponse
)
"""The answers, in the order of `ApiRequest`; each has a `header`."""
