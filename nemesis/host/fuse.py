"""A file system served over /dev/fuse, in the kernel's own protocol (linux/fuse.h, 7.31).

Only what databases do is offered: files, folders, renames, symbolic and hard links, locks (the
kernel's own). Nothing is cached beyond the kernel's pages, and these not from one open to the
next, so what the file system forgets is forgotten.
"""

import contextlib
import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from nemesis.host.request import HostError

_MS_NOSUID_NODEV: Final = 6
_MNT_DETACH: Final = 2
_WRITE_BYTES_MAX: Final = 1 << 17
_HEADER: Final = struct.Struct("<IIQQIIII")
_PAGES_MAX: Final = _WRITE_BYTES_MAX // 4096
_MINOR_MAX: Final = 31
_FLAGS: Final = (1 << 0) | (1 << 5) | (1 << 22)
"""Reads side by side, large writes, and a maximum of pages."""

_THREADS: Final = 12
_FORGET, _INTERRUPT, _FORGET_MANY = 2, 36, 42
_ROOT: Final = 1
_SIGKILL_BIT: Final = 1 << 8
_LOOK_S: Final = 0.02
"""How often a request that waits looks whether its process is being killed."""

_SET_MODE, _SET_UID, _SET_GID, _SET_SIZE = 1, 2, 4, 8
_SET_ATIME, _SET_MTIME, _HAS_HANDLE, _ATIME_NOW, _MTIME_NOW = 16, 32, 64, 128, 256


class Waiting:
    """A request that may take a while, until its process is killed.

    The kernel's INTERRUPT does not tell of that reliably: it is sent once, and so not for a kill
    that follows upon a stop, and it may overtake the request. So we look for ourselves.
    """

    def __init__(self, thread: int) -> None:
        """`thread` is that which asked."""
        self._thread = thread

    def wait(self, seconds: float) -> bool:
        """Wait so long; return early, with True, if the process that asked is being killed."""
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            if _is_being_killed(self._thread):
                return True
            time.sleep(min(rest, _LOOK_S))
        return False


class Files(Protocol):
    """What the content of files does. A handle is a descriptor of the file below."""

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Open or create a file, and return its handle."""

    def release(self, handle: int) -> None:
        """Close it."""

    def read(self, handle: int, size: int, offset: int) -> bytes:
        """Return what is there."""

    def write(self, handle: int, content: bytes, offset: int) -> int:
        """Write, and return how many bytes were."""

    def sync(self, handle: int, waiting: Waiting) -> None:
        """Make durable what was written."""

    def truncate(self, path: Path, size: int) -> None:
        """Set the file's size."""

    def allocate(self, handle: int, mode: int, offset: int, size: int) -> None:
        """Make room, as fallocate(2)."""

    def size(self, status: os.stat_result) -> int:
        """Return how large the file with this status is."""

    def forget(self, path: Path) -> None:
        """Take note that this name is about to lead nowhere, or to another file."""

    def grow(self) -> None:
        """Raise `OSError` if nothing can be created."""


class FuseServer:
    """One mounted file system: the folder `below`, with the content of files left to `files`."""

    def __init__(self, files: Files, below: Path, mount: Path) -> None:
        """Mount it, and serve it in threads. Raises `HostError` if it cannot be mounted."""
        self._files = files
        self._below = below
        self._mount = mount
        self._lock = threading.RLock()
        self._paths: dict[int, Path] = {_ROOT: Path()}
        self._numbers: dict[Path, int] = {Path(): _ROOT}
        self._last_number = _ROOT
        self._device = _mounted(mount)
        self._operations = self._table()
        for number in range(_THREADS):
            threading.Thread(target=self._serve, name=f"fuse {number}", daemon=True).start()

    def unmount(self) -> None:
        """Take it away, whoever uses it."""
        library = ctypes.CDLL(None, use_errno=True)
        library.umount2(os.fsencode(self._mount), _MNT_DETACH)

    # ------------------------------------------------------------ requests
    def _serve(self) -> None:
        while True:
            try:
                received = os.read(self._device, _WRITE_BYTES_MAX + 4096)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno == errno.ENOENT:  # The request was interrupted before it was read.
                    continue
                return  # Unmounted.
            length, operation, unique, number, uid, gid, pid, _ = _HEADER.unpack_from(received)
            body = received[_HEADER.size : length]
            if operation not in (_FORGET, _INTERRUPT, _FORGET_MANY):
                self._answer(unique, *self._outcome(operation, number, body, pid, (uid, gid)))

    def _outcome(
        self,
        operation: int,
        number: int,
        body: bytes,
        asker: int,
        owner: tuple[int, int],
    ) -> tuple[int, bytes]:
        """Return the error, 0 if none, and the answer."""
        try:
            if operation == 20:  # FSYNC
                (handle,) = struct.unpack_from("<Q", body)
                self._files.sync(handle, Waiting(asker))
                return 0, b""
            if operation in (8, 9, 35):  # MKNOD, MKDIR, CREATE
                return 0, self._create(operation, number, body, owner)
            act = self._operations.get(operation)
            return (errno.ENOSYS, b"") if act is None else (0, act(number, body))
        except OSError as error:
            return error.errno or errno.EIO, b""
        except KeyError:  # A node whose name is gone.
            return errno.ESTALE, b""

    def _answer(self, unique: int, error: int, body: bytes) -> None:
        head = struct.pack("<IiQ", 16 + len(body), -error, unique)
        # Whoever asked may have been killed, and the file system unmounted.
        with contextlib.suppress(OSError):
            os.writev(self._device, [head, body])

    # ------------------------------------------------------------ names
    def _real(self, number: int) -> Path:
        with self._lock:
            return self._below / self._paths[number]

    def _child(self, number: int, name: bytes) -> Path:
        with self._lock:
            return self._paths[number] / os.fsdecode(name.partition(b"\0")[0])

    def _number(self, path: Path) -> int:
        with self._lock:
            number = self._numbers.get(path)
            if number is None:
                number = self._last_number = self._last_number + 1
                self._numbers[path], self._paths[number] = number, path
            return number

    def _drop(self, path: Path) -> None:
        with self._lock:
            number = self._numbers.pop(path, None)
            if number is not None:
                del self._paths[number]

    def _moved(self, old: Path, new: Path) -> None:
        with self._lock:
            self._drop(new)
            for path in [each for each in self._numbers if each.is_relative_to(old)]:
                number = self._numbers.pop(path)
                there = new / path.relative_to(old)
                self._numbers[there], self._paths[number] = number, there

    # ------------------------------------------------------------ operations
    def _table(self) -> Mapping[int, Callable[[int, bytes], bytes]]:
        return {
            1: lambda number, body: self._entry(self._child(number, body)),  # LOOKUP
            3: self._getattr,
            4: self._setattr,
            5: lambda number, _: os.fsencode(self._real(number).readlink()),  # READLINK
            6: self._symlink,
            10: self._unlink,
            11: self._rmdir,
            12: lambda number, body: self._rename(number, body, 8),  # RENAME
            13: self._link,
            14: self._open,
            15: self._read,
            16: self._write,
            17: lambda *_: self._statfs(),
            18: self._release,
            25: lambda *_: b"",  # FLUSH
            26: lambda _, body: _init(body),
            27: lambda *_: struct.pack("<QII", 0, 0, 0),  # OPENDIR
            28: self._readdir,
            29: lambda *_: b"",  # RELEASEDIR
            30: lambda *_: b"",  # FSYNCDIR: names are durable at once
            43: self._allocate,
            45: lambda number, body: self._rename(number, body, 16),  # RENAME2
        }

    def _status(self, status: os.stat_result) -> bytes:
        size = self._files.size(status) if stat.S_ISREG(status.st_mode) else status.st_size
        times = [
            divmod(each, 10**9)
            for each in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
        ]
        return struct.pack(
            "<6Q10I",
            status.st_ino, size, status.st_blocks, *(seconds for seconds, _ in times),
            *(nanoseconds for _, nanoseconds in times),
            status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, 4096, 0,
        )  # fmt: skip

    def _entry(self, path: Path) -> bytes:
        status = (self._below / path).lstat()
        return struct.pack("<4Q2I", self._number(path), 0, 0, 0, 0, 0) + self._status(status)

    def _attributes(self, status: os.stat_result) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._status(status)

    def _getattr(self, number: int, body: bytes) -> bytes:
        has_handle, _, handle = struct.unpack_from("<IIQ", body)
        if has_handle & 1:
            return self._attributes(os.fstat(handle))
        return self._attributes(self._real(number).lstat())

    def _setattr(self, number: int, body: bytes) -> bytes:
        what, _, _, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode, _, uid, gid, _ = (
            struct.unpack_from("<IIQQQQQQIIIIIIII", body)
        )
        path = self._real(number)
        if what & _SET_MODE:
            path.chmod(stat.S_IMODE(mode))
        if what & (_SET_UID | _SET_GID):
            os.chown(path, uid if what & _SET_UID else -1, gid if what & _SET_GID else -1)
        if what & _SET_SIZE:
            self._files.truncate(path, size)
        if what & (_ATIME_NOW | _MTIME_NOW):
            os.utime(path)
        elif what & (_SET_ATIME | _SET_MTIME):
            os.utime(path, ns=(atime * 10**9 + atime_ns, mtime * 10**9 + mtime_ns))
        return self._attributes(path.lstat())

    def _create(self, operation: int, number: int, body: bytes, owner: tuple[int, int]) -> bytes:
        self._files.grow()
        offset = 8 if operation == 9 else 16
        flags, mode = struct.unpack_from("<II", body)
        path = self._child(number, body[offset:])
        real = self._below / path
        opened = b""
        if operation == 9:
            real.mkdir(flags)
        elif operation == 8:
            os.mknod(real, flags)
        else:
            handle = self._files.open(real, flags | os.O_CREAT, mode)
            opened = struct.pack("<QII", handle, 0, 0)
        os.chown(real, *owner)
        return self._entry(path) + opened

    def _symlink(self, number: int, body: bytes) -> bytes:
        name, target = body.split(b"\0")[:2]
        path = self._child(number, name)
        (self._below / path).symlink_to(os.fsdecode(target))
        return self._entry(path)

    def _link(self, number: int, body: bytes) -> bytes:
        (old,) = struct.unpack_from("<Q", body)
        path = self._child(number, body[8:])
        (self._below / path).hardlink_to(self._real(old))
        return self._entry(path)

    def _unlink(self, number: int, body: bytes) -> bytes:
        path = self._child(number, body)
        self._files.forget(self._below / path)
        (self._below / path).unlink()
        self._drop(path)
        return b""

    def _rmdir(self, number: int, body: bytes) -> bytes:
        path = self._child(number, body)
        (self._below / path).rmdir()
        self._drop(path)
        return b""

    def _rename(self, number: int, body: bytes, names: int) -> bytes:
        (new_number,) = struct.unpack_from("<Q", body)
        old_name, new_name = body[names:].split(b"\0")[:2]
        old, new = self._child(number, old_name), self._child(new_number, new_name)
        self._files.forget(self._below / new)
        (self._below / old).replace(self._below / new)
        self._moved(old, new)
        return b""

    def _open(self, number: int, body: bytes) -> bytes:
        (flags,) = struct.unpack_from("<I", body)
        return struct.pack("<QII", self._files.open(self._real(number), flags, 0), 0, 0)

    def _release(self, _: int, body: bytes) -> bytes:
        (handle,) = struct.unpack_from("<Q", body)
        self._files.release(handle)
        return b""

    def _read(self, _: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return self._files.read(handle, size, offset)

    def _write(self, _: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", self._files.write(handle, body[40 : 40 + size], offset), 0)

    def _allocate(self, _: int, body: bytes) -> bytes:
        handle, offset, size, mode = struct.unpack_from("<QQQI", body)
        self._files.allocate(handle, mode, offset, size)
        return b""

    def _readdir(self, number: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        names = [".", "..", *sorted(path.name for path in self._real(number).iterdir())]
        answer = b""
        for place, name in enumerate(names[offset:], offset + 1):
            text = os.fsencode(name)
            entry = struct.pack("<QQII", place, place, len(text), 0) + text
            entry += bytes(-len(entry) % 8)
            if len(answer) + len(entry) > size:
                break
            answer += entry
        return answer

    def _statfs(self) -> bytes:
        found = os.statvfs(self._below)
        return struct.pack(
            "<5Q4I24x",
            found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree,
            found.f_bsize, found.f_namemax, found.f_frsize, 0,
        )  # fmt: skip


def _mounted(mount: Path) -> int:
    """Mount a file system there, and return the device over which it is to be served."""
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        raise HostError(f"/dev/fuse cannot be opened: {error}; modprobe fuse") from error
    owner = f"user_id={os.geteuid()},group_id={os.getegid()}"
    options = f"fd={device},rootmode=40000,{owner},default_permissions,allow_other"
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.mount(
        b"quorate", os.fsencode(mount), b"fuse.quorate", _MS_NOSUID_NODEV, options.encode()
    )
    if failed:
        os.close(device)
        words = os.strerror(ctypes.get_errno())
        raise HostError(f"{mount}: a file system cannot be mounted: {words}")
    return device


def _init(body: bytes) -> bytes:
    """Agree on the protocol (FUSE_INIT)."""
    assert sys.byteorder == "little", "structures are packed for a little-endian machine"
    _, minor, readahead, offered = struct.unpack_from("<4I", body)
    return struct.pack(
        "<4I2H2I2HI7I",
        7, min(minor, _MINOR_MAX), readahead, offered & _FLAGS, 64, 48, _WRITE_BYTES_MAX, 1,
        _PAGES_MAX, 0, 0, *[0] * 7,
    )  # fmt: skip


def _is_being_killed(thread: int) -> bool:
    """Say whether SIGKILL waits for the thread (proc(5): SigPnd)."""
    try:
        text = Path(f"/proc/{thread}/status").read_text(errors="replace")
    except OSError:
        return True
    pending = [line.split()[1] for line in text.splitlines() if line.startswith("SigPnd:")]
    return bool(int(pending[0], 16) & _SIGKILL_BIT)
