"""Histories as Jepsen and Knossos write them in EDN.

A vector or list of operation maps, or the maps one after another:
`{:process 0, :type :invoke, :f :cas, :value [2 1], :time 99286665244}`. Meanings that differ from
ours are translated:

- An operation that `:fail`s did not happen; that goes for `:cas` too, which proves nothing then.
- An `:ok` read of nil has learnt nothing: Knossos' models let it pass in every state. It is read
  as a `fail` with the error `NIL_READ`.
- Where every value is a pair of a key and a value, as `jepsen.independent` writes them, the key
  becomes `Op.key`.
- Micro-operations of a `:txn` are named as Elle names them: `r`, `w`, `append`.
- An op without `:process` is of process 0, and one without `:f` a `txn`: so Elle abbreviates.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.formats.edn_lines import read_values
from checkers.formats.plain import as_text
from checkers.formats.transcript import Entry, history_of
from checkers.heard_file import Heard, unheard
from checkers.history import NEMESIS, History, OpType
from checkers.history_file import HistoryFileError
from checkers.shared_text import sharing

NIL_READ: Final = "read nil, which in Knossos means: unknown"
"""The `error` of a read that is no evidence of anything."""

TRANSACTION: Final = "txn"

_MICRO_OPS: Final = {"read": "r", "write": "w"}


class _Operation(msgspec.Struct, frozen=True, kw_only=True):
    """The map of an op, made plain; what else it holds is not needed to judge."""

    type: OpType
    process: int | str = 0
    f: str = TRANSACTION
    value: object = None
    time: object = None
    error: object = None


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of_values(path, read_values(path, heard))


def history_of_values(path: Path, values: Iterable[tuple[int, object]]) -> History:
    """Return the history of operation maps, each plain and with its line in `path`."""
    shared = sharing()
    entries = deque(_entry(path, line, value, shared) for line, value in values)
    return history_of(path, _without_nil_reads(_split_keys(entries)))


def _entry(path: Path, line: int, form: object, shared: Callable[[str], str]) -> Entry:
    try:
        given = msgspec.convert(form, _Operation)
        value = _micro_ops(given.value, shared) if given.f == TRANSACTION else given.value
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise HistoryFileError(
            path,
            line,
            f"is not an operation: {error}; expected"
            " {:process 0, :type :invoke|:ok|:fail|:info, :f :name, :value ...}",
        ) from error
    return Entry(
        line=line,
        process=given.process,
        type=given.type,
        f=shared(given.f),
        time=given.time if isinstance(given.time, int) and given.time >= 0 else None,
        value=value,
        error=None if given.error is None else as_text(given.error),
    )


def _micro_ops(value: object, shared: Callable[[str], str]) -> object:
    if not isinstance(value, list):
        raise ValueError("a transaction's value is no vector")  # noqa: TRY004 - the file's fault
    return [_micro_op(micro_op, shared) for micro_op in value]


def _micro_op(micro_op: object, shared: Callable[[str], str]) -> object:
    match micro_op:
        case [str(f), str(key), *rest]:
            return [_MICRO_OPS.get(f) or shared(f), shared(key), *rest]
        case [str(f), *rest]:
            return [_MICRO_OPS.get(f) or shared(f), *rest]
        case _:
            raise ValueError("a transaction holds something else than [:f key value]")


def _split_keys(entries: deque[Entry]) -> Iterator[Entry]:
    """Yield the entries with `jepsen.independent`'s pairs taken apart, if it wrote them.

    Each is let go as it is yielded.
    """
    keyed = all(entry.process == NEMESIS or _is_keyed(entry) for entry in entries)
    while entries:
        entry = entries.popleft()
        yield _keyed(entry) if keyed and entry.process != NEMESIS else entry


def _is_keyed(entry: Entry) -> bool:
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


def _keyed(entry: Entry) -> Entry:
    assert isinstance(entry.value, list), "only pairs are taken apart"
    key, value = entry.value
    return msgspec.structs.replace(entry, key=as_text(key), value=value)


def _without_nil_reads(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.f == "read" and entry.type is OpType.OK and entry.value is None:
            yield msgspec.structs.replace(entry, type=OpType.FAIL, error=NIL_READ)
        else:
            yield entry
