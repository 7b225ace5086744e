"""Planted bugs in what is durable of the store, and together with what."""

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.boundary import CommitBackend, Effect, Input
from nodeimpl.ids import Instant
from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.node import Node
from nodeimpl.storage.memory_backend import MemoryBackend

_handle = Node.handle
_seal = MemoryBackend.seal


def _seal_without_index(backend: MemoryBackend, applied: Applied) -> CommitPoint:
    """Commit the rows alone: the applied index stays what it was."""
    del applied
    return _seal(backend, backend.applied)


def _seal_without_rows(backend: MemoryBackend, applied: Applied) -> CommitPoint:
    """Commit the applied index alone: the rows go with the next commit."""
    notes, backend._open = backend._open, []
    point = _seal(backend, applied)
    backend._open = notes
    return point


def _crash_keeping_rows(backend: MemoryBackend) -> None:
    """Keep what was written and not committed, as pages that happened to reach the disk."""
    backend._batches = []
    backend._open = []


def _commit_backend_first(node: Node, now: Instant, given: Input) -> list[Effect]:
    return sorted(
        _handle(node, now, given), key=lambda effect: not isinstance(effect, CommitBackend)
    )


MUTANTS = (
    Mutant(
        name="applied-index-not-committed",
        breaks="etcd, backend consistent index: rows and applied index are one commit; rows alone, "
        "and the entries are applied to them once more after a restart",
        patches=(patch(MemoryBackend.seal, _seal_without_index),),
    ),
    Mutant(
        name="rows-not-committed",
        breaks="etcd, backend consistent index: rows and applied index are one commit; the index "
        "alone, and entries are passed over whose rows a crash took",
        patches=(patch(MemoryBackend.seal, _seal_without_rows),),
    ),
    Mutant(
        name="uncommitted-rows-kept",
        breaks="nodeimpl.mvcc.backend: a commit is all or nothing; rows that survive a crash "
        "without it meet the entries that wrote them again",
        patches=(patch(MemoryBackend.crash, _crash_keeping_rows),),
    ),
    Mutant(
        name="backend-overtakes-log",
        breaks="nodeimpl.mvcc.backend: the store must not be durable before the log it was made "
        "from; after a power cut it has applied entries that nobody has",
        patches=(patch(Node.handle, _commit_backend_first),),
    ),
)
