"""Large EDN files, read line by line: one operation map per line is the usual case.

A line that holds a single map of plain values is turned into JSON with a few substitutions, and
many of them are decoded at once by msgspec, some ten times faster than the reader of `edn`. That
reader gets every other line: strings, comments, discarded forms, tags, sets, maps over several
lines, and whatever the substitutions cannot do right, which the JSON decoder then refuses. Either
way leads to the same values.

Memory is bounded by the longest form, and `BATCH_LINES` lines.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from checkers.formats.edn import EdnError, EdnReader
from checkers.formats.plain import as_text, plain
from checkers.formats.text_lines import text_lines
from checkers.heard_file import Heard, unheard
from checkers.history_file import HistoryFileError

BATCH_LINES: Final = 2000

_MAP: Final = "\0"
"""The first element of a list that was a map; no EDN text that is read here can hold it."""

_OP_TAG: Final = "#jepsen.history.Op{"
_NOT_PLAIN: Final = re.compile(r'["\\;#()^@`~\0]')
_WORD: Final = re.compile(r'"[\w.\-]*"')
"""A string in which nothing can be mistaken for anything else."""
_KEYWORD: Final = re.compile(r"(?<![^\s,\[{]):([A-Za-z][\w.\-/+*!?<>=$%&|]*)(?![^\s,\[\]{}])")
_NIL: Final = re.compile(r"(?<![^\s,\[{])nil(?![^\s,\]}])")
_ADJACENT: Final = ("][", "]{", "}[", "}{", '"[', '"{')
_DECODER: Final = msgspec.json.Decoder(list[object])


def read_values(path: Path, heard: Heard = unheard) -> Iterator[tuple[int, object]]:
    """Yield the forms in the file, made plain, each with the line on which it begins.

    A list or vector at the top is taken apart. Raises `HistoryFileError`.
    """
    reader = EdnReader(unwrap=True)
    batch: list[str] = []
    try:
        for _, line in text_lines(path, heard):
            text = line.strip(" \t\r\n,")
            if reader.is_outside and _is_plain_map(text):
                batch.append(text)
                if len(batch) == BATCH_LINES:
                    yield from _read_batch(reader, batch)
                    batch.clear()
                continue
            if batch:
                yield from _read_batch(reader, batch)
                batch.clear()
            yield from _read_slowly(reader, line)
        if batch:
            yield from _read_batch(reader, batch)
        reader.finish()
    except EdnError as error:
        raise HistoryFileError(
            path, error.line, f"is not EDN at column {error.column}: {error.message}"
        ) from error
    except RecursionError as error:
        raise HistoryFileError(
            path, reader.line, "holds a value that is nested too deep"
        ) from error


def _is_plain_map(text: str) -> bool:
    """Say whether `text` looks like one map of keywords, words, numbers, vectors and maps."""
    if not text.endswith("}"):
        return False
    body = text.removeprefix(_OP_TAG)
    return (
        (len(body) < len(text) or text.startswith("{"))
        and not _NOT_PLAIN.search(_WORD.sub("", body) if '"' in body else body)
        and text.count("{") == text.count("}")
        and text.count("[") == text.count("]")
    )


def _read_batch(reader: EdnReader, texts: list[str]) -> Iterator[tuple[int, object]]:
    first = reader.line
    rows = _decode(texts)
    if rows is None:
        for text in texts:
            yield from _read_alone(reader, text)
        return
    reader.pass_over(len(texts))
    yield from enumerate(rows, start=first)


def _read_alone(reader: EdnReader, text: str) -> Iterator[tuple[int, object]]:
    rows = _decode([text])
    if rows is None:
        yield from _read_slowly(reader, text + "\n")
    else:
        line = reader.line
        reader.pass_over(1)
        yield line, rows[0]


def _read_slowly(reader: EdnReader, line: str) -> Iterator[tuple[int, object]]:
    for number, form in reader.feed(line):
        yield number, plain(form)


def _decode(texts: Sequence[str]) -> list[object] | None:
    """Return the maps in `texts`, one in each; None if this is not the way to read one of them."""
    text = "\n".join(texts).replace(_OP_TAG, "{")
    has_inner_maps = text.count("{") > len(texts)
    text = text.replace("\t", ",").replace(" ", ",")
    while ",," in text:
        text = text.replace(",,", ",")
    text = text.replace("{,", "{").replace(",}", "}").replace("[,", "[").replace(",]", "]")
    # The longest first, so that none is taken for the beginning of another.
    for keyword in sorted(frozenset(_KEYWORD.findall(text)), key=len, reverse=True):
        text = text.replace(f":{keyword}", f'"{keyword}"')
    text = _NIL.sub("null", text)
    for pair in _ADJACENT:
        text = text.replace(pair, f"{pair[0]},{pair[1]}")
    text = text.replace("{", '["\\u0000",').replace("}", "]")
    try:
        rows = _DECODER.decode_lines(text)
        return [_map_of(row, has_inner_maps=has_inner_maps) for row in rows]
    except (msgspec.DecodeError, _NotAMapError):
        return None


class _NotAMapError(ValueError):
    """A list that is no map after all."""


def _map_of(row: list[object], *, has_inner_maps: bool) -> dict[str, object]:
    """Return the map that `row` is."""
    keys, values = row[1::2], row[2::2]
    if has_inner_maps:
        values = [_unfolded(value) for value in values]
    found = {as_text(key): value for key, value in zip(keys, values, strict=False)}
    if row[0] != _MAP or len(found) != len(keys) or len(keys) != len(values):
        raise _NotAMapError
    return found


def _unfolded(value: object) -> object:
    """Return `value` with the lists that were maps made maps again."""
    if type(value) is not list:
        return value
    if value and value[0] == _MAP:
        return _map_of(value, has_inner_maps=True)
    return [_unfolded(item) for item in value]
