"""Names that one harness of this machine has for itself, as files it has locked.

A lock goes with the process, however that ends.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


class Locks:
    """The names of one kind that this harness has taken."""

    def __init__(self, kind: str, directory: Path | None = None) -> None:
        """Files lie in `directory`, by default one of this user under the system's own."""
        default = Path(tempfile.gettempdir()) / f"quorate-{kind}-{os.getuid()}"
        self._directory = default if directory is None else directory
        self._locks: list[int] = []

    def take(self, name: str, is_free: Callable[[], bool]) -> bool:
        """Take a name, unless another harness has it, or it is not free after all."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        if not is_free():
            os.close(lock)
            return False
        self._locks.append(lock)
        return True

    def release(self) -> None:
        """Give all names back."""
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()
