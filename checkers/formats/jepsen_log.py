"""Histories as Jepsen logs them: `INFO  jepsen.util - 3	:invoke	:cas	[3 0]`.

Written for Jepsen's runs against etcd, compare-and-set registers, whose meanings are:

- A read that fails has learnt nothing; a write that fails did not happen.
- A `cas` that fails without saying why was carried out by the store and found another value: its
  error becomes `CAS_MISMATCH`, and it is evidence. One that names an error, `:timed-out` say, did
  not happen.
- A read of nil has seen the register empty.
- Registers of many keys are told apart by pairs of a key and a value (`independent`).

Blanks between the fields may be of any kind and number. Lines that are not `jepsen.util`'s, such
as stack traces, are passed over, and so is what else it logs: words, where an op has a process.
"""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from checkers.formats.edn import EdnError, Form, Keyword, read_all
from checkers.formats.independent import split_keys
from checkers.formats.plain import as_text, plain
from checkers.formats.text_lines import text_lines
from checkers.formats.transcript import Entry, history_of
from checkers.heard_file import Heard, unheard
from checkers.history import CAS_MISMATCH, History, OpType
from checkers.history_file import HistoryFileError

ValueAndError: TypeAlias = tuple[object, str | None]

_VALUES_MAX: Final = 10_000
"""How many texts of values are remembered with what they mean: logs repeat them."""

_SOURCE: Final = "jepsen.util"
_OP_LIKE: Final = re.compile(
    r"jepsen\.util:?\s+(?:-\s+)?(?:-?\d+(?:\s|$)|:\w|$)|jepsen\.util:?\s.*:(?:invoke|ok|fail|info)\b"
)
"""What begins as an op, or has the type of one: nothing of that is passed over."""
_OTHER_FORMAT: Final = re.compile(r"\s*\{[^\n]*:type\s+:(?:invoke|ok|fail|info)")
_OPERATION: Final = re.compile(
    r"jepsen\.util:?\s+(?:-\s+)?(?P<process>\d+|:\w+)\s+:(?P<type>invoke|ok|fail|info)"
    r"\s+:(?P<f>[^\s,;\"()\[\]{}]+)\s*(?P<rest>.*)"
)


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of(path, split_keys(deque(_entries(path, heard))))


def _entries(path: Path, heard: Heard) -> Iterator[Entry]:
    values: dict[str, ValueAndError] = {}
    for line, text in text_lines(path, heard):
        if _OTHER_FORMAT.match(text):
            raise HistoryFileError(path, line, "is not a line of a log, but an operation in EDN")
        if _SOURCE in text and _OP_LIKE.search(text):
            yield _entry(path, line, text.rstrip("\n"), values)


def _entry(path: Path, line: int, text: str, values: dict[str, ValueAndError]) -> Entry:
    fields = _OPERATION.search(text)
    if fields is None:
        raise HistoryFileError(
            path,
            line,
            "is not an operation; expected process, :invoke|:ok|:fail|:info, :f and value",
        )
    process, op_type, f = fields["process"], OpType(fields["type"]), fields["f"]
    rest = fields["rest"]
    read = values.get(rest)
    if read is None:
        read = _value_and_error(path, line, rest)
        if len(values) < _VALUES_MAX:
            values[rest] = read
    value, error = read
    if error is None and op_type is OpType.FAIL and f == "cas":
        error = CAS_MISMATCH
    return Entry(
        line=line,
        process=int(process) if process.isdigit() else process.removeprefix(":"),
        type=op_type,
        f=f,
        value=value,
        error=error,
    )


def _value_and_error(path: Path, line: int, rest: str) -> ValueAndError:
    """Return the value and the error of a line; a keyword in place of a value is an error."""
    try:
        forms: list[Form] = read_all(rest)
    except EdnError as error:
        raise HistoryFileError(
            path, line, f"holds a value that cannot be read: {error.message}"
        ) from error
    try:
        match forms:
            case []:
                return None, None
            case [Keyword(name)]:
                return None, name
            case [value]:
                return plain(value), None
            case [value, reason]:
                return plain(value), as_text(reason)
            case _:
                raise HistoryFileError(path, line, "holds more than a value and an error")
    except RecursionError as error:
        raise HistoryFileError(path, line, "holds a value that is nested too deep") from error
