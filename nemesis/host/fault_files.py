"""Files that know what was synced, on a disk that is slow, fails, lies, is full, or loses power.

What is written stays in memory, in the order in which it was written, until an fsync brings it to
the file below. So a power cut loses what was not synced, all of it or all but a random prefix.
Names (creating, renaming, removing) and sizes set by hand are durable at once. Bits of what is
durable may go wrong, and be put right again unless somebody has written over them.
"""

import errno
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from nemesis.host.fuse import Waiting

_SECTOR_BYTES: Final = 512
"""What a disk writes whole or not at all."""

_BLOCK_BYTES: Final = 4_096
"""What a file system gives to a file at a time."""

_PIECES_MAX: Final = 8_192
"""Pieces of one file in memory. Beyond, half are written down, as any kernel does in time."""

_FOR_EVER_S: Final = 3600.0
Piece = tuple[int, bytes]


@dataclass(slots=True)
class _Content:
    """One file: what of it is not below yet. `size` is what the daemon sees."""

    below: int
    """A descriptor of the file below, whatever becomes of its name."""
    size: int
    handle_count: int = 0
    is_removed: bool = False
    written: list[Piece] = field(default_factory=list)
    promised: list[Piece] = field(default_factory=list)
    """Called durable by a disk that lied."""
    lost: list[Piece] = field(default_factory=list)
    """What a power cut took of that."""

    def write_down(self, pieces: list[Piece]) -> None:
        """Bring these to the file below."""
        for at, content in pieces:
            os.pwrite(self.below, content, at)

    def size_below(self) -> int:
        """Return how large the file below is."""
        return os.fstat(self.below).st_size

    def cut(self, size: int) -> None:
        """Forget what lies beyond `size`."""
        self.size = size
        for pieces in (self.written, self.promised, self.lost):
            pieces[:] = [(at, content[: size - at]) for at, content in pieces if at < size]


@dataclass(slots=True)
class _Rotten:
    """Bytes of one file below that went wrong by themselves."""

    below: int
    """A descriptor, so that the file keeps its number."""
    wrong: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By place: the right byte, and the wrong one."""

    def byte_at(self, at: int) -> int | None:
        """Return what stands there; None behind the end."""
        found = os.pread(self.below, 1, at)
        return found[0] if found else None

    def is_wrong(self, at: int) -> bool:
        """Say whether nobody has written anything else there."""
        return self.byte_at(at) == self.wrong[at][1]


class FaultFiles:
    """Offers `nemesis.host.fuse.Files`. The settings may be changed at any time."""

    def __init__(self, random: Random) -> None:
        self.sync_delay_s = 0.0
        self.is_failing = False
        self.is_full = False
        self.is_lying = False
        self.sync_count = 0
        self._is_off = False
        self._random = random
        self._lock = threading.RLock()
        self._contents: dict[tuple[int, int], _Content] = {}
        self._handles: dict[int, _Content] = {}
        self._rotten: dict[tuple[int, int], _Rotten] = {}

    # ------------------------------------------------------------ what the nemesis does
    def power_off(self) -> None:
        """From now on nothing becomes durable: who syncs waits, until it is killed."""
        with self._lock:
            self._is_off = True

    def lose(self, *, torn_tail: bool) -> int:
        """Lose what was not synced, and be on again; return how many bytes that was.

        The daemon has ended. `torn_tail`: a random prefix of each file's writes is kept, the last
        of them up to the end of a random sector.
        """
        lost_bytes = 0
        with self._lock:
            for content in self._contents.values():
                pieces, content.written = content.written, []
                kept = self._prefix(pieces) if torn_tail else []
                content.write_down(kept)
                lost_bytes += _bytes_of(pieces) - _bytes_of(kept) + _bytes_of(content.promised)
                content.lost += content.promised
                content.promised = []
                content.size = content.size_below()
            self._is_off = False
        return lost_bytes

    def lost_bytes(self) -> int:
        """Return how many bytes were called durable and lost, and not put back."""
        with self._lock:
            return sum(_bytes_of(content.lost) for content in self._contents.values())

    def tell_truth(self) -> None:
        """Lie no more: put back what was lost, make durable what was called so."""
        with self._lock:
            self.is_lying = False
            for content in self._contents.values():
                content.write_down([*content.lost, *content.promised])
                content.lost, content.promised = [], []
                content.size = max(content.size, content.size_below())

    def flip(self, path: Path, bits: Sequence[tuple[int, int]]) -> int:
        """Flip bits of a file below, (place, bits of the byte there) each; return how many.

        What lies behind the file's end is left out.
        """
        count = 0
        with self._lock:
            status = path.stat()
            key = status.st_dev, status.st_ino
            if key not in self._rotten:
                self._rotten[key] = _Rotten(os.open(path, os.O_RDWR))
            rotten = self._rotten[key]
            for at, mask in bits:
                before = rotten.byte_at(at)
                if before is None:
                    continue
                right, wrong = rotten.wrong.get(at, (before, before))
                rotten.wrong[at] = (right if wrong == before else before, before ^ mask)
                os.pwrite(rotten.below, bytes([before ^ mask]), at)
                count += mask.bit_count()
        return count

    def wrong_bits(self) -> int:
        """Return how many bits are wrong now: what was written over is right."""
        with self._lock:
            return sum(
                (right ^ wrong).bit_count()
                for rotten in self._rotten.values()
                for at, (right, wrong) in rotten.wrong.items()
                if rotten.is_wrong(at)
            )

    def put_right(self) -> int:
        """Make every bit right that is wrong; return how many that were."""
        with self._lock:
            count = self.wrong_bits()
            for rotten in self._rotten.values():
                for at, (right, _) in rotten.wrong.items():
                    if rotten.is_wrong(at):
                        os.pwrite(rotten.below, bytes([right]), at)
                os.close(rotten.below)
            self._rotten.clear()
        return count

    # ------------------------------------------------------------ what the daemon does
    def open(self, path: Path, flags: int, mode: int) -> int:
        """See `Files`. A file below is always opened to be read, too."""
        is_read_only = flags & os.O_ACCMODE == os.O_RDONLY
        kept = flags & (os.O_CREAT | os.O_EXCL | os.O_TRUNC)
        handle = os.open(path, kept | (os.O_RDONLY if is_read_only else os.O_RDWR), mode)
        status = os.fstat(handle)
        key = status.st_dev, status.st_ino
        with self._lock:
            content = self._contents.get(key)
            if content is None:
                below = os.open(path, os.O_RDWR)
                content = self._contents[key] = _Content(below=below, size=status.st_size)
            if flags & os.O_TRUNC:
                content.cut(0)
            content.handle_count += 1
            self._handles[handle] = content
        return handle

    def release(self, handle: int) -> None:
        """See `Files`."""
        with self._lock:
            content = self._handles.pop(handle)
            content.handle_count -= 1
            _close_unused(content)
        os.close(handle)

    def read(self, handle: int, size: int, offset: int) -> bytes:
        """See `Files`."""
        with self._lock:
            content = self._handles[handle]
            end = min(offset + size, content.size)
            if end <= offset:
                return b""
            if not content.written and not content.promised:
                return os.pread(handle, end - offset, offset).ljust(end - offset, b"\0")
            answer = bytearray(os.pread(handle, end - offset, offset).ljust(end - offset, b"\0"))
            for at, piece in (*content.promised, *content.written):
                first, last = max(at, offset), min(at + len(piece), end)
                if first < last:
                    answer[first - offset : last - offset] = piece[first - at : last - at]
            return bytes(answer)

    def write(self, handle: int, content: bytes, offset: int) -> int:
        """See `Files`."""
        with self._lock:
            file = self._handles[handle]
            if self.is_full:
                content = content[: max(0, _room(file) - offset)]
                if not content:
                    raise _failure(errno.ENOSPC)
            file.written.append((offset, content))
            file.size = max(file.size, offset + len(content))
            if len(file.written) > _PIECES_MAX and not self._is_off:
                half = len(file.written) // 2
                file.write_down(file.written[:half])
                del file.written[:half]
        return len(content)

    def sync(self, handle: int, waiting: Waiting) -> None:
        """See `Files`."""
        if self.sync_delay_s and waiting.wait(self.sync_delay_s):
            raise _failure(errno.EINTR)
        with self._lock:
            is_off = self._is_off
            if not is_off:
                self._sync_now(handle)
        if is_off:
            waiting.wait(_FOR_EVER_S)
            raise _failure(errno.EIO)

    def truncate(self, path: Path, size: int) -> None:
        """See `Files`."""
        with self._lock:
            status = path.stat()
            content = self._contents.get((status.st_dev, status.st_ino))
            if self.is_full and size > status.st_size:
                raise _failure(errno.ENOSPC)
            os.truncate(path, size)
            if content is not None:
                content.cut(size)

    def allocate(self, handle: int, mode: int, offset: int, size: int) -> None:
        """See `Files`. Mode 1 keeps the size."""
        self.grow()
        if mode not in (0, 1):
            raise _failure(errno.EOPNOTSUPP)
        if mode == 0:
            with self._lock:
                os.posix_fallocate(handle, offset, size)
                content = self._handles[handle]
                content.size = max(content.size, offset + size)

    def size(self, status: os.stat_result) -> int:
        """See `Files`."""
        with self._lock:
            content = self._contents.get((status.st_dev, status.st_ino))
            return status.st_size if content is None else content.size

    def forget(self, path: Path) -> None:
        """See `Files`."""
        with self._lock:
            try:
                status = path.lstat()
            except FileNotFoundError:
                return
            if status.st_nlink == 1:  # Its number may be given to another file.
                content = self._contents.pop((status.st_dev, status.st_ino), None)
                if content is not None:
                    content.is_removed = True
                    _close_unused(content)

    def grow(self) -> None:
        """See `Files`."""
        if self.is_full:
            raise _failure(errno.ENOSPC)

    # ------------------------------------------------------------ down to the files below
    def _sync_now(self, handle: int) -> None:
        self.sync_count += 1
        if self.is_failing:
            raise _failure(errno.EIO)
        content = self._handles[handle]
        pieces, content.written = content.written, []
        if self.is_lying:
            content.promised += pieces
            return
        content.write_down(pieces)

    def _prefix(self, pieces: list[Piece]) -> list[Piece]:
        kept = pieces[: self._random.randrange(len(pieces) + 1)]
        if kept:
            at, content = kept[-1]
            end = at + self._random.randrange(len(content) + 1)
            kept[-1] = (at, content[: max(0, end - end % _SECTOR_BYTES - at)])
        return kept


def _close_unused(content: _Content) -> None:
    if content.is_removed and content.handle_count == 0:
        os.close(content.below)


def _room(content: _Content) -> int:
    """Return up to where a file can be written on a full disk: to the end of its last block."""
    size = max(content.size, content.size_below())
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


def _bytes_of(pieces: list[Piece]) -> int:
    return sum(len(content) for _, content in pieces)


def _failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))
