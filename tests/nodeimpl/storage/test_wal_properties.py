"""Whatever a power cut keeps of what was not synced, the log comes back as one that was written."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from typing_extensions import override

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.recovery import implied_trim, recover, replay
from nodeimpl.storage.wal import Wal
from nodeimpl.storage.wal_format import Write, encode
from tests.nodeimpl.storage.crashable import counted
from tests.nodeimpl.storage.free_syncs import free_syncs

BLOCK = 128
"""Bytes that a power cut keeps or loses together: far fewer than a page, to meet more."""
SEGMENT_BYTES = 900


def opened(directory: Path, cipher: Cipher = PLAIN) -> Wal:
    return Wal(directory, cluster_id=7, member_id=1, cipher=cipher, segment_bytes=SEGMENT_BYTES)


def cut_power(
    data: st.DataObject, directory: Path, durable: dict[str, bytes], now: dict[str, bytes]
) -> None:
    """Leave of every file a mixture of what is durable and what was written since."""
    for name, content in now.items():
        before = durable.get(name)
        path = directory / name
        if before is None:
            if data.draw(st.booleans()):
                path.unlink()
                continue
            before = b""
        length = data.draw(st.sampled_from(sorted({len(before), len(content)})))
        before = before.ljust(len(content), b"\0")
        blocks = []
        for start in range(0, len(content), BLOCK):
            old, new = before[start : start + BLOCK], content[start : start + BLOCK]
            blocks.append(old if old == new or data.draw(st.booleans()) else new)
        path.write_bytes(b"".join(blocks)[:length])


class PowerCuts(RuleBasedStateMachine):
    """A log and, beside it, everything that was ever written to it."""

    cipher: Cipher = PLAIN

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(free_syncs())
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.wal = opened(self.directory, self.cipher)
        self.writes: list[Write] = []
        self.synced = 0
        self.durable_files = self.files()
        self.term = 1
        self.hard_term = 0
        self.last = 0
        self.committed = 0
        self.terms = {0: 0}

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.directory.iterdir())}

    def write(self, write: Write) -> None:
        if isinstance(write, Persist) and write.hard_state is not None:
            self.hard_term = write.hard_state.current_term
        self.wal.append(write)
        self.writes.append(write)

    @rule(count=st.integers(1, 4), size=st.integers(0, 200), back=st.integers(0, 3))
    def append_entries(self, count: int, size: int, back: int) -> None:
        first = max(self.committed, self.last - back) + 1
        if first <= self.last:
            self.term += 1
        entries = tuple(
            Entry(Term(self.term), LogIndex(index), EntryKind.COMMAND, bytes([index % 251]) * size)
            for index in range(first, first + count)
        )
        state = HardState(Term(self.term), None) if self.term != self.hard_term else None
        self.write(Persist(state, entries))
        self.last = first + count - 1
        self.terms.update({entry.index: entry.term for entry in entries})

    @rule(vote=st.none() | st.integers(1, 3).map(NodeId))
    def vote(self, vote: NodeId | None) -> None:
        self.term += 1
        self.write(Persist(HardState(Term(self.term), vote), ()))

    @rule(data=st.data())
    def commit_and_trim(self, data: st.DataObject) -> None:
        if self.synced < len(self.writes):
            self.sync()
        self.committed = data.draw(st.integers(self.committed, self.last))
        prefix = data.draw(st.integers(max(0, self.committed - 2), self.committed))
        if prefix >= self.prefix():
            self.write(Trim(LogIndex(prefix), Term(self.terms[prefix])))

    @rule(ahead=st.integers(1, 30))
    def install_snapshot(self, ahead: int) -> None:
        self.term += 1
        self.write(Persist(HardState(Term(self.term), None), ()))
        self.sync()  # The store is committed behind it.
        self.committed += ahead
        self.terms[self.committed] = self.term
        self.last = self.committed
        self.write(Trim(LogIndex(self.committed), Term(self.term)))

    def prefix(self) -> int:
        trims = [write.prefix_index for write in self.writes if isinstance(write, Trim)]
        return trims[-1] if trims else 0

    @rule()
    def sync(self) -> None:
        assert self.wal.sync() == self.wal.durable
        self.synced = len(self.writes)
        self.durable_files = self.files()

    @rule()
    def kill(self) -> None:
        self.wal.close()
        self.reopen(at_least=len(self.writes))

    @rule(data=st.data())
    def lose_power(self, data: st.DataObject) -> None:
        now = self.files()
        self.wal.close()
        cut_power(data, self.directory, self.durable_files, now)
        self.reopen(at_least=self.synced)

    def reopen(self, at_least: int) -> None:
        self.wal = opened(self.directory, self.cipher)
        applied = Applied(LogIndex(self.committed), Term(self.terms[self.committed]))
        found = replay(self.wal.contents(), applied)
        candidates = [
            count
            for count in range(len(self.writes), at_least - 1, -1)
            if recover(b"".join(map(encode, self.writes[:count])), applied) == found
        ]
        assert candidates, f"{found} is none of what was written"
        del self.writes[candidates[0] :]
        self.synced = len(self.writes)
        self.durable_files = self.files()
        trim = implied_trim(self.wal.contents(), found)
        if trim is not None:
            self.write(trim)
        self.last = found.last_index
        self.terms.update({entry.index: entry.term for entry in found.entries})
        self.hard_term = found.hard_state.current_term

    @precondition(lambda self: self.writes)
    @rule()
    def no_file_is_left_that_the_log_does_not_need(self) -> None:
        self.sync()
        assert (len(self.durable_files) - 1) * SEGMENT_BYTES <= self.wal.size_bytes

    @override
    def teardown(self) -> None:
        self.wal.close()
        self.stack.close()


class EncryptedPowerCuts(PowerCuts):
    cipher: Cipher = Providers((AesGcm("key1", bytes(32), counted),))


TestPowerCuts = PowerCuts.TestCase
TestPowerCuts.settings = settings(max_examples=25, stateful_step_count=40)
TestEncryptedPowerCuts = EncryptedPowerCuts.TestCase
TestEncryptedPowerCuts.settings = settings(max_examples=8, stateful_step_count=30)


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 400), min_size=1, max_size=6), data=st.data())
def test_any_byte_of_the_unsynced_end_may_be_the_last_that_was_written(
    sizes: list[int], data: st.DataObject
) -> None:
    writes = [
        Persist(
            HardState(Term(1), None),
            (Entry(Term(1), LogIndex(number + 1), EntryKind.COMMAND, b"x" * size),),
        )
        for number, size in enumerate(sizes)
    ]
    synced = data.draw(st.integers(0, len(writes)))
    with free_syncs(), tempfile.TemporaryDirectory() as name:
        wal = Wal(Path(name), cluster_id=7, member_id=1, segment_bytes=1 << 16)
        for write in writes[:synced]:
            wal.append(write)
        wal.sync()
        durable = wal.size_bytes
        for write in writes[synced:]:
            wal.append(write)
        end = wal.size_bytes
        wal.close()
        cut = data.draw(st.integers(durable, end))
        for path in Path(name).iterdir():
            content = path.read_bytes()
            path.write_bytes(content[:cut].ljust(len(content), b"\0"))
        wal = Wal(Path(name), cluster_id=7, member_id=1, segment_bytes=1 << 16)
        found = wal.contents().writes
        wal.close()
    assert found == tuple(writes[: len(found)])
    assert len(found) >= synced
