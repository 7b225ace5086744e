"""The history as it happens: every op is in the file before anything follows from it."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from checkers.history import Op
from checkers.history_file import encode_header, encode_op
from harness.errors import HarnessError


class Recorder:
    """Writes a new history file, op by op; a context manager.

    Every op is one write to the operating system, without a buffer of ours between: 1 µs an op
    buys that whatever kills the harness, `kill -9` included, costs at most a torn last line.
    (A power cut may cost more: there is no fsync.) Memory does not grow with the history.

    Raises `HarnessError` where the file cannot be written.
    """

    def __init__(self, path: Path, about: dict[str, object] | None = None) -> None:
        self.path: Final = path
        try:
            self._file: Final = path.open("xb", buffering=0)
        except OSError as error:
            raise HarnessError(f"{path}: cannot record the history: {error.strerror}") from error
        try:
            self._write(encode_header(about))
        except HarnessError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def record(self, op: Op) -> None:
        """Append `op`, which must be the next of its history."""
        self._write(encode_op(op))

    def close(self) -> None:
        """Close the file; nothing can be recorded any more. Closing twice is harmless."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        try:
            written = self._file.write(line)
        except OSError as error:
            raise HarnessError(f"{self.path}: cannot record an op: {error.strerror}") from error
        if written != len(line):
            raise HarnessError(
                f"{self.path}: cannot record an op: {written} of {len(line)} bytes written"
            )
