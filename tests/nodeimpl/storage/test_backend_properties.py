"""Every backend against a naive one that keeps a whole copy at every point."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied, CommitPoint
from tests.nodeimpl.storage.crashable import KINDS, ReopenedBackend

keys = st.sampled_from([b"", b"a", b"ab", b"b", b"c"])
values = st.sampled_from([b"", b"1", b"22"])

Copy = tuple[int, dict[bytes, bytes]]
"""An applied index and everything in the map."""


class Comparison(RuleBasedStateMachine):
    kind = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.backend = KINDS[self.kind](Path(self.directory.name))
        self.now: dict[bytes, bytes] = {}
        self.sealed: list[tuple[CommitPoint, Copy]] = []
        self.durable: Copy = (0, {})
        self.applied = 0

    @rule(key=keys, value=values)
    def put(self, key: bytes, value: bytes) -> None:
        self.backend.put(key, value)
        self.now[key] = value

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        self.backend.delete(key)
        self.now.pop(key, None)

    @rule(entries=st.integers(0, 3))
    def seal(self, entries: int) -> None:
        self.applied += entries
        point = self.backend.seal(Applied(LogIndex(self.applied), Term(1)))
        assert not self.sealed or point > self.sealed[-1][0]
        self.sealed.append((point, (self.applied, dict(self.now))))

    @rule(rows=st.dictionaries(keys, values), entries=st.integers(0, 3))
    def restore(self, rows: dict[bytes, bytes], entries: int) -> None:
        self.applied += entries
        applied = Applied(LogIndex(self.applied), Term(1))
        point = self.backend.restore(applied, sorted(rows.items()))
        self.now = dict(rows)
        self.sealed.append((point, (self.applied, dict(rows))))

    @precondition(lambda self: self.sealed)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.sealed) - 1))
        point, self.durable = self.sealed[number]
        self.backend.commit(point)
        del self.sealed[: number + 1]

    @rule()
    def crash(self) -> None:
        self.backend.crash()
        self.applied, self.now = self.durable[0], dict(self.durable[1])
        self.sealed = []

    @rule(start=keys, end=st.none() | keys)
    def scan(self, start: bytes, end: bytes | None) -> None:
        expected = [
            (key, self.now[key])
            for key in sorted(self.now)
            if key >= start and (end is None or key < end)
        ]
        assert list(self.backend.scan(start, end)) == expected

    @override
    def teardown(self) -> None:
        if isinstance(self.backend, ReopenedBackend):
            self.backend.inner.close()
        self.directory.cleanup()

    @invariant()
    def agrees(self) -> None:
        assert dict(self.backend.scan(b"", None)) == self.now
        assert self.backend.applied.index == self.applied
        assert self.backend.durable.index == self.durable[0]
        assert self.backend.size_bytes() == sum(
            len(key) + len(value) for key, value in self.now.items()
        )


class ComparisonOfLmdb(Comparison):
    kind = "lmdb"

    @precondition(lambda self: isinstance(self.backend, ReopenedBackend))
    @rule(rewrite=st.booleans())
    def defragment(self, *, rewrite: bool) -> None:
        assert isinstance(self.backend, ReopenedBackend)
        self.backend.inner.defragment(rewrite=rewrite)


class ComparisonOfEncryptedLmdb(ComparisonOfLmdb):
    kind = "lmdb, encrypted"


TestMemoryBackend = Comparison.TestCase
TestMemoryBackend.settings = settings(max_examples=40, stateful_step_count=40)
TestLmdbBackend = ComparisonOfLmdb.TestCase
TestLmdbBackend.settings = settings(max_examples=15, stateful_step_count=30)
TestEncryptedLmdbBackend = ComparisonOfEncryptedLmdb.TestCase
TestEncryptedLmdbBackend.settings = settings(max_examples=15, stateful_step_count=30)
