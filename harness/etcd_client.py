"""Operations of histories as etcd calls: registers kept in keys, and the key-value API itself.

Keys and values travel as UTF-8. What an invoke and its `ok` completion carry is described, typed
and parsed in `checkers.models.etcd_api`; here it is turned into etcd's messages and back.
"""

from typing import Final, TypeAlias, assert_never

import msgspec

from checkers.history import CAS_MISMATCH, Op, OpType
from checkers.linearizability.revisions.operations import COMPACTED, FUTURE_REVISION
from checkers.models.etcd_api import (
    Compare,
    Delete,
    Order,
    Put,
    Read,
    Relation,
    Request,
    Revoke,
    Selection,
    Step,
    Target,
    Txn,
    parse_request,
)
from harness.client import Call, Completion, Dialogue, Response, refused
from harness.errors import DefiniteError
from harness.padding import shown, stored
from nodeimpl.api import errors, kv_pb2, rpc_pb2
from nodeimpl.api.requests import ApiRequest

_REFUSALS: Final = {
    str(refused(errors.COMPACTED)): COMPACTED,
    str(refused(errors.FUTURE_REVISION)): FUTURE_REVISION,
}
"""What a refusal proves, by the words of the store; checkers use that."""

Json: TypeAlias = dict[str, object]
"""A result as a history holds it."""


class RegisterClient(msgspec.Struct, frozen=True):
    """Registers of integers from 0, one per key; an absent key is a register that holds None.

    `read` answers the value; `write` is given the value; `cas` is given `[expected, new]` and
    fails with `CAS_MISMATCH` if it was carried out and found another value.
    """

    timeout_ns: int
    """For every call."""
    value_bytes: int = 0
    """What is stored is filled up to this length by spaces."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        key = _op_key(op).encode()
        match op.f, op.value:
            case "read", None:
                return self._read(key)
            case "write", int(value):
                return self._write(key, value)
            case "cas", [int() | None as expected, int(new)]:
                return self._cas(key, expected, new)
            case _:
                raise AssertionError(f"no operation of a register: {op.f!r} {op.value!r}")

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f != "read"

    def _read(self, key: bytes) -> Dialogue:
        response = yield Call(rpc_pb2.RangeRequest(key=key), self.timeout_ns)
        assert isinstance(response, rpc_pb2.RangeResponse), "a range is answered with a range"
        value = _register_value(response.kvs[0].value) if response.kvs else None
        return Completion(OpType.OK, value)

    def _write(self, key: bytes, value: int) -> Dialogue:
        yield Call(rpc_pb2.PutRequest(key=key, value=self._integer(value)), self.timeout_ns)
        return Completion(OpType.OK, value)

    def _cas(self, key: bytes, expected: int | None, new: int) -> Dialogue:
        put = rpc_pb2.PutRequest(key=key, value=self._integer(new))
        request = rpc_pb2.TxnRequest(
            compare=[self._holds(key, expected)], success=[rpc_pb2.RequestOp(request_put=put)]
        )
        response = yield Call(request, self.timeout_ns)
        assert isinstance(response, rpc_pb2.TxnResponse), "a txn is answered with a txn"
        if not response.succeeded:
            return Completion(OpType.FAIL, error=CAS_MISMATCH)
        return Completion(OpType.OK, [expected, new])

    def _integer(self, value: int) -> bytes:
        return str(value).encode().ljust(self.value_bytes)

    def _holds(self, key: bytes, expected: int | None) -> rpc_pb2.Compare:
        """Return the condition that the register holds `expected`.

        An absent key has version 0, and a compare with its value never holds (etcd KV API).
        """
        if expected is None:
            return absent(key)
        return rpc_pb2.Compare(
            key=key,
            target=rpc_pb2.Compare.VALUE,
            result=rpc_pb2.Compare.EQUAL,
            value=self._integer(expected),
        )


class KvClient(msgspec.Struct, frozen=True):
    """etcd's key-value API: put, get, range, delete, txn and compact, with revisions."""

    timeout_ns: int
    """For every call."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        if op.f == "compact":
            message: ApiRequest = _compaction(op.value)
        else:
            message = _message(parse_request(op.f, op.value))
        try:
            response = yield Call(message, self.timeout_ns)
        except DefiniteError as error:
            proven = _REFUSALS.get(str(error))
            if proven is None:
                raise
            return Completion(OpType.FAIL, error=proven)
        return Completion(OpType.OK, _result(response))

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        if op.f == "compact":
            return True
        return _may_write(parse_request(op.f, op.value))


def _may_write(request: Request) -> bool:
    match request:
        case Read():
            return False
        case Txn(_, success, failure):
            return any(map(_may_write, (*success, *failure)))
        case Put() | Delete() | Revoke():
            return True
        case _:
            assert_never(request)


def _compaction(value: object) -> rpc_pb2.CompactionRequest:
    match value:
        case {"revision": int(revision)}:
            return rpc_pb2.CompactionRequest(revision=revision)
        case _:
            raise AssertionError(f"no compaction: {value!r}")


def _op_key(op: Op) -> str:
    assert op.key is not None, f"{op.f!r} is about one register"
    return op.key


def _register_value(held: bytes) -> int | str:
    """Return the integer that is stored; text if nobody wrote such a thing, for the checkers."""
    text = _text(held).rstrip(" ")
    return int(text) if text.isascii() and text.isdigit() else text


def _text(received: bytes) -> str:
    """Return what is stored as text, whatever the store made of it."""
    return received.decode(errors="backslashreplace")


def absent(key: bytes) -> rpc_pb2.Compare:
    """Return the condition that there is no such key."""
    return rpc_pb2.Compare(
        key=key, target=rpc_pb2.Compare.VERSION, result=rpc_pb2.Compare.EQUAL, version=0
    )


def _message(request: Request) -> ApiRequest:
    match request:
        case Put():
            return _put(request)
        case Read():
            return _range(request)
        case Delete():
            return _delete_range(request)
        case Txn():
            return _txn(request)
        case Revoke(lease):
            return rpc_pb2.LeaseRevokeRequest(ID=lease)
        case _:
            assert_never(request)


def _txn(txn: Txn) -> rpc_pb2.TxnRequest:
    return rpc_pb2.TxnRequest(
        compare=[_compare(each) for each in txn.compare],
        success=[_request_op(step) for step in txn.success],
        failure=[_request_op(step) for step in txn.failure],
    )


def _put(put: Put) -> rpc_pb2.PutRequest:
    return rpc_pb2.PutRequest(
        key=put.key.encode(),
        value=stored(put.value),
        lease=put.lease,
        prev_kv=put.prev_kv,
        ignore_value=put.ignore_value,
        ignore_lease=put.ignore_lease,
    )


_ORDERS: Final = {
    Order.NONE: rpc_pb2.RangeRequest.NONE,
    Order.ASCEND: rpc_pb2.RangeRequest.ASCEND,
    Order.DESCEND: rpc_pb2.RangeRequest.DESCEND,
}
_SORT_TARGETS: Final = {
    Target.KEY: rpc_pb2.RangeRequest.KEY,
    Target.VERSION: rpc_pb2.RangeRequest.VERSION,
    Target.CREATE: rpc_pb2.RangeRequest.CREATE,
    Target.MOD: rpc_pb2.RangeRequest.MOD,
    Target.VALUE: rpc_pb2.RangeRequest.VALUE,
}


def _range(read: Read) -> rpc_pb2.RangeRequest:
    selection = read.selection or Selection()
    return rpc_pb2.RangeRequest(
        key=read.key.encode(),
        range_end=(read.range_end or "").encode(),
        limit=read.limit,
        revision=read.revision,
        serializable=read.serializable,
        sort_order=_ORDERS[selection.sort_order],
        sort_target=_SORT_TARGETS[selection.sort_target],
        keys_only=selection.keys_only,
        count_only=selection.count_only,
        min_mod_revision=selection.min_mod_revision,
        max_mod_revision=selection.max_mod_revision,
        min_create_revision=selection.min_create_revision,
        max_create_revision=selection.max_create_revision,
    )


def _delete_range(delete: Delete) -> rpc_pb2.DeleteRangeRequest:
    return rpc_pb2.DeleteRangeRequest(
        key=delete.key.encode(),
        range_end=(delete.range_end or "").encode(),
        prev_kv=delete.prev_kv,
    )


def _request_op(step: Step) -> rpc_pb2.RequestOp:
    match step:
        case Put():
            return rpc_pb2.RequestOp(request_put=_put(step))
        case Read():
            return rpc_pb2.RequestOp(request_range=_range(step))
        case Delete():
            return rpc_pb2.RequestOp(request_delete_range=_delete_range(step))
        case Txn():
            return rpc_pb2.RequestOp(request_txn=_txn(step))
        case _:
            assert_never(step)


_RELATIONS: Final = {
    Relation.EQUAL: rpc_pb2.Compare.EQUAL,
    Relation.NOT_EQUAL: rpc_pb2.Compare.NOT_EQUAL,
    Relation.LESS: rpc_pb2.Compare.LESS,
    Relation.GREATER: rpc_pb2.Compare.GREATER,
}


def _compare(compare: Compare) -> rpc_pb2.Compare:
    message = rpc_pb2.Compare(
        key=compare.key.encode(),
        range_end=(compare.range_end or "").encode(),
        result=_RELATIONS[compare.result],
    )
    value = compare.value
    match compare.target:
        case Target.VALUE:
            message.target = rpc_pb2.Compare.VALUE
            message.value = stored(str(value))
        case Target.VERSION:
            message.target = rpc_pb2.Compare.VERSION
            message.version = int(value)
        case Target.CREATE:
            message.target = rpc_pb2.Compare.CREATE
            message.create_revision = int(value)
        case Target.MOD:
            message.target = rpc_pb2.Compare.MOD
            message.mod_revision = int(value)
        case Target.LEASE:
            message.target = rpc_pb2.Compare.LEASE
            message.lease = int(value)
        case Target.KEY:
            raise AssertionError("no compare looks at the key itself")
        case _:
            assert_never(compare.target)
    return message


def _result(response: Response) -> Json:
    revision: Json = {"revision": response.header.revision}
    match response:
        case rpc_pb2.CompactionResponse() | rpc_pb2.LeaseRevokeResponse():
            return revision
        case rpc_pb2.PutResponse():
            return revision | _put_result(response)
        case rpc_pb2.RangeResponse():
            return revision | _range_result(response)
        case rpc_pb2.DeleteRangeResponse():
            return revision | _delete_result(response)
        case rpc_pb2.TxnResponse():
            return revision | _txn_result(response)
        case _:
            raise AssertionError(f"nobody asked for a {type(response).__name__}")


def _put_result(response: rpc_pb2.PutResponse) -> Json:
    return {"prev_kv": _key_value(response.prev_kv)} if response.HasField("prev_kv") else {}


def _delete_result(response: rpc_pb2.DeleteRangeResponse) -> Json:
    prev_kvs = [_key_value(kv) for kv in response.prev_kvs]
    return {"deleted": response.deleted} | ({"prev_kvs": prev_kvs} if prev_kvs else {})


def _txn_result(response: rpc_pb2.TxnResponse) -> Json:
    responses = [_response_op(each) for each in response.responses]
    return {"succeeded": response.succeeded, "responses": responses}


def _range_result(response: rpc_pb2.RangeResponse) -> Json:
    return {
        "kvs": [_key_value(kv) for kv in response.kvs],
        "count": response.count,
        "more": response.more,
    }


def _response_op(response: rpc_pb2.ResponseOp) -> Json:
    match response.WhichOneof("response"):
        case "response_put":
            return {"put": _put_result(response.response_put)}
        case "response_range":
            return {"range": _range_result(response.response_range)}
        case "response_delete_range":
            return {"delete": _delete_result(response.response_delete_range)}
        case "response_txn":
            return {"txn": _txn_result(response.response_txn)}
        case kind:
            raise AssertionError(f"no step of a txn is answered with {kind}")


def _key_value(kv: kv_pb2.KeyValue) -> Json:
    return {
        "key": _text(kv.key),
        "value": shown(kv.value),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
    } | ({"lease": kv.lease} if kv.lease else {})
