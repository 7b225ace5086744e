"""Transactions over lists as etcd calls, in two rounds as jepsen-etcd's append workload does them.

A list is a key whose value is a JSON array. A transaction that appends first reads all lists that
it will append to, in one etcd transaction; then a second one writes them back and does the reads,
guarded by the lists being as they were: each of the first round's keys still has its mod_revision,
0 if it was absent (etcd KV API: Compare). If a guard fails nothing was written: `fail`. A
transaction that only reads is one etcd transaction.
"""

from typing import Final

import msgspec

from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue
from harness.set_client import list_in, longer_list, unchanged
from nodeimpl.api import rpc_pb2

GUARD_FAILED: Final = "a list had changed"
"""The error of a transaction that did not happen because another one was faster."""


class AppendClient(msgspec.Struct, frozen=True):
    """`txn` of `["r", key, null]` and `["append", key, element]`; at most one append per key."""

    timeout_ns: int
    """For every call."""
    value_bytes: int = 0
    """Lists are filled up to this length by spaces, which JSON allows at its end."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        steps = _steps(op)
        appended = list(dict.fromkeys(key for f, key, _ in steps if f == "append"))
        assert len(appended) == sum(f == "append" for f, _, _ in steps), "one append per key"
        return self._run(steps, appended)

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return any(f == "append" for f, _, _ in _steps(op))

    def _run(self, steps: list[tuple[str, str, object]], appended: list[str]) -> Dialogue:
        held: dict[str, rpc_pb2.RangeResponse] = {}
        if appended:
            seen = yield Call(
                rpc_pb2.TxnRequest(success=[_read(key) for key in appended]), self.timeout_ns
            )
            assert isinstance(seen, rpc_pb2.TxnResponse), "a txn is answered with a txn"
            held = {
                key: each.response_range for key, each in zip(appended, seen.responses, strict=True)
            }
        done = yield Call(
            rpc_pb2.TxnRequest(
                compare=[unchanged(key.encode(), held[key]) for key in appended],
                success=[_request(step, held, self.value_bytes) for step in steps],
            ),
            self.timeout_ns,
        )
        assert isinstance(done, rpc_pb2.TxnResponse), "a txn is answered with a txn"
        if not done.succeeded:
            return Completion(OpType.FAIL, error=GUARD_FAILED)
        answers = zip(steps, done.responses, strict=True)
        return Completion(OpType.OK, [_answer(step, response) for step, response in answers])


def _steps(op: Op) -> list[tuple[str, str, object]]:
    assert op.f == "txn", f"no transaction: {op.f!r}"
    assert isinstance(op.value, list), "a transaction is a list"
    return [(str(f), str(key), argument) for f, key, argument in op.value]


def _read(key: str) -> rpc_pb2.RequestOp:
    return rpc_pb2.RequestOp(request_range=rpc_pb2.RangeRequest(key=key.encode()))


def _request(
    step: tuple[str, str, object], held: dict[str, rpc_pb2.RangeResponse], value_bytes: int
) -> rpc_pb2.RequestOp:
    f, key, element = step
    if f == "r":
        return _read(key)
    return longer_list(key.encode(), held[key], element, value_bytes)


def _answer(step: tuple[str, str, object], response: rpc_pb2.ResponseOp) -> list[object]:
    f, key, element = step
    return [f, key, _elements(response.response_range) if f == "r" else element]


def _elements(seen: rpc_pb2.RangeResponse) -> list[object] | None:
    """Return the list that is stored; None if there is none."""
    return list_in(seen) if seen.kvs else None
