"""Compaction: forget what later changes superseded (etcd, learning/data_model: compaction)."""

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.rpc_pb2 import CompactionRequest, CompactionResponse
from nodeimpl.ids import Revision
from nodeimpl.mvcc.rows import CompactionMark, row_of, write_compaction_mark
from nodeimpl.mvcc.state import StoreState, chain_between


def apply_compaction(
    state: StoreState, request: CompactionRequest
) -> CompactionResponse | ApiError:
    """Forget every change superseded at or before the revision asked for.

    Reads at that revision and later answer as before; reads before it answer `COMPACTED`. Nothing
    of the present changes, so the store's revision and hash stay. All rows go at once, in the
    backend's next commit, whether or not the request says `physical`.
    """
    revision = Revision(request.revision)
    if revision <= state.compaction.revision:
        return COMPACTED
    if revision > state.revision:
        return FUTURE_REVISION
    # The rows up to `revision` enter the hash while they are all still there.
    mark = CompactionMark(revision, chain_between(state.backend, state.compaction, revision))
    for place in state.index.compact(revision):
        state.backend.delete(row_of(place))
    write_compaction_mark(state.backend, mark)
    state.compaction = mark
    response = CompactionResponse()
    response.header.revision = state.revision
    return response
