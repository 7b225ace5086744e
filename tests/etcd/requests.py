"""Any sequence of requests, valid and invalid, as Hypothesis strategies.

Revisions are drawn relative to that of the store when a sequence begins (`rebased`), so that a
sequence means the same whenever it is sent, and can be made smaller.
"""

from hypothesis import strategies as st

from nodeimpl.api.requests import ApiRequest, KvRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseLeasesRequest,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
)

BASE = 100
"""A drawn revision of this size is the store's own; 0 and less are sent as they are."""

keys = st.sampled_from([b"a", b"b", b"b\0", b"ba", b"c", b"\xff", b"k1", b"k2"])
any_key = st.sampled_from([b"", b"a", b"b", b"b\0", b"ba", b"c", b"\xff", b"k1", b"k2"])
range_ends = st.sampled_from([b"", b"", b"", b"\0", b"a", b"b", b"c", b"l", b"\xff\xff"])
values = st.sampled_from([b"", b"1", b"2", b"10", b"\0\xff"])
relative_revisions = st.integers(BASE - 3, BASE + 12)
revisions = st.just(0) | st.just(0) | relative_revisions | st.sampled_from([-1, BASE + 1_000])
bounds = st.just(0) | st.just(0) | st.just(0) | relative_revisions
rarely = st.sampled_from([False, False, False, True])
limits = st.sampled_from([0, 0, 0, 1, 2, 3, -1])
sort_orders = st.sampled_from([0, 0, 1, 2, 7])
sort_targets = st.sampled_from([0, 0, 1, 2, 3, 4, 9])
leases = st.sampled_from([0, 0, 0, 0, 0, 77, -1])

ranges = st.builds(
    RangeRequest,
    key=any_key,
    range_end=range_ends,
    limit=limits,
    revision=revisions,
    sort_order=sort_orders,
    sort_target=sort_targets,
    serializable=rarely,
    keys_only=rarely,
    count_only=rarely,
    min_mod_revision=bounds,
    max_mod_revision=bounds,
    min_create_revision=bounds,
    max_create_revision=bounds,
)
plain_ranges = st.builds(RangeRequest, key=keys, range_end=range_ends)
puts = st.builds(
    PutRequest,
    key=any_key,
    value=values,
    lease=leases,
    prev_kv=st.booleans(),
    ignore_value=rarely,
    ignore_lease=rarely,
)
plain_puts = st.builds(PutRequest, key=keys, value=values)
deletes = st.builds(DeleteRangeRequest, key=any_key, range_end=range_ends, prev_kv=st.booleans())
compactions = st.builds(
    CompactionRequest, revision=st.just(0) | relative_revisions, physical=st.booleans()
)


conditions = st.builds(
    Compare,
    key=any_key,
    range_end=range_ends,
    result=st.sampled_from([0, 0, 1, 2, 3, 9]),
    target=st.sampled_from([0, 1, 2, 3, 4]),
)


@st.composite
def compares(draw: st.DrawFn) -> Compare:
    """Return any condition; of the union only the member of its target is set, or another."""
    compare = draw(conditions)
    match draw(st.sampled_from([compare.target, compare.target, compare.target, 0, 3])):
        case Compare.VERSION:
            compare.version = draw(st.integers(0, 3))
        case Compare.CREATE:
            compare.create_revision = draw(bounds)
        case Compare.MOD:
            compare.mod_revision = draw(bounds)
        case Compare.VALUE:
            compare.value = draw(values)
        case _:
            compare.lease = draw(leases)
    return compare


@st.composite
def request_ops(draw: st.DrawFn, depth: int) -> RequestOp:
    """Return an operation of a transaction; with depth left, it may be one itself."""
    kinds = ["range", "range", "put", "put", "put", "delete", "none", *["txn"] * (3 * (depth > 0))]
    match draw(st.sampled_from(kinds)):
        case "range":
            return RequestOp(request_range=draw(plain_ranges | ranges))
        case "put":
            return RequestOp(request_put=draw(plain_puts | puts))
        case "delete":
            return RequestOp(request_delete_range=draw(deletes))
        case "txn":
            return RequestOp(request_txn=draw(txns(depth - 1)))
        case _:
            return RequestOp()


@st.composite
def txns(draw: st.DrawFn, depth: int) -> TxnRequest:
    """Return a transaction."""
    ops = st.lists(request_ops(depth), max_size=3)
    return TxnRequest(
        compare=draw(st.lists(compares(), max_size=2)), success=draw(ops), failure=draw(ops)
    )


requests: st.SearchStrategy[KvRequest] = st.one_of(
    plain_puts, puts, plain_ranges, ranges, deletes, compactions, txns(0), txns(2)
)
sequences = st.lists(requests, min_size=1, max_size=12)

LEASE_IDS = (501, 502)
"""Those that a sequence may grant; they live for longer than it takes."""

lease_ids = st.sampled_from([*LEASE_IDS, *LEASE_IDS, *LEASE_IDS, 77, -1])
leased_puts = st.builds(PutRequest, key=keys, value=values, lease=lease_ids, prev_kv=rarely)
lease_requests: st.SearchStrategy[ApiRequest] = st.one_of(
    st.builds(
        LeaseGrantRequest,
        ID=st.sampled_from([*LEASE_IDS, *LEASE_IDS, -1]),
        TTL=st.sampled_from([600, 600, 600, 9_000_000_001]),
    ),
    leased_puts,
    leased_puts,
    leased_puts,
    st.builds(LeaseRevokeRequest, ID=lease_ids),
    st.builds(LeaseTimeToLiveRequest, ID=lease_ids, keys=st.booleans()),
    st.builds(LeaseKeepAliveRequest, ID=lease_ids),
    st.just(LeaseLeasesRequest()),
)
watches = st.builds(
    WatchCreateRequest,
    key=any_key,
    range_end=range_ends,
    start_revision=st.just(0) | relative_revisions,
    prev_kv=st.booleans(),
    filters=st.sampled_from([[], [], [], [0], [1], [0, 1]]),
)
steps: st.SearchStrategy[ApiRequest | WatchCreateRequest] = st.one_of(
    requests, lease_requests, lease_requests, watches
)
"""All of the KV and Lease services, and watches, which stay open to the end of their sequence."""

longer_sequences = st.lists(steps, min_size=2, max_size=16)


def rebased(request: ApiRequest, base: int) -> ApiRequest:
    """Return the request with every drawn revision counted from `base`."""
    copy = type(request).FromString(request.SerializeToString())
    _rebase(copy, base)
    return copy


def rebased_watch(request: WatchCreateRequest, base: int) -> WatchCreateRequest:
    """Return the same watch with its start counted from `base`."""
    copy = WatchCreateRequest.FromString(request.SerializeToString())
    copy.start_revision = _shifted(request.start_revision, base)
    return copy


def _rebase(request: ApiRequest, base: int) -> None:
    match request:
        case RangeRequest():
            request.revision = _shifted(request.revision, base)
            request.min_mod_revision = _shifted(request.min_mod_revision, base)
            request.max_mod_revision = _shifted(request.max_mod_revision, base)
            request.min_create_revision = _shifted(request.min_create_revision, base)
            request.max_create_revision = _shifted(request.max_create_revision, base)
        case CompactionRequest():
            request.revision = _shifted(request.revision, base)
        case TxnRequest():
            _rebase_txn(request, base)
        case _:
            pass


def _rebase_txn(request: TxnRequest, base: int) -> None:
    for compare in request.compare:
        if compare.HasField("create_revision"):
            compare.create_revision = _shifted(compare.create_revision, base)
        if compare.HasField("mod_revision"):
            compare.mod_revision = _shifted(compare.mod_revision, base)
    for op in (*request.success, *request.failure):
        if op.HasField("request_range"):
            _rebase(op.request_range, base)
        if op.HasField("request_txn"):
            _rebase_txn(op.request_txn, base)


def _shifted(revision: int, base: int) -> int:
    return revision - BASE + base if revision > 0 else revision
