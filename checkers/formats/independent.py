"""Pairs of a key and a value, as `jepsen.independent` writes them, taken apart.

A history is one of many keys if every operation is asked with a pair: `[5 nil]`, `[5 [1 2]]`. An
answer without one, such as an error in place of the value, is about the key that was asked for.
"""

from collections import deque
from collections.abc import Iterator

import msgspec

from checkers.formats.plain import as_text
from checkers.formats.transcript import TRANSACTION, Entry
from checkers.history import NEMESIS, OpType, Process


def split_keys(entries: deque[Entry]) -> Iterator[Entry]:
    """Yield the entries with keys of their own, if all that was asked has one.

    Where an op has its key beside the value, what completes it is about that key, too. Each is let
    go as it is yielded.
    """
    if any(entry.key is not None for entry in entries):
        yield from _inherited(entries)
        return
    is_keyed = all(_is_pair(entry) for entry in entries if _is_asked(entry))
    in_flight: dict[Process, str | None] = {}
    while entries:
        entry = entries.popleft()
        if not is_keyed or entry.process == NEMESIS:
            yield entry
            continue
        if _is_pair(entry):
            entry = _taken_apart(entry)
        elif entry.process in in_flight:
            entry = msgspec.structs.replace(entry, key=in_flight[entry.process])
        in_flight[entry.process] = entry.key
        yield entry


def _inherited(entries: deque[Entry]) -> Iterator[Entry]:
    in_flight: dict[Process, str | None] = {}
    while entries:
        entry = entries.popleft()
        if entry.process == NEMESIS:
            entry = msgspec.structs.replace(entry, key=None)
        elif entry.key is None and not _is_asked(entry):
            entry = msgspec.structs.replace(entry, key=in_flight.get(entry.process))
        in_flight[entry.process] = entry.key
        yield entry


def _is_asked(entry: Entry) -> bool:
    return entry.type is OpType.INVOKE and entry.process != NEMESIS


def _is_pair(entry: Entry) -> bool:
    """Say whether the value can be a key and a value.

    A `cas` has a pair of its own, which must be inside; a transaction is never keyed, for its
    value is a list of any length.
    """
    match entry.value:
        case [int() | str(), [_, _]] if entry.f == "cas":
            return True
        case [int() | str(), _]:
            return entry.f not in {"cas", TRANSACTION}
        case _:
            return False


def _taken_apart(entry: Entry) -> Entry:
    assert isinstance(entry.value, list), "only pairs are taken apart"
    key, value = entry.value
    return msgspec.structs.replace(entry, key=as_text(key), value=value)
