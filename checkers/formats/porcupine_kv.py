"""Histories of Porcupine's key-value test data: put, append and get of strings.

One map per line: `{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from checkers.formats.edn import EdnError, Form, read_located
from checkers.formats.plain import plain
from checkers.formats.transcript import Entry, history_of, read_text
from checkers.history import History, OpType
from checkers.history_file import HistoryFileError


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process: int
    type: OpType
    f: Literal["put", "append", "get"]
    key: str
    value: str | None
    """None where a get is invoked."""


def read(path: Path) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of(path, _entries(path))


def _entries(path: Path) -> Iterator[Entry]:
    try:
        for line, form in read_located(read_text(path)):
            yield _entry(path, line, form)
    except EdnError as error:
        raise HistoryFileError(
            path, error.line, f"is not EDN at column {error.column}: {error.message}"
        ) from error


def _entry(path: Path, line: int, form: Form) -> Entry:
    try:
        given = msgspec.convert(plain(form), _Line)
    except (msgspec.ValidationError, RecursionError) as error:
        raise HistoryFileError(
            path,
            line,
            f"is not an operation: {error}; expected {{:process 0, :type :invoke|:ok|:fail|:info,"
            ' :f :put|:append|:get, :key "0", :value nil}',
        ) from error
    return Entry(
        line=line,
        process=given.process,
        type=given.type,
        f=given.f,
        key=given.key,
        value=given.value,
    )
