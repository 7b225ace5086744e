"""Sets as etcd calls, kept in two ways: as a list in one key, and as a key for every element.

A list is read, and put back one element longer if nobody was faster: the key still has the
mod_revision with which it was read, 0 if it was absent (etcd KV API: Compare). If somebody was, it
is tried again a few times, and then the addition has failed. A key for every element needs no
reading: the set is whatever keys there are beneath its name.
"""

from typing import Final

import msgspec

from checkers.history import CAS_MISMATCH, Op, OpType
from harness.client import Call, Completion, Dialogue
from harness.errors import CallError, DefiniteError
from nodeimpl.api import rpc_pb2

LIST: Final = "list"
"""How the names of sets begin that are kept in one key; all others have a key per element."""
_TRIES: Final = 3
"""How often an addition to a list is tried."""


class SetClient(msgspec.Struct, frozen=True):
    """`add` of an integer to the set that `key` names, and `read` of all its elements."""

    timeout_ns: int
    """For every call."""
    value_bytes: int = 0
    """What is stored is filled up to this length by spaces."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        assert op.key is not None, "an operation is about one set"
        is_list = op.key.startswith(LIST)
        match op.f, op.value:
            case "read", None:
                return self._read_list(op.key) if is_list else self._read_keys(op.key)
            case "add", int(element):
                add = self._add_to_list if is_list else self._add_key
                return add(op.key, element)
            case _:
                raise AssertionError(f"no operation of a set: {op.f!r} {op.value!r}")

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f == "add"

    def _read_list(self, name: str) -> Dialogue:
        response = yield Call(rpc_pb2.RangeRequest(key=name.encode()), self.timeout_ns)
        return Completion(OpType.OK, list_in(response))

    def _read_keys(self, name: str) -> Dialogue:
        first, end = f"{name}/".encode(), f"{name}0".encode()  # "0" comes right after "/"
        response = yield Call(rpc_pb2.RangeRequest(key=first, range_end=end), self.timeout_ns)
        assert isinstance(response, rpc_pb2.RangeResponse), "a range is answered with a range"
        return Completion(OpType.OK, [_element(kv.key[len(first) :]) for kv in response.kvs])

    def _add_key(self, name: str, element: int) -> Dialogue:
        key, value = f"{name}/{element:06d}", str(element)
        put = rpc_pb2.PutRequest(key=key.encode(), value=value.encode().ljust(self.value_bytes))
        yield Call(put, self.timeout_ns)
        return Completion(OpType.OK)

    def _add_to_list(self, name: str, element: int) -> Dialogue:
        key = name.encode()
        for _ in range(_TRIES):
            try:
                seen = yield Call(rpc_pb2.RangeRequest(key=key), self.timeout_ns)
            except CallError as error:  # Nothing has been written so far.
                return Completion(OpType.FAIL, error=str(error))
            adding = rpc_pb2.TxnRequest(
                compare=[unchanged(key, seen)],
                success=[longer_list(key, seen, element, self.value_bytes)],
            )
            try:
                done = yield Call(adding, self.timeout_ns)
            except DefiniteError as error:
                return Completion(OpType.FAIL, error=str(error))
            assert isinstance(done, rpc_pb2.TxnResponse), "a txn is answered with a txn"
            if done.succeeded:
                return Completion(OpType.OK)
        return Completion(OpType.FAIL, error=CAS_MISMATCH)


def list_in(response: object) -> list[object]:
    """Return the list that a range of one key found; empty if there was none.

    What nobody wrote comes as a list of one element that nobody added: its text.
    """
    assert isinstance(response, rpc_pb2.RangeResponse), "a range is answered with a range"
    if not response.kvs:
        return []
    held = response.kvs[0].value
    try:
        value: object = msgspec.json.decode(held)
    except msgspec.DecodeError:
        return [held.decode(errors="backslashreplace")]
    return value if isinstance(value, list) else [value]


def longer_list(
    key: bytes, seen: object, element: object, value_bytes: int = 0
) -> rpc_pb2.RequestOp:
    """Return the step that puts back the list that was `seen` with one element more."""
    value = msgspec.json.encode([*list_in(seen), element]).ljust(value_bytes)
    return rpc_pb2.RequestOp(request_put=rpc_pb2.PutRequest(key=key, value=value))


def unchanged(key: bytes, seen: object) -> rpc_pb2.Compare:
    """Return the condition that the key is as a range of it saw it; absent ones are at 0."""
    assert isinstance(seen, rpc_pb2.RangeResponse), "a range is answered with a range"
    return rpc_pb2.Compare(
        key=key,
        target=rpc_pb2.Compare.MOD,
        result=rpc_pb2.Compare.EQUAL,
        mod_revision=seen.kvs[0].mod_revision if seen.kvs else 0,
    )


def _element(name: bytes) -> object:
    """Return the integer in a key's name; text if nobody wrote such a thing, for the checkers."""
    return int(name) if name.isdigit() else name.decode(errors="backslashreplace")
