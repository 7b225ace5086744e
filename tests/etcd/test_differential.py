"""Our node and a real etcd, side by side: what one answers, the other must answer.

Sequences are drawn, sent to both, and compared field by field; only the ids of cluster and member
and the term may differ. `QUORATE_SEQUENCES` says how many (2000 take a few minutes).
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, example, given, settings

from harness.systems.versions import Version
from nodeimpl.api.requests import ApiRequest, KvRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
)
from tests.etcd.comparing import emptied, normalized, watched, without_leases
from tests.etcd.differences import BROKEN_AT_COMPACTION, is_excused
from tests.etcd.requests import BASE, longer_sequences, rebased, rebased_watch, sequences
from tests.etcd.sides import NodeAlone, Side, StoreDaemon, Watcher
from tests.local.waiting import wait_for

SEQUENCES = int(os.environ.get("QUORATE_SEQUENCES", "200"))
SYNC_S = 0.15
"""A watch of the past is served within 100 ms (etcd, watchable_store: syncWatchersLoop)."""

pytestmark = [pytest.mark.local, pytest.mark.timeout(120 + SEQUENCES)]

drawn = settings(
    max_examples=SEQUENCES,
    derandomize=SEQUENCES <= 200,
    suppress_health_check=list(HealthCheck),
)

PUTS_ARE_LOOKED_AT_FIRST = TxnRequest(
    success=[
        RequestOp(request_range=RangeRequest(key=b"a", revision=BASE - 3)),
        RequestOp(request_put=PutRequest(key=b"a", lease=77)),
    ]
)
"""Two errors in one transaction: which is told?"""


@pytest.fixture(scope="module")
def alone() -> NodeAlone:
    return NodeAlone()


@example(requests=[PUTS_ARE_LOOKED_AT_FIRST])
@drawn
@given(requests=sequences)
def test_every_answer_of_the_node_itself_is_etcds(
    alone: NodeAlone, etcd: StoreDaemon, requests: list[KvRequest]
) -> None:
    version = Version.parse(etcd.name)
    sides: tuple[Side, Side] = (alone, etcd)
    bases = [emptied(side) for side in sides]
    for request in requests:
        if not is_excused(request, version):
            ours, theirs = (
                normalized(side.ask(rebased(request, base)), base)
                for side, base in zip(sides, bases, strict=True)
            )
            assert ours == theirs, f"asked: {request}"


@drawn
@given(steps=longer_sequences)
def test_every_answer_of_the_daemon_is_etcds(
    node: StoreDaemon, etcd: StoreDaemon, steps: list[ApiRequest | WatchCreateRequest]
) -> None:
    with compared(node, etcd) as pair:
        for step in steps:
            if isinstance(step, WatchCreateRequest):
                pair.watch(step)
            elif not is_excused(step, pair.version):
                pair.ask(step)
        pair.compare_watches()


@dataclass(kw_only=True)
class Pair:
    """Two stores in the course of one sequence, and the watches that are open on both."""

    sides: tuple[StoreDaemon, StoreDaemon]
    bases: tuple[int, int]
    version: Version
    watchers: list[tuple[WatchCreateRequest, Watcher, Watcher]] = field(default_factory=list)
    compacted: int = BASE
    """The last revision that a request asked to compact, as drawn."""

    def ask(self, request: ApiRequest) -> None:
        """Ask both and compare."""
        if isinstance(request, CompactionRequest):
            self.compacted = max(self.compacted, request.revision)
        ours, theirs = (
            normalized(side.ask(rebased(request, base)), base)
            for side, base in zip(self.sides, self.bases, strict=True)
        )
        assert ours == theirs, f"asked: {request}"

    def watch(self, request: WatchCreateRequest) -> None:
        """Watch on both; a watch of the past is waited for, as compactions race with it."""
        if request.start_revision == self.compacted and self.version < BROKEN_AT_COMPACTION:
            return
        ours, theirs = (
            side.watch(rebased_watch(request, base))
            for side, base in zip(self.sides, self.bases, strict=True)
        )
        self.watchers.append((request, ours, theirs))
        wait_for(lambda: bool(ours.responses and theirs.responses))
        if request.start_revision:
            time.sleep(SYNC_S)

    def compare_watches(self) -> None:
        """Give the slower one time to deliver as much, and compare."""
        for request, *both in self.watchers:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline and not self._are_equal(both):
                time.sleep(0.01)
            ours, theirs = self._contents(both)
            assert ours == theirs, f"watched: {request}"

    def close(self) -> None:
        """End every watch."""
        for _, *both in self.watchers:
            for watcher in both:
                watcher.close()

    def _are_equal(self, both: list[Watcher]) -> bool:
        ours, theirs = self._contents(both)
        return ours == theirs

    def _contents(self, both: list[Watcher]) -> list[object]:
        return [watched(watcher, base) for watcher, base in zip(both, self.bases, strict=True)]


@contextmanager
def compared(node: StoreDaemon, etcd: StoreDaemon) -> Iterator[Pair]:
    """Yield both stores, empty."""
    for side in (node, etcd):
        without_leases(side)
    bases = emptied(node), emptied(etcd)
    pair = Pair(sides=(node, etcd), bases=bases, version=Version.parse(etcd.name))
    try:
        yield pair
    finally:
        pair.close()
