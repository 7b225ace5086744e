"""Histories as files: a header line, then one JSON object per op (docs/HISTORY_FORMAT.md).

A line is written when its op happens, so whatever kills the writer costs at most the last line.
Readers stream: memory is bounded by the longest line, unless the caller keeps the ops.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec.structs import force_setattr

from checkers.heard_file import Heard, HeardFile, unheard
from checkers.history import History, HistoryError, Op
from checkers.shared_text import sharing

FORMAT_NAME: Final = "history"
FORMAT_VERSION: Final = 1

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""No op is longer; whatever is, is not a history."""

EXCERPT_BYTES_MAX: Final = 40
"""How much of a bad line an error shows."""

_TRANSACTION: Final = "txn"

HEADER_LINE: Final = 1
"""Lines count from 1; the op of index i is on line i + 2."""


class HistoryFileError(ValueError):
    """A file that cannot be read as a history: which file, where, why, and what to do."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        """`line` counts from 1; None if the file as a whole is meant."""
        where = f"{path}" if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {message}")
        self.path = path
        self.line = line
        self.message = message


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. Fields that a later writer adds are ignored."""

    quorate: str
    """What kind of file this is: `history`."""
    version: int
    about: dict[str, object] = {}
    """Where it comes from, for people: workload, seed, origin, licence, ... Nothing reads it."""


@dataclass(frozen=True, slots=True)
class LoadedHistory:
    """A history and what its file said besides."""

    header: Header
    history: History
    torn_line: int | None
    """The number of the torn last line that was dropped; None if the file is whole."""


_OP_DECODER: Final = msgspec.json.Decoder(Op)
_HEADER_DECODER: Final = msgspec.json.Decoder(Header)
_ENCODER: Final = msgspec.json.Encoder()


def encode_header(about: dict[str, object] | None = None) -> bytes:
    """Return the first line of a file, with its newline."""
    header = Header(quorate=FORMAT_NAME, version=FORMAT_VERSION, about=about or {})
    return _ENCODER.encode(header) + b"\n"


def encode_op(op: Op) -> bytes:
    """Return the line of `op`, with its newline."""
    return _ENCODER.encode(op) + b"\n"


def write_history(path: Path, ops: Iterable[Op], about: dict[str, object] | None = None) -> None:
    """Write `ops`, whose indices must be their places, to a new file or over an old one."""
    with path.open("wb") as file:
        file.write(encode_header(about))
        for place, op in enumerate(ops):
            assert op.index == place, f"op {op.index} would be written to place {place}"
            file.write(encode_op(op))


def load_history(
    path: Path, *, allow_torn_tail: bool = False, heard: Heard = unheard
) -> LoadedHistory:
    """Return the whole history in `path`, checked; raise `HistoryFileError` if it is not one."""
    with HistoryReader(path, allow_torn_tail=allow_torn_tail, heard=heard) as reader:
        try:
            history = History(reader)
        except HistoryError as error:
            raise HistoryFileError(path, error.index + 2, error.message) from error
        return LoadedHistory(header=reader.header, history=history, torn_line=reader.torn_line)


class HistoryReader:
    """Iterates once over the ops of a file, in bounded memory; a context manager.

    Raises `HistoryFileError` from the constructor for the file and its header, and from the
    iteration at the first line that is not the next op. Whether the ops make a `History` is not
    looked at.

    With `allow_torn_tail`, a last line that its writer had no time to finish (`kill -9`, a full
    disk) ends the iteration, and `torn_line` tells of it. A line that ends is never torn: bad
    bytes in the middle of a file are an error in any case.
    """

    def __init__(
        self, path: Path, *, allow_torn_tail: bool = False, heard: Heard = unheard
    ) -> None:
        self.path: Final = path
        self.torn_line: int | None = None
        """The number of the torn last line, once the iteration has ended."""
        self._allow_torn_tail: Final = allow_torn_tail
        try:
            self._file: Final = HeardFile(path, heard)
        except OSError as error:
            raise HistoryFileError(path, None, f"cannot be opened: {error.strerror}") from error
        try:
            self.header: Final = self._read_header()
        except HistoryFileError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Op]:
        line, index, shared = HEADER_LINE, 0, sharing()
        while text := self._read_line(line + 1):
            line += 1
            op = self._decode_op(text, line)
            if op is None:
                self.torn_line = line
                return
            if op.index != index:
                raise HistoryFileError(
                    self.path,
                    line,
                    f"holds op {op.index}; expected op {index}:"
                    " lines are missing, repeated or out of order",
                )
            share_texts(op, shared)
            yield op
            index += 1

    def _read_line(self, number: int) -> bytes:
        try:
            text = self._file.readline(LINE_BYTES_MAX + 1)
        except OSError as error:  # a directory may be opened, but not read
            raise HistoryFileError(self.path, None, f"cannot be read: {error.strerror}") from error
        if len(text) > LINE_BYTES_MAX:
            raise too_long(self.path, number)
        return text

    def _decode_op(self, text: bytes, line: int) -> Op | None:
        """Return the op on this line; None if it is torn and may be."""
        try:
            return _OP_DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if text.endswith(b"\n"):
                raise HistoryFileError(
                    self.path, line, f"is not an op: {error}; it begins {_excerpt(text)}"
                ) from error
            if self._allow_torn_tail:
                return None
            raise HistoryFileError(
                self.path,
                line,
                "the last line is truncated: its writer was stopped in the middle of it."
                f" The {line - 2} ops before it are readable; to judge those, delete this line",
            ) from error

    def _read_header(self) -> Header:
        text = self._read_line(HEADER_LINE)
        expected = f"expected the header {encode_header().decode().strip()}"
        if not text:
            raise HistoryFileError(self.path, HEADER_LINE, f"the file is empty; {expected}")
        try:
            header = _HEADER_DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise HistoryFileError(
                self.path, HEADER_LINE, f"is not a header: it begins {_excerpt(text)}; {expected}"
            ) from error
        if header.quorate != FORMAT_NAME:
            raise HistoryFileError(
                self.path, HEADER_LINE, f"is a file of kind {header.quorate!r}; {expected}"
            )
        if header.version != FORMAT_VERSION:
            raise HistoryFileError(
                self.path,
                HEADER_LINE,
                f"has version {header.version}; expected version {FORMAT_VERSION},"
                " the only one this quorate reads: use the quorate that wrote it",
            )
        return header


def share_texts(op: Op, shared: Callable[[str], str]) -> None:
    """Put the one copy of each text into `op`, which nobody else has seen yet."""
    force_setattr(op, "f", shared(op.f))
    if op.key is not None:
        force_setattr(op, "key", shared(op.key))
    if op.node is not None:
        force_setattr(op, "node", shared(op.node))
    if op.f == _TRANSACTION and type(op.value) is list:
        for step in op.value:  # [f, key, value], of which the value differs
            if type(step) is list and len(step) == 3 and type(step[1]) is str:
                step[0] = shared(step[0])
                step[1] = shared(step[1])


def too_long(path: Path, line: int, bytes_max: int = LINE_BYTES_MAX) -> HistoryFileError:
    """Return what is wrong with a line of more than `bytes_max`."""
    message = f"is longer than {bytes_max} bytes; expected one op per line"
    return HistoryFileError(path, line, message)


def _excerpt(text: bytes) -> str:
    shown = text[:EXCERPT_BYTES_MAX].decode(errors="replace").rstrip("\n")
    return repr(shown) + ("..." if len(text) > EXCERPT_BYTES_MAX else "")
