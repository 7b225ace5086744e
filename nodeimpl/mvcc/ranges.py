"""Reading: every option of a RangeRequest, at the present revision or an old one.

The order is etcd's (txn.go, executeRange): find the keys, filter by revisions, sort, then limit.
`count` is of all keys found, whatever filters and limit leave out.
"""

from collections.abc import Callable
from itertools import islice

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import RangeRequest, RangeResponse
from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_index import Found
from nodeimpl.mvcc.key_ranges import key_range
from nodeimpl.mvcc.state import StoreState


def read_range(state: StoreState, request: RangeRequest) -> RangeResponse | ApiError:
    """Return what the request finds in the store as it stands.

    A revision before the compaction or after the present cannot be read; 0 and less mean now.
    """
    if request.revision > state.revision:
        return FUTURE_REVISION
    if 0 < request.revision < state.compaction.revision:
        return COMPACTED
    response = RangeResponse()
    fill_range(state, request, state.revision, response)
    return response


def fill_range(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    """Fill an empty response with what the request finds, at a revision known to be readable.

    `present` is the revision that counts as now: the store's own, or one more inside a transaction
    that has changed something, so that reads there see the writes before them.
    """
    at = Revision(request.revision) if request.revision > 0 else present
    response.header.revision = present
    state.tally.ranges += 1
    if request.range_end:
        _fill_from_range(state, request, at, response)
    else:
        _fill_from_key(state, request, at, response)


def _fill_from_key(
    state: StoreState, request: RangeRequest, at: Revision, response: RangeResponse
) -> None:
    """Answer for one key: there is nothing to sort and no limit to reach."""
    found = state.index.find(request.key, at)
    if found is None:
        return
    response.count = 1
    if request.count_only or not _is_within_bounds(request, found):
        return
    kv = response.kvs.add()
    kv.ParseFromString(state.record(found))
    if request.keys_only:
        kv.ClearField("value")


def _fill_from_range(
    state: StoreState, request: RangeRequest, at: Revision, response: RangeResponse
) -> None:
    matches = [
        found for _, found in state.index.scan(key_range(request.key, request.range_end), at)
    ]
    response.count = len(matches)
    if request.count_only:
        return
    limit = request.limit if request.limit > 0 else None
    if limit is not None and _limit_comes_first(request):
        matches = matches[: limit + 1]
    kept = [found for found in matches if _is_within_bounds(request, found)]
    if _is_in_key_order(request):
        # Nothing to sort by: only what is returned need be read.
        response.more = limit is not None and len(kept) > limit
        for found in islice(kept, limit):
            response.kvs.add().ParseFromString(state.record(found))
    else:
        kvs = [KeyValue.FromString(state.record(found)) for found in kept]
        kvs.sort(key=_sort_key(request), reverse=request.sort_order == RangeRequest.DESCEND)
        response.more = limit is not None and len(kvs) > limit
        response.kvs.extend(kvs[:limit])
    if request.keys_only:
        for kv in response.kvs:
            kv.ClearField("value")


def _is_within_bounds(request: RangeRequest, found: Found) -> bool:
    """Whether the key's revisions lie within the bounds, both inclusive; 0 is no bound."""
    if request.max_mod_revision and found.main > request.max_mod_revision:
        return False
    if request.min_mod_revision and found.main < request.min_mod_revision:
        return False
    if request.max_create_revision and found.created > request.max_create_revision:
        return False
    return not (request.min_create_revision and found.created < request.min_create_revision)


def _limit_comes_first(request: RangeRequest) -> bool:
    """Whether only the first `limit` keys, and one more, are looked at all (as etcd).

    So a request that names a sort target but no order sorts only the first keys of the range.
    """
    return request.sort_order == RangeRequest.NONE and not (
        request.min_mod_revision
        or request.max_mod_revision
        or request.min_create_revision
        or request.max_create_revision
    )


def _is_in_key_order(request: RangeRequest) -> bool:
    """Whether the answer is in ascending key order, as the index yields it.

    A target other than the key without an order means ascending by that target (as etcd).
    """
    return request.sort_target == RangeRequest.KEY and request.sort_order != RangeRequest.DESCEND


def _sort_key(request: RangeRequest) -> Callable[[KeyValue], bytes | int]:
    """Return what to sort by. Equal ones stay in ascending key order, which etcd leaves open."""
    match request.sort_target:
        case RangeRequest.KEY:
            return lambda kv: kv.key
        case RangeRequest.VERSION:
            return lambda kv: kv.version
        case RangeRequest.CREATE:
            return lambda kv: kv.create_revision
        case RangeRequest.MOD:
            return lambda kv: kv.mod_revision
        case RangeRequest.VALUE:
            return lambda kv: kv.value
        case unknown:
            raise AssertionError(f"validation let sort target {unknown} through")
