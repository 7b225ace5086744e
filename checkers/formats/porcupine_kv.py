"""Histories of Porcupine's key-value test data: put, append and get of strings.

One map per line: `{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}`; or written
in any other way that EDN allows. What else a map holds is passed over.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from checkers.formats.edn import EdnError, EdnReader, Form
from checkers.formats.plain import plain
from checkers.formats.text_lines import text_lines
from checkers.formats.transcript import Entry, history_of
from checkers.heard_file import Heard, unheard
from checkers.history import NEMESIS, History, OpType
from checkers.history_file import HistoryFileError
from checkers.shared_text import sharing


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    process: int | Literal["nemesis"]
    type: OpType
    f: str
    key: str | None = None
    value: object = msgspec.UNSET
    """None where a get is invoked; not there where nobody knows, or of what no client did."""


_TYPES: Final = {str(each): each for each in OpType}
_USUAL: Final = re.compile(
    r"\{:process ([0-9]{1,9}), :type :(invoke|ok|fail|info), :f :(put|append|get), "
    r':key "([^"\\]*)", :value (?:nil|"([^"\\]*)")\}\s*'
)
"""A line as Porcupine writes them; any other goes to the reader of EDN, some ten times slower."""


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of(path, _entries(path, heard))


def _entries(path: Path, heard: Heard) -> Iterator[Entry]:
    reader, shared = EdnReader(unwrap=True), sharing()
    try:
        for number, text in text_lines(path, heard):
            usual = _USUAL.fullmatch(text) if reader.is_outside else None
            if usual is None:
                for line, form in reader.feed(text):
                    yield _entry(path, line, form)
                continue
            reader.pass_over(1)
            process, op_type, f, key, value = usual.groups()
            yield Entry(
                line=number,
                process=int(process),
                type=_TYPES[op_type],
                f=shared(f),
                key=shared(key),
                value=value,
            )
        reader.finish()
    except EdnError as error:
        raise HistoryFileError(
            path, error.line, f"is not EDN at column {error.column}: {error.message}"
        ) from error


def _entry(path: Path, line: int, form: Form) -> Entry:
    try:
        given = msgspec.convert(plain(form), _Line)
        if given.process != NEMESIS:
            _check(given)
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
        key=None if given.process == NEMESIS else given.key,
        value=None if given.value is msgspec.UNSET else given.value,
    )


def _check(given: _Line) -> None:
    """Raise `ValidationError` if `given` is nothing that a client can have done."""
    is_told = given.type is (OpType.OK if given.f == "get" else OpType.INVOKE)
    if given.f not in {"put", "append", "get"}:
        raise msgspec.ValidationError(f"its :f is {given.f!r}")
    if given.key is None:
        raise msgspec.ValidationError("it has no :key")
    if given.value is msgspec.UNSET:
        if is_told:
            raise msgspec.ValidationError("it has no :value")
    elif not isinstance(given.value, str | None):
        raise msgspec.ValidationError(f"its :value is {given.value!r}")
