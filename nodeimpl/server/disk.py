"""Makes effects durable: writes from the event loop, syncs in one thread beside it.

What is asked for while a sync is in flight shares the next one (group commit): at most one is in
flight, and a busy node pays for few.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar, assert_never

from nodeimpl.boundary import CommitBackend
from nodeimpl.mvcc.backend import CommitPoint
from nodeimpl.raft.effects import Persist, Trim

Write: TypeAlias = Persist | Trim
"""What goes to the write-ahead log."""

DiskEffect: TypeAlias = Write | CommitBackend
"""The effects that end in bytes on a disk."""

_Result = TypeVar("_Result")


class Journal(Protocol):
    """The write-ahead log."""

    def append(self, write: Write) -> int:
        """Write, not durably yet."""

    def sync(self) -> int:
        """Make durable what was appended before. Runs in the disk's thread."""

    def close(self) -> None:
        """Let the files go."""


class Work(Protocol):
    """What one commit of the backend writes."""

    def write(self) -> None:
        """Make it durable, all or nothing. Runs in the disk's thread."""


WorkType = TypeVar("WorkType", bound=Work)


class DurableBackend(Protocol[WorkType]):
    """What the disk needs of a backend."""

    def begin_commit(self, point: CommitPoint) -> WorkType | None:
        """Return what is to be written for `point`; None if it is durable already."""

    def finish_commit(self, work: WorkType) -> None:
        """Take note that `work` has been written."""


class Disk(Generic[WorkType]):
    """Makes effects durable in the order they were asked for."""

    def __init__(
        self, journal: Journal, backend: DurableBackend[WorkType], *, fsync: bool = True
    ) -> None:
        """Without `fsync` the log is synced with the store only: a crash of the machine loses."""
        self._fsync = fsync
        self._journal = journal
        self._backend = backend
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")

    async def make_durable(self, effects: Sequence[DiskEffect]) -> None:
        """Return when all is durable. At most one of `effects` is a `CommitBackend`.

        Called again only when the last call has returned. A later entry may become durable before
        the store does, and never after it: so what stands before the store's commit is synced
        before it, and what stands behind it is not even written before it is done.
        """
        commit, behind = self._append_until_commit(effects)
        if commit is None:
            if self._fsync:
                await self.in_thread(self._journal.sync)
            return
        work = self._backend.begin_commit(commit.point)
        await self.in_thread(partial(self._sync_and_commit, work))
        if work is not None:
            self._backend.finish_commit(work)
        if behind:
            for write in behind:
                self._journal.append(write)
            await self.in_thread(self._journal.sync)

    def _append_until_commit(
        self, effects: Sequence[DiskEffect]
    ) -> tuple[CommitBackend | None, list[Write]]:
        """Append what stands before the commit; return the commit, and what stands behind it."""
        behind: list[Write] = []
        commit: CommitBackend | None = None
        for effect in effects:
            match effect:
                case CommitBackend():
                    commit = effect
                case Persist() | Trim() if commit is None:
                    self._journal.append(effect)
                case Persist() | Trim():
                    behind.append(effect)
                case _:
                    assert_never(effect)
        return commit, behind

    async def in_thread(self, task: Callable[[], _Result]) -> _Result:
        """Return what `task` returns when it has run in the disk's thread, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, task)

    def close(self) -> None:
        """Wait for what was asked for, and end the thread."""
        self._thread.shutdown(wait=True)

    def _sync_and_commit(self, work: Work | None) -> None:
        self._journal.sync()
        if work is not None:
            work.write()
