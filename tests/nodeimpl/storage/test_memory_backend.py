"""What the memory backend promises beyond the contract (`test_backend_contract`)."""

import pytest

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.storage.memory_backend import MemoryBackend


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


def test_points_grow_across_a_crash(backend: MemoryBackend) -> None:
    first = backend.seal(Applied(LogIndex(1), Term(1)))
    backend.commit(first)
    backend.crash()
    assert backend.seal(Applied(LogIndex(2), Term(1))) > first


def test_a_point_nobody_sealed_cannot_be_committed(backend: MemoryBackend) -> None:
    point = backend.seal(Applied(LogIndex(1), Term(1)))
    backend.crash()
    with pytest.raises(AssertionError, match="point 1 was never sealed"):
        backend.commit(point)
