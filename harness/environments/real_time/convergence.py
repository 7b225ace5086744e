"""Whether a cluster at rest has come together: one leader, everything applied, equal stores."""

import asyncio
from collections.abc import Mapping
from typing import Final

from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.monitor import NodeStatus, status_of
from harness.environments.real_time.outcome import Stuck
from harness.errors import CallError, HarnessError
from nodeimpl.api.rpc_pb2 import HashKVResponse, RangeRequest, RangeResponse
from nodeimpl.ids import MILLISECOND, SECOND

_PATIENCE_NS: Final = 2 * SECOND
_RETRY_NS: Final = 100 * MILLISECOND
_COMPARISONS_MAX: Final = 50
"""Members compact each at its own pace (etcd, mvcc: scheduleCompaction); this is 5 s for that."""


def lagging(statuses: Mapping[str, NodeStatus | None]) -> str | None:
    """Return what is missing until the nodes have come together; None if nothing is."""
    known: dict[str, NodeStatus] = {}
    for node, status in statuses.items():
        if status is None:
            return f"{node} does not answer"
        known[node] = status
    leaders = {status.leader_id for status in known.values()}
    if leaders == {0}:
        return "there is no leader"
    if len(leaders) > 1:
        said = ", ".join(f"{node} {status.leader_id:x}" for node, status in known.items())
        return f"the nodes do not agree who leads: {said}"
    applied = {node: status.applied_index for node, status in known.items()}
    if len(dict.fromkeys(applied.values())) > 1:
        said = ", ".join(f"{node} {index}" for node, index in applied.items())
        return f"the nodes have applied unequally much: {said}"
    return None


async def serves(endpoint: Endpoint) -> bool:
    """Say whether the node answers a linearizable read, which takes a leader and a quorum."""
    try:
        await endpoint.call(RangeRequest(key=b"\0"), _PATIENCE_NS)
    except CallError:
        return False
    return True


async def require_empty(endpoint: Endpoint) -> None:
    """Raise `HarnessError` if somebody has written to the store, or it does not answer.

    The checkers know of no writes but the trial's. A store begins at revision 1 (etcd, KV).
    """
    try:
        answer = await endpoint.call(RangeRequest(key=b"\0"), _PATIENCE_NS)
    except CallError as error:
        raise HarnessError(f"the cluster serves no more before its trial: {error}") from error
    assert isinstance(answer, RangeResponse), "of its request"
    if answer.header.revision > 1:
        raise HarnessError(
            f"the store was written to before (it is at revision {answer.header.revision}), so "
            "nothing could be judged; begin with an empty one (docker compose down -v)"
        )


async def compare_stores(endpoints: Mapping[str, Endpoint]) -> int:
    """Return how many nodes were found to hold equal stores; raises `Stuck` if they do not.

    Hashes can be compared where revision and compaction are equal (etcd, Maintenance.HashKV);
    nodes at rest come to that, unless their stores have come apart. 0 if they have not come to
    it, or did not answer.
    """
    for _ in range(_COMPARISONS_MAX):
        hashes = await _hashes(endpoints)
        if hashes is None:
            return 0
        places = {
            node: (answer.header.revision, answer.compact_revision)
            for node, answer in hashes.items()
        }
        if len(dict.fromkeys(places.values())) == 1:
            _require_equal(hashes)
            return len(hashes)
        if len(dict.fromkeys(revision for revision, _ in places.values())) > 1:
            await _require_one_revision(endpoints)
        await asyncio.sleep(_RETRY_NS / SECOND)
    return 0


async def _require_one_revision(endpoints: Mapping[str, Endpoint]) -> None:
    """Raise `Stuck` if nodes that have applied as much, and rest, stand at different revisions."""
    first = await _statuses(endpoints)
    await asyncio.sleep(_RETRY_NS / SECOND)
    if first is None or first != await _statuses(endpoints) or lagging(first) is not None:
        return
    revisions = {node: status.revision for node, status in first.items()}
    if len(dict.fromkeys(revisions.values())) > 1:
        said = ", ".join(f"{node} {revision}" for node, revision in revisions.items())
        applied_index = next(iter(first.values())).applied_index
        raise Stuck(
            "agreement",
            "State Machine Safety (Raft §5.4.3)",
            f"all nodes have applied {applied_index} entries, and their stores have come apart; "
            f"revisions: {said}",
        )


async def _statuses(endpoints: Mapping[str, Endpoint]) -> Mapping[str, NodeStatus] | None:
    """Return what every node says of itself; None if one does not answer."""
    try:
        answers = await asyncio.gather(
            *(endpoint.status(_PATIENCE_NS) for endpoint in endpoints.values())
        )
    except CallError:
        return None
    return dict(zip(endpoints, map(status_of, answers), strict=True))


async def _hashes(endpoints: Mapping[str, Endpoint]) -> Mapping[str, HashKVResponse] | None:
    """Return the hash of every node's store; None if a node does not answer."""
    try:
        answers = await asyncio.gather(
            *(endpoint.hash_kv(_PATIENCE_NS) for endpoint in endpoints.values())
        )
    except CallError:
        return None
    return dict(zip(endpoints, answers, strict=True))


def _require_equal(hashes: Mapping[str, HashKVResponse]) -> None:
    if len(dict.fromkeys(answer.hash for answer in hashes.values())) > 1:
        said = ", ".join(f"{node} {answer.hash:08x}" for node, answer in hashes.items())
        revision = next(iter(hashes.values())).header.revision
        raise Stuck(
            "agreement",
            "State Machine Safety (Raft §5.4.3)",
            f"stores of revision {revision} differ; HashKV says {said}",
        )
