"""Planted bugs in what a range request finds and returns (etcd, learning/api: Range)."""

from collections.abc import Callable

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.errors import FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import RangeRequest, RangeResponse, ResponseOp
from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_ranges import FROM_KEY, KeyRange, key_range
from nodeimpl.mvcc.ranges import _sort_key, fill_range, read_range
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.txn import Step, _carry_out_step, _range_error
from nodeimpl.mvcc.writing import Writer

_PAGE_KEYS = 30
_healthy_step = _carry_out_step


def _at_present(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, _changed(request, revision=0), present, response)


def _before_own_writes(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, request, state.revision, response)
    response.header.revision = present


def _count_returned(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, request, present, response)
    if response.more:
        response.count = len(response.kvs)


def _one_more(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    limit = request.limit + 1 if request.limit else 0
    fill_range(state, _changed(request, limit=limit), present, response)


def _never_more(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, request, present, response)
    response.more = False


def _a_page_at_most(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, request, present, response)
    del response.kvs[_PAGE_KEYS:]


def _limit_before_sort(
    state: StoreState, request: RangeRequest, present: Revision, response: RangeResponse
) -> None:
    fill_range(state, _changed(request, limit=0), present, response)
    if request.limit and len(response.kvs) > request.limit:
        first = sorted(response.kvs, key=lambda kv: kv.key)[: request.limit]
        response.ClearField("kvs")
        response.kvs.extend(first)
        response.more = True


def _by_last_change(request: RangeRequest) -> Callable[[KeyValue], bytes | int]:
    if request.sort_target == RangeRequest.CREATE:
        return lambda kv: kv.mod_revision
    return _sort_key(request)


def _step_at_present(writer: Writer, step: Step, response: ResponseOp) -> None:
    if isinstance(step, RangeRequest):
        step = _changed(step, revision=0)
    _healthy_step(writer, step, response)


def _refused_for_the_future_only(state: StoreState, request: RangeRequest) -> ApiError | None:
    return FUTURE_REVISION if request.revision > state.revision else None


def _read_the_future(state: StoreState, request: RangeRequest) -> RangeResponse | ApiError:
    if request.revision > state.revision:
        return read_range(state, _changed(request, revision=0))
    return read_range(state, request)


def _changed(
    request: RangeRequest, *, revision: int | None = None, limit: int | None = None
) -> RangeRequest:
    """Return the request with these settings in the place of its own; None leaves one as it is."""
    changed = RangeRequest()
    changed.CopyFrom(request)
    if revision is not None:
        changed.revision = revision
    if limit is not None:
        changed.limit = limit
    return changed


def _including_end(key: bytes, range_end: bytes) -> KeyRange:
    if range_end and range_end != FROM_KEY:
        return key_range(key, range_end + b"\0")
    return key_range(key, range_end)


def _after_key(key: bytes, range_end: bytes) -> KeyRange:
    if range_end == FROM_KEY:
        return key_range(key + b"\0", range_end)
    return key_range(key, range_end)


MUTANTS = (
    Mutant(
        name="old-revision-ignored",
        breaks="etcd api: a range at a revision answers as the store stood there, not as it stands",
        patches=(patch(fill_range, _at_present),),
    ),
    Mutant(
        name="future-revision-answered",
        breaks="etcd api: a range at a revision that is still to come is refused (ErrFutureRev); "
        "what it will hold is not known",
        patches=(patch(read_range, _read_the_future),),
    ),
    Mutant(
        name="txn-does-not-see-its-writes",
        breaks="etcd api: the operations of a transaction are carried out in order; a range sees "
        "the puts before it",
        patches=(patch(fill_range, _before_own_writes),),
    ),
    Mutant(
        name="txn-reads-only-the-present",
        breaks="etcd api: a range in a transaction may ask for an old revision, too",
        patches=(patch(_carry_out_step, _step_at_present),),
        workloads=("mixed",),
    ),
    Mutant(
        name="txn-reads-what-is-compacted",
        breaks="etcd, txn.go: checkRange; a transaction that reads below the compaction is refused",
        patches=(patch(_range_error, _refused_for_the_future_only),),
        workloads=("mixed",),
    ),
    Mutant(
        name="count-stops-at-limit",
        breaks="etcd api: count is the number of keys within the range, whatever the limit",
        patches=(patch(fill_range, _count_returned),),
    ),
    Mutant(
        name="one-key-over-limit",
        breaks="etcd api: limit is the most keys that are returned",
        patches=(patch(fill_range, _one_more),),
    ),
    Mutant(
        name="large-range-cut",
        breaks="etcd api: a limit of 0 is no limit; a range then returns every key, however many",
        patches=(patch(fill_range, _a_page_at_most),),
        workloads=("set",),
    ),
    Mutant(
        name="limit-before-sort",
        breaks="etcd api: a range is sorted first, and then cut to its limit; cut first, the "
        "oldest key is not found, and two clients hold one lock",
        patches=(patch(fill_range, _limit_before_sort),),
        workloads=("lock",),
    ),
    Mutant(
        name="sorted-by-last-change",
        breaks="etcd api: keys are sorted by the target asked for; a leader that proclaims, and so "
        "changes its key, is not younger for that",
        patches=(patch(_sort_key, _by_last_change),),
        workloads=("elect",),
    ),
    Mutant(
        name="more-never-set",
        breaks="etcd api: more says that there are keys left to return in the range",
        patches=(patch(fill_range, _never_more),),
    ),
    Mutant(
        name="range-end-included",
        breaks="etcd api: a range is [key, range_end); its end does not belong to it",
        patches=(patch(key_range, _including_end),),
    ),
    Mutant(
        name="from-key-leaves-key-out",
        breaks="etcd api: a range_end of one zero byte means all keys from key on, itself included",
        patches=(patch(key_range, _after_key),),
    ),
)
