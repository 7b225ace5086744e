"""Disks of ours that are still mounted although nobody serves them any more."""

import ctypes
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_KIND: Final = "fuse.quorate"
_MOUNTS: Final = Path("/proc/self/mounts")
_MNT_DETACH: Final = 2


def dead_mounts() -> Sequence[Path]:
    """Return where they are mounted."""
    if not _MOUNTS.exists():
        return ()
    fields = [line.split() for line in _MOUNTS.read_text(encoding="utf-8").splitlines()]
    return [Path(_unescaped(each[1])) for each in fields if each[2] == _KIND and _is_dead(each[1])]


def unmount(mount: Path) -> None:
    """Take a mount away, whoever uses it."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.umount2(os.fsencode(mount), _MNT_DETACH):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(mount))


def _is_dead(mount: str) -> bool:
    try:
        os.statvfs(_unescaped(mount))
    except OSError as error:
        return error.errno == errno.ENOTCONN
    return False


def _unescaped(text: str) -> str:
    """Return a path as it is: /proc/mounts writes blanks and the like in octal (fstab(5))."""
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
