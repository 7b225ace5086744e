"""The store against a slow, obvious one: the whole map, written down once for every revision.

The slow store is written from etcd's documents (learning/api, learning/data_model) and shares no
code with the store. Both are given the same requests, with crashes and restarts in between; every
answer must be equal, field by field.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, KEY_NOT_FOUND, LEASE_NOT_FOUND, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.requests import ApiResponse, KvRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    Compare,
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    ResponseOp,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.invariants import (
    check_agreement,
    check_reloaded,
    check_removal_step,
    check_step,
    check_store,
    milestone,
)
from nodeimpl.mvcc.snapshot import encode_snapshot, install_snapshot
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.txn import is_read_only
from nodeimpl.storage.memory_backend import MemoryBackend


class Refused(Exception):  # noqa: N818  (an answer, not a failure)
    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True)
class Item:
    value: bytes
    created: int
    modified: int
    version: int

    def kv(self, key: bytes) -> KeyValue:
        return KeyValue(
            key=key,
            value=self.value,
            create_revision=self.created,
            mod_revision=self.modified,
            version=self.version,
        )


Items = dict[bytes, Item]


def is_meant(candidate: bytes, key: bytes, range_end: bytes) -> bool:
    if range_end == b"":
        return candidate == key
    return candidate >= key and (range_end == b"\0" or candidate < range_end)


def selected(items: Items, key: bytes, range_end: bytes) -> list[bytes]:
    return sorted(candidate for candidate in items if is_meant(candidate, key, range_end))


@dataclass
class SlowStore:
    past: list[Items] = field(default_factory=lambda: [{}, {}])
    """What every key was at each revision; revision 1 is that of the new store."""
    compacted: int = -1
    now: Items = field(default_factory=dict)
    """The map as the command under way has left it so far."""
    wrote: bool = False

    @property
    def revision(self) -> int:
        return len(self.past) - 1

    @property
    def present(self) -> int:
        return self.revision + self.wrote

    def answer(self, request: KvRequest) -> ApiResponse | ApiError:
        self.now, self.wrote = dict(self.past[-1]), False
        try:
            response = self.carry_out(request)
        except Refused as refused:
            return refused.error
        if self.wrote:
            self.past.append(self.now)
        if isinstance(response, TxnResponse):
            response.header.revision = self.revision
        return response

    def carry_out(self, request: KvRequest) -> ApiResponse:
        match request:
            case RangeRequest():
                return self.range(request)
            case PutRequest():
                return self.put(request)
            case DeleteRangeRequest():
                return self.delete_range(request)
            case TxnRequest():
                self.refuse_txn(request)
                return self.txn(request)
            case CompactionRequest():
                return self.compact(request)

    def header(self) -> ResponseHeader:
        return ResponseHeader(revision=self.present)

    def put(self, request: PutRequest) -> PutResponse:
        before = self.now.get(request.key)
        if request.lease:
            raise Refused(LEASE_NOT_FOUND)
        if (request.ignore_value or request.ignore_lease) and before is None:
            raise Refused(KEY_NOT_FOUND)
        self.wrote = True
        value = before.value if before and request.ignore_value else request.value
        self.now[request.key] = (
            replace(before, value=value, modified=self.present, version=before.version + 1)
            if before
            else Item(value, self.present, self.present, 1)
        )
        response = PutResponse(header=self.header())
        if before and request.prev_kv:
            response.prev_kv.CopyFrom(before.kv(request.key))
        return response

    def delete_range(self, request: DeleteRangeRequest) -> DeleteRangeResponse:
        gone = selected(self.now, request.key, request.range_end)
        previous = [self.now.pop(key).kv(key) for key in gone]
        self.wrote = self.wrote or bool(gone)
        return DeleteRangeResponse(
            header=self.header(),
            deleted=len(gone),
            prev_kvs=previous if request.prev_kv else [],
        )

    def range(self, request: RangeRequest) -> RangeResponse:
        if request.revision > self.revision:
            raise Refused(FUTURE_REVISION)
        if 0 < request.revision < self.compacted:
            raise Refused(COMPACTED)
        items = self.past[request.revision] if request.revision > 0 else self.now
        keys = selected(items, request.key, request.range_end)
        response = RangeResponse(header=self.header(), count=len(keys))
        if request.count_only:
            return response
        response.kvs.extend(self.cut(request, [items[key].kv(key) for key in keys], response))
        for kv in response.kvs if request.keys_only else ():
            kv.value = b""
        return response

    def cut(
        self, request: RangeRequest, kvs: list[KeyValue], response: RangeResponse
    ) -> list[KeyValue]:
        bounded = (
            request.min_mod_revision
            or request.max_mod_revision
            or request.min_create_revision
            or request.max_create_revision
        )
        if request.limit > 0 and request.sort_order == RangeRequest.NONE and not bounded:
            kvs = kvs[: request.limit + 1]
        kvs = [kv for kv in kvs if within(request, kv)]
        descend = request.sort_order == RangeRequest.DESCEND
        kvs.sort(key=SORT_KEYS[request.sort_target], reverse=descend)
        if request.limit <= 0:
            return kvs
        response.more = len(kvs) > request.limit
        return kvs[: request.limit]

    def holds(self, compare: Compare) -> bool:
        items = self.past[-1]
        keys = selected(items, compare.key, compare.range_end)
        if compare.target == Compare.VALUE and not keys:
            return False
        found = [items[key] for key in keys] or [Item(b"", 0, 0, 0)]
        orders = {
            Compare.VERSION: [order(item.version, compare.version) for item in found],
            Compare.CREATE: [order(item.created, compare.create_revision) for item in found],
            Compare.MOD: [order(item.modified, compare.mod_revision) for item in found],
            Compare.LEASE: [order(0, compare.lease) for _ in found],
            Compare.VALUE: [byte_order(item.value, compare.value) for item in found],
        }[compare.target]
        return all(one in ORDERS[compare.result] for one in orders)

    def chosen(self, request: TxnRequest) -> tuple[bool, list[RequestOp]]:
        succeeded = all(self.holds(compare) for compare in request.compare)
        return succeeded, list(request.success if succeeded else request.failure)

    def refuse_txn(self, request: TxnRequest) -> None:
        ops = self.flat(request)
        for put in [op.request_put for op in ops if op.HasField("request_put")]:
            if (put.ignore_value or put.ignore_lease) and put.key not in self.past[-1]:
                raise Refused(KEY_NOT_FOUND)
            if put.lease:
                raise Refused(LEASE_NOT_FOUND)
        for revision in [op.request_range.revision for op in ops if op.HasField("request_range")]:
            if revision > self.revision:
                raise Refused(FUTURE_REVISION)
            if revision and revision < self.compacted:
                raise Refused(COMPACTED)

    def flat(self, request: TxnRequest) -> list[RequestOp]:
        flat: list[RequestOp] = []
        for op in self.chosen(request)[1]:
            flat += self.flat(op.request_txn) if op.HasField("request_txn") else [op]
        return flat

    def txn(self, request: TxnRequest) -> TxnResponse:
        succeeded, ops = self.chosen(request)
        response = TxnResponse(header=ResponseHeader(), succeeded=succeeded)
        for op in ops:
            if op.HasField("request_range"):
                done = ResponseOp(response_range=self.range(op.request_range))
            elif op.HasField("request_put"):
                done = ResponseOp(response_put=self.put(op.request_put))
            elif op.HasField("request_delete_range"):
                done = ResponseOp(response_delete_range=self.delete_range(op.request_delete_range))
            else:
                done = ResponseOp(response_txn=self.txn(op.request_txn))
            response.responses.append(done)
        return response

    def compact(self, request: CompactionRequest) -> CompactionResponse:
        if request.revision <= self.compacted:
            raise Refused(COMPACTED)
        if request.revision > self.revision:
            raise Refused(FUTURE_REVISION)
        self.compacted = request.revision
        return CompactionResponse(header=self.header())


def within(request: RangeRequest, kv: KeyValue) -> bool:
    return all(
        (
            not request.min_mod_revision or kv.mod_revision >= request.min_mod_revision,
            not request.max_mod_revision or kv.mod_revision <= request.max_mod_revision,
            not request.min_create_revision or kv.create_revision >= request.min_create_revision,
            not request.max_create_revision or kv.create_revision <= request.max_create_revision,
        )
    )


SORT_KEYS: dict[int, Callable[[KeyValue], tuple[int, bytes]]] = {
    RangeRequest.KEY: lambda kv: (0, kv.key),
    RangeRequest.VERSION: lambda kv: (kv.version, b""),
    RangeRequest.CREATE: lambda kv: (kv.create_revision, b""),
    RangeRequest.MOD: lambda kv: (kv.mod_revision, b""),
    RangeRequest.VALUE: lambda kv: (0, kv.value),
}

ORDERS: dict[int, tuple[int, ...]] = {
    Compare.EQUAL: (0,),
    Compare.NOT_EQUAL: (-1, 1),
    Compare.GREATER: (1,),
    Compare.LESS: (-1,),
}


def order(one: int, other: int) -> int:
    return (one > other) - (one < other)


def byte_order(one: bytes, other: bytes) -> int:
    return (one > other) - (one < other)


# ------------------------------------------------------------------------------- requests drawn

keys = st.sampled_from([b"a", b"ab", b"b", b"c", b"d"])
range_ends = st.sampled_from([b"", b"", b"\0", b"b", b"c", b"e", b"ac"])
values = st.sampled_from([b"", b"1", b"2", b"3"])
revisions = st.integers(-2, 14)
bounds = st.just(0) | st.integers(1, 12)
flags = st.booleans()
rarely = st.sampled_from([False, False, False, True])

puts = st.builds(PutRequest, key=keys, value=values, prev_kv=flags) | st.builds(
    PutRequest,
    key=keys,
    prev_kv=flags,
    ignore_value=flags,
    ignore_lease=flags,
    lease=st.sampled_from([0, 0, 0, 7]),
)
deletes = st.builds(DeleteRangeRequest, key=keys, range_end=range_ends, prev_kv=flags)
simple_ranges = st.builds(RangeRequest, key=keys, range_end=range_ends)
ranges = simple_ranges | st.builds(
    RangeRequest,
    key=keys,
    range_end=range_ends,
    revision=st.just(0) | revisions,
    limit=st.integers(-1, 4),
    sort_order=st.sampled_from(RangeRequest.SortOrder.values()),
    sort_target=st.sampled_from(RangeRequest.SortTarget.values()),
    keys_only=rarely,
    count_only=rarely,
    min_mod_revision=bounds,
    max_mod_revision=bounds,
    min_create_revision=bounds,
    max_create_revision=bounds,
)
compares = st.builds(
    Compare,
    key=keys,
    range_end=range_ends,
    target=st.just(Compare.VALUE),
    result=st.sampled_from(Compare.CompareResult.values()),
    value=values,
) | st.one_of(
    *(
        st.builds(
            Compare,
            key=keys,
            range_end=range_ends,
            target=st.just(target),
            result=st.sampled_from(Compare.CompareResult.values()),
            **{name: st.integers(0, 12)},
        )
        for target, name in (
            (Compare.VERSION, "version"),
            (Compare.CREATE, "create_revision"),
            (Compare.MOD, "mod_revision"),
            (Compare.LEASE, "lease"),
        )
    )
)
plain_ops = (
    st.builds(RequestOp, request_put=puts)
    | st.builds(RequestOp, request_delete_range=deletes)
    | st.builds(RequestOp, request_range=ranges)
)


def txns(ops: st.SearchStrategy[RequestOp]) -> st.SearchStrategy[TxnRequest]:
    some = st.lists(ops, max_size=3)
    return st.builds(TxnRequest, compare=st.lists(compares, max_size=2), success=some, failure=some)


flat_txns = txns(plain_ops)
nested_txns = txns(plain_ops | st.builds(RequestOp, request_txn=flat_txns))
compactions = st.builds(CompactionRequest, revision=revisions)
requests: st.SearchStrategy[KvRequest] = st.one_of(
    puts, puts, deletes, flat_txns, nested_txns, ranges, compactions
)

# -------------------------------------------------------------------------------- the comparison


class StoreComparison(RuleBasedStateMachine):
    """The store removes rows in small batches, late or never; its twin does so at once."""

    def __init__(self) -> None:
        super().__init__()
        self.config = StoreConfig()
        self.backend, self.twin_backend = MemoryBackend(), MemoryBackend()
        self.slow = SlowStore()
        self.applied = 0
        self.take_up()
        self.commit()

    @initialize(batch_rows=st.integers(1, 3))
    def configure(self, batch_rows: int) -> None:
        self.config = StoreConfig(compaction_batch_rows=batch_rows)
        self.take_up()

    def take_up(self) -> None:
        """Start the store and its twin on what their backends hold."""
        self.store = Store(self.backend, self.config)
        self.twin = Store(self.twin_backend, StoreConfig())

    def applied_so_far(self) -> Applied:
        return Applied(LogIndex(self.applied), Term(1))

    @rule(request=requests)
    def command(self, request: KvRequest) -> None:
        self.applied += 1
        if self.store.check(request) is None:
            before = milestone(self.store.state)
            assert self.store.apply(request) == self.slow.answer(request)
            check_step(before, milestone(self.store.state))
            self.twin.apply(request)
            while self.twin.compact_step():
                pass

    @rule(back=st.integers(0, 3))
    def compact_lately(self, back: int) -> None:
        self.command(CompactionRequest(revision=self.store.revision - back))

    @rule(request=ranges)
    def read(self, request: RangeRequest) -> None:
        assert self.store.read(request) == self.slow.answer(request)

    @rule(request=txns(st.builds(RequestOp, request_range=ranges)))
    def read_in_txn(self, request: TxnRequest) -> None:
        assert is_read_only(request)
        assert self.store.read(request) == self.slow.answer(request)

    @precondition(lambda self: self.store.is_compacting)
    @rule(steps=st.integers(1, 3))
    def remove(self, steps: int) -> None:
        before = milestone(self.store.state)
        for _ in range(steps):
            assert self.store.compact_step() == self.store.is_compacting
        check_removal_step(before, milestone(self.store.state))

    @rule()
    def commit(self) -> None:
        self.backend.commit(self.backend.seal(self.applied_so_far()))
        self.twin_backend.commit(self.twin_backend.seal(self.applied_so_far()))
        self.durable = replace(self.slow, past=list(self.slow.past))

    @rule()
    def restart(self) -> None:
        stood = self.store.state
        self.take_up()
        check_reloaded(stood, self.store.state)

    @rule()
    def crash(self) -> None:
        self.backend.crash()
        self.twin_backend.crash()
        self.slow = replace(self.durable, past=list(self.durable.past))
        self.applied = self.backend.applied.index
        self.take_up()

    @rule(crashes=st.booleans())
    def come_back_from_a_snapshot(self, *, crashes: bool) -> None:
        """Replace the store by its own snapshot; a crash in the middle takes it back as ever."""
        self.backend.seal(self.applied_so_far())
        snapshot = encode_snapshot(self.backend)
        stood = self.store.state
        point = install_snapshot(self.backend, snapshot)
        if crashes:
            self.crash()
            return
        self.backend.commit(point)
        self.take_up()
        check_reloaded(stood, self.store.state)
        assert encode_snapshot(self.backend) == snapshot
        self.commit()

    @invariant()
    def stands_where_the_slow_store_does(self) -> None:
        assert self.store.revision == self.slow.revision
        assert self.store.compact_revision == self.slow.compacted

    @invariant()
    def keeps_its_invariants(self) -> None:
        check_store(self.store.state)
        check_store(self.twin.state)
        check_agreement(milestone(self.store.state), milestone(self.twin.state))

    @invariant()
    def hashes_as_its_twin_at_every_revision(self) -> None:
        revisions = [Revision(revision) for revision in range(self.slow.revision + 2)]
        assert [self.store.hash_at(at) for at in revisions] == [
            self.twin.hash_at(at) for at in revisions
        ]


TestStoreComparison = StoreComparison.TestCase
TestStoreComparison.settings = settings(
    max_examples=40, stateful_step_count=40, report_multiple_bugs=False
)
