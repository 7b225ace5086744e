"""Histories in JSON with Jepsen's keys, as elle-cli takes them.

An array of objects, or the objects one after another:
`{"index":0,"process":1,"type":"invoke","f":"txn","value":[["append",253,1]]}`. They mean what the
maps of `jepsen_edn` mean. Usually there is one object on each line; a file that is written
otherwise is read as a whole.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from checkers.formats.jepsen_edn import history_of_values
from checkers.formats.transcript import read_text
from checkers.history import History
from checkers.history_file import HistoryFileError


def read(path: Path) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of_values(path, _values(path))


def _values(path: Path) -> Iterator[tuple[int, object]]:
    text = read_text(path)
    try:
        by_line = list(_by_line(text))
    except msgspec.DecodeError:
        try:
            whole: object = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise HistoryFileError(path, _bad_line(text), f"is not JSON: {error}") from error
        by_line = [(1, each) for each in (whole if isinstance(whole, list) else [whole])]
    yield from by_line


def _by_line(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip(" \t\r,")
        if number == 1:
            stripped = stripped.removeprefix("[")
        if stripped.count("[") < stripped.count("]"):
            stripped = stripped.removesuffix("]")
        if stripped:
            yield number, msgspec.json.decode(stripped)


def _bad_line(text: str) -> int:
    """Return the first line that is no object by itself."""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            list(_by_line(line))
        except msgspec.DecodeError:
            return number
    return 1
