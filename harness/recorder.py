"""The history as it happens: every op is in the file before anything follows from it."""

from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from checkers.history import Op
from checkers.history_file import encode_header, encode_op
from checkers.watch_history import WatchRecord, encode_watch_header, encode_watch_record
from harness.errors import HarnessError


def write_whole(file: FileIO, line: bytes, complaint: str) -> None:
    """Write `line`; raise `HarnessError`, which begins with `complaint`, if not all of it fits."""
    try:
        written = file.write(line)
    except OSError as error:
        raise HarnessError(f"{complaint}: {error.strerror}") from error
    if written != len(line):
        raise HarnessError(f"{complaint}: no room for more than {written} of {len(line)} bytes")


class LineFile:
    """A new file, written line by line.

    Every line is one write to the operating system, without a buffer of ours between: 1 µs a line
    buys that whatever kills the harness, `kill -9` included, costs at most a torn last line.
    (A power cut may cost more: there is no fsync.) Memory does not grow with the file.

    Raises `HarnessError`, which says of what file and of what line, where it cannot be written.
    """

    def __init__(self, path: Path, header: bytes, *, whole: str, part: str) -> None:
        """`whole` and `part` are what people call the file and one of its lines."""
        self.path: Final = path
        self._part: Final = part
        try:
            self._file: Final = path.open("xb", buffering=0)
        except OSError as error:
            raise HarnessError(f"{path}: cannot record {whole}: {error.strerror}") from error
        try:
            self.write(header)
        except HarnessError:
            self._file.close()
            raise

    def write(self, line: bytes) -> None:
        """Append a line, its end included."""
        write_whole(self._file, line, f"{self.path}: cannot record {self._part}")

    def close(self) -> None:
        """Close the file; nothing can be recorded any more. Closing twice is harmless."""
        self._file.close()


class Recorder:
    """Writes a new history file, op by op; a context manager. See `LineFile`."""

    def __init__(self, path: Path, about: dict[str, object] | None = None) -> None:
        self.path: Final = path
        self._file: Final = LineFile(path, encode_header(about), whole="the history", part="an op")

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
        self._file.write(encode_op(op))

    def close(self) -> None:
        """Close the file; nothing can be recorded any more. Closing twice is harmless."""
        self._file.close()


class WatchRecorder:
    """Writes a new file of what watchers are told, record by record. See `LineFile`."""

    def __init__(self, path: Path, about: dict[str, object] | None = None) -> None:
        self._file: Final = LineFile(
            path, encode_watch_header(about), whole="the watches", part="a watch"
        )

    def record(self, told: WatchRecord) -> None:
        """Append `told`."""
        self._file.write(encode_watch_record(told))

    def close(self) -> None:
        """Close the file; nothing can be recorded any more. Closing twice is harmless."""
        self._file.close()
