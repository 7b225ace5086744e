"""How fast one node's store is: single commands, and the work that comes in bulk.

Each row is the median of many short rounds, in microseconds of CPU; the ratio is target over
measured (1.0 = reached). Three nodes apply every command, so what one costs counts three times in
a simulation.

    .venv/bin/python -m benchmarks.store [ROUNDS]
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, RequestId, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.commands import decode_command, encode_command
from nodeimpl.mvcc.snapshot import encode_snapshot, install_snapshot
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

ROUNDS_DEFAULT = 200
CALLS = 100
"""Of a single command, in one round."""
KEYS = 100
ROWS = 10_000
"""In a store that something is done to in bulk."""

PUT = PutRequest(key=b"k7", value=b"12345")
DELETE = DeleteRangeRequest(key=b"k7")
GET = RangeRequest(key=b"k7")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    name: str
    target_us: float
    prepare: Callable[[], Callable[[], object]]
    """Returns what is timed. In bulk, it is timed once."""
    calls: int = CALLS


def filled(changes: int = KEYS) -> tuple[Store, MemoryBackend]:
    """Return a store after so many puts, of a hundred keys in turn."""
    backend = MemoryBackend()
    store = Store(backend, StoreConfig())
    for number in range(changes):
        store.apply(PutRequest(key=b"k%d" % (number % KEYS), value=b"12345"))
    backend.commit(backend.seal(Applied(LogIndex(changes), Term(1))))
    return store, backend


def compare_and_swap(*, value: bytes) -> TxnRequest:
    """Return: if k7 is `value`, put it, else get it."""
    request = TxnRequest()
    compare = request.compare.add()
    compare.key, compare.value = b"k7", value
    compare.target, compare.result = Compare.VALUE, Compare.EQUAL
    request.success.add().request_put.CopyFrom(PUT)
    request.failure.add().request_range.CopyFrom(GET)
    return request


def put() -> Callable[[], object]:
    """Put one of a hundred keys."""
    store, _ = filled()
    return lambda: store.apply(PUT)


def put_and_delete() -> Callable[[], object]:
    """Put a key and delete it."""
    store, _ = filled()
    return lambda: (store.apply(PUT), store.apply(DELETE))


def swap(*, value: bytes) -> Callable[[], object]:
    """Compare and swap; `value` decides whether it succeeds."""
    store, _ = filled()
    request = compare_and_swap(value=value)
    return lambda: store.apply(request)


def get() -> Callable[[], object]:
    """Read one key."""
    store, _ = filled()
    return lambda: store.read(GET)


def decode() -> Callable[[], object]:
    """Read a put from its log entry."""
    command = encode_command(RequestId(77), PUT)
    return lambda: decode_command(command)


def check() -> Callable[[], object]:
    """Validate a compare-and-swap."""
    store, _ = filled()
    request = compare_and_swap(value=b"12345")
    return lambda: store.check(request)


def schedule() -> Callable[[], object]:
    """Apply a compaction of many rows."""
    store, _ = filled(ROWS)
    return lambda: store.apply(CompactionRequest(revision=ROWS))


def remove() -> Callable[[], object]:
    """Remove one batch of a thousand rows."""
    store, _ = filled(ROWS)
    store.apply(CompactionRequest(revision=ROWS))
    return store.compact_step


def hash_contents() -> Callable[[], object]:
    """Hash what a store holds."""
    store, _ = filled(ROWS)
    return lambda: store.hash_at(Revision(0))


def encode() -> Callable[[], object]:
    """Encode a whole store."""
    _, backend = filled(ROWS)
    return lambda: encode_snapshot(backend)


def install() -> Callable[[], object]:
    """Install a whole store and start on it."""
    _, backend = filled(ROWS)
    snapshot = encode_snapshot(backend)

    def take_over() -> Store:
        fresh = MemoryBackend()
        install_snapshot(fresh, snapshot)
        return Store(fresh, StoreConfig())

    return take_over


CASES = (
    Case(name="put", target_us=4, prepare=put),
    Case(name="put, delete", target_us=9, prepare=put_and_delete),
    Case(name="compare and swap", target_us=9, prepare=lambda: swap(value=b"12345")),
    Case(name="compare, read instead", target_us=8, prepare=lambda: swap(value=b"other")),
    Case(name="get", target_us=3, prepare=get),
    Case(name="decode a put", target_us=1, prepare=decode),
    Case(name="check a compare and swap", target_us=5, prepare=check),
    Case(name="schedule a compaction", target_us=50, prepare=schedule, calls=1),
    Case(name="remove 1,000 rows", target_us=5_000, prepare=remove, calls=1),
    Case(name="hash 10,000 rows", target_us=10_000, prepare=hash_contents, calls=1),
    Case(name="encode 10,000 rows", target_us=20_000, prepare=encode, calls=1),
    Case(name="install 10,000 rows", target_us=60_000, prepare=install, calls=1),
)


def measure(case: Case) -> float:
    """Return the microseconds of CPU of one call, in one round."""
    call = case.prepare()
    started = time.process_time_ns()
    for _ in range(case.calls):
        call()
    return (time.process_time_ns() - started) / case.calls / 1_000


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    rounds = int(arguments[0]) if arguments else ROUNDS_DEFAULT
    print(f"{'':<26} {'us':>9} {'target':>7} {'ratio':>6}")
    for case in CASES:
        times = rounds if case.calls > 1 else max(1, rounds // 20)
        median = statistics.median(measure(case) for _ in range(times))
        print(f"{case.name:<26} {median:9.2f} {case.target_us:7.0f} {case.target_us / median:6.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
