"""What a node asked for and its host has not done yet: the order of effects is the contract.

A `Persist` is written at once, and whatever stands behind it waits until a sync that began after
the write has ended; meanwhile more may be written, and the next sync covers it all (group commit,
one fsync in flight). Writing early is allowed: the word behind a `Persist` must not come before
it, the `Persist` may come before an earlier word.

A `Trim` must not come before the store that stands for what it forgets, and nothing that is
written later may come before the `Trim`: as long as one waits in the queue, what stands behind it
is not written.
"""

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Protocol

from harness.environments.simulation.disk import SimulatedDisk
from harness.environments.simulation.oracle import Breach
from nodeimpl.boundary import Effect
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.storage.recovery import compacted
from nodeimpl.storage.wal_format import WalCorruption, encode


class Daemon(Protocol):
    """Who carries effects out, and is told how the log fares."""

    is_paused: bool
    """Whether nothing is carried out at the moment."""

    def carry_out(self, effect: Effect) -> None:
        """Do what `effect` asks for; it is no `Persist` and no `Trim`."""

    def wrote(self, persist: Persist) -> None:
        """Note that `persist` is in the page cache."""

    def synced(self, persist: Persist) -> None:
        """Note that `persist`, the oldest that was not, is durable."""

    def trimmed(self, trim: Trim) -> None:
        """Note that the log is about to be trimmed."""

    def stop_over_full_disk(self) -> None:
        """End the daemon: there was no room. The outbox is cleared."""

    def stop_over_failed_sync(self) -> None:
        """End the daemon, at once or when it is resumed: a sync failed."""


class Outbox:
    """The effects of one daemon, first in first out, and the log they are written to."""

    def __init__(self, disk: SimulatedDisk, daemon: Daemon) -> None:
        self._disk = disk
        self._daemon = daemon
        self._queue: deque[Effect] = deque()
        """Effects that wait; the first one is a `Persist`, unless the daemon is paused."""
        self._written = 0
        """`Persist`s written in this incarnation."""
        self._synced = 0
        """Those of them that are durable."""
        self._carried = 0
        """Those of them that left the queue."""
        self._syncing = False
        self._trims_waiting = 0
        """`Trim`s in the queue: what stands behind the first is not written yet."""
        self._rewrite_at_bytes = 0
        """At which size of the log the next `Trim` gives back the room of what was trimmed."""

    def clear(self) -> None:
        """Forget what has not been done: the daemon has ended."""
        self._queue.clear()
        self._written = self._synced = self._carried = 0
        self._syncing = False
        self._trims_waiting = 0

    def put(self, effects: Iterable[Effect]) -> bool:  # noqa: C901 (no call per effect: fast)
        """Carry out what may be, write what is to be written, and keep the rest in order.

        Return False if the daemon stopped over it.
        """
        queue = self._queue
        for effect in effects:
            if type(effect) is Persist:
                if not self._trims_waiting and not self._write(effect):
                    return False
                queue.append(effect)
            elif queue:
                queue.append(effect)
                if type(effect) is Trim:
                    self._trims_waiting += 1
            elif type(effect) is Trim:
                if not self.trim(effect):
                    return False
            else:
                self._daemon.carry_out(effect)
        if queue:
            self._sync_if_needed()
        return True

    def go_on(self) -> None:
        """Carry out what a pause held up."""
        self._carry_out()
        self._sync_if_needed()

    def trim(self, trim: Trim) -> bool:
        """Note in the log where it begins; return False if the daemon stopped over it.

        Whenever the log has doubled, it is also rewritten without what was trimmed.
        """
        self._daemon.trimmed(trim)
        if not self._disk.append(encode(trim)):
            self._daemon.stop_over_full_disk()
            return False
        if self._disk.size_bytes >= self._rewrite_at_bytes and not self._disk.is_rotten:
            content = self._without_what_was_trimmed()
            if self._disk.replace(content):
                self._rewrite_at_bytes = 2 * len(content)
        return True

    def _without_what_was_trimmed(self) -> bytes:
        """Return the log rewritten; convict the node if not even it could read what it wrote."""
        try:
            return compacted(self._disk.content)
        except WalCorruption as error:
            raise Breach(
                "Recovery (Raft Figure 2)", f"a node wrote what is no log: {error}"
            ) from error

    def _trim_in_turn(self, trim: Trim) -> bool:
        """Trim, and write what waited for that; return False if the daemon stopped over it."""
        self._trims_waiting -= 1
        if not self.trim(trim):
            return False
        for effect in self._queue:
            if isinstance(effect, Trim):
                break
            if isinstance(effect, Persist) and not self._write(effect):
                return False
        return True

    def _write(self, persist: Persist) -> bool:
        if not self._disk.append(encode(persist)):
            self._daemon.stop_over_full_disk()
            return False
        self._daemon.wrote(persist)
        self._written += 1
        return True

    def _sync_if_needed(self) -> None:
        """Start a sync of all that is written, unless one is in flight."""
        if self._written > self._synced and not self._syncing:
            self._syncing = True
            covered = partial(self._on_synced, self._written)
            self._disk.sync(covered, self._daemon.stop_over_failed_sync)

    def _on_synced(self, covered: int) -> None:
        self._synced = covered
        self._syncing = False
        if not self._daemon.is_paused:
            self.go_on()

    def _carry_out(self) -> None:
        """Carry out what no longer waits for a sync."""
        queue = self._queue
        while queue:
            effect = queue[0]
            if type(effect) is Persist:
                if self._carried == self._synced:
                    return
                self._carried += 1
                self._daemon.synced(effect)
                queue.popleft()
            elif type(effect) is Trim:
                queue.popleft()
                if not self._trim_in_turn(effect):
                    return
            else:
                self._daemon.carry_out(effect)
                queue.popleft()
