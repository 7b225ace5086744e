"""Histories in JSON with Jepsen's keys, as elle-cli takes them.

An array of objects, or the objects one after another:
`{"index":0,"process":1,"type":"invoke","f":"txn","value":[["append",253,1]]}`. They mean what the
maps of `jepsen_edn` mean. Usually there is one object on each line, and files of any size are read
that way; one that is written otherwise is read as a whole, and may not be longer than a line.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from checkers.formats.jepsen_edn import history_of_values
from checkers.formats.text_lines import text_lines
from checkers.heard_file import Heard, unheard
from checkers.history import History
from checkers.history_file import LINE_BYTES_MAX, HistoryFileError


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of_values(path, _values(path, heard))


def _values(path: Path, heard: Heard) -> Iterator[tuple[int, object]]:
    number = count = 0
    try:
        for number, line in text_lines(path, heard):
            stripped = _without_array(number, line)
            if stripped:
                yield number, msgspec.json.decode(stripped)
                count += 1
    except (msgspec.DecodeError, RecursionError) as error:
        if path.stat().st_size > LINE_BYTES_MAX:
            limit = f"a file of over {LINE_BYTES_MAX} bytes has one op on each line"
            raise HistoryFileError(path, number, f"is not JSON: {error}; {limit}") from error
        # The values so far are the first of the whole, too: each was one by itself.
        whole = _whole(path, number)
        yield from ((number, value) for value in whole[count:])


def _without_array(number: int, line: str) -> str:
    """Return what the line holds without the brackets and commas of an array around all lines."""
    stripped = line.strip(" \t\r\n,")
    if number == 1:
        stripped = stripped.removeprefix("[")
    if stripped.count("[") < stripped.count("]"):
        stripped = stripped.removesuffix("]")
    return stripped.strip(" \t,")


def _whole(path: Path, bad_line: int) -> list[object]:
    """Return the values of a file that has not one on each line; `bad_line` shows it."""
    text = "".join(line for _, line in text_lines(path, unheard))
    try:
        whole: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise HistoryFileError(path, bad_line, f"is not JSON: {error}") from error
    return whole if isinstance(whole, list) else [whole]
