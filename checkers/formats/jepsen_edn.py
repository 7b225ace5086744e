"""Histories as Jepsen and Knossos write them in EDN.

A vector or list of operation maps, or the maps one after another:
`{:process 0, :type :invoke, :f :cas, :value [2 1], :time 99286665244}`. Meanings that differ from
ours are translated:

- An operation that `:fail`s did not happen; that goes for `:cas` too, which proves nothing then.
- An `:ok` read of nil has learnt nothing: Knossos' models let it pass in every state. It is read
  as a `fail` with the error `NIL_READ`.
- Where every operation is asked with a pair of a key and a value, the key becomes `Op.key`
  (`independent`).
- Micro-operations of a `:txn` are named as Elle names them: `r`, `w`, `append`. A `:read` or
  `:write` of micro-operations is a `:txn`: so Jepsen's long fork has it.
- An op without `:process` is of process 0, and one without `:f` a `txn`: so Elle abbreviates.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.formats.edn_lines import read_values
from checkers.formats.independent import split_keys
from checkers.formats.plain import as_text
from checkers.formats.transcript import TRANSACTION, Entry, history_of
from checkers.heard_file import Heard, unheard
from checkers.history import History, OpType
from checkers.history_file import HistoryFileError
from checkers.shared_text import sharing

NIL_READ: Final = "read nil, which in Knossos means: unknown"
"""The `error` of a read that is no evidence of anything."""

_MICRO_OPS: Final = {"read": "r", "write": "w"}


class _Operation(msgspec.Struct, frozen=True, kw_only=True):
    """The map of an op, made plain; what else it holds is not needed to judge."""

    type: OpType
    process: int | str = 0
    f: str = TRANSACTION
    value: object = None
    time: object = None
    error: object = None
    key: object = None


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in `path`, or raise `HistoryFileError`."""
    return history_of_values(path, read_values(path, heard))


def history_of_values(path: Path, values: Iterable[tuple[int, object]]) -> History:
    """Return the history of operation maps, each plain and with its line in `path`."""
    shared = sharing()
    entries = deque(_entry(path, line, value, shared) for line, value in values)
    return history_of(path, _without_nil_reads(split_keys(entries)))


def _entry(path: Path, line: int, form: object, shared: Callable[[str], str]) -> Entry:
    try:
        given = msgspec.convert(form, _Operation)
        f = TRANSACTION if _is_transaction(given) else given.f
        value = _micro_ops(given.value, shared) if f == TRANSACTION else given.value
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
        f=shared(f),
        time=given.time if isinstance(given.time, int) and given.time >= 0 else None,
        key=None if given.key is None else shared(as_text(given.key)),
        value=value,
        error=None if given.error is None else as_text(given.error),
    )


def _is_transaction(given: _Operation) -> bool:
    match given.value:
        case [["r" | "w", *_], *_]:
            return given.f in {"read", "write"}
        case _:
            return False


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


def _without_nil_reads(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.f == "read" and entry.type is OpType.OK and entry.value is None:
            yield msgspec.structs.replace(entry, type=OpType.FAIL, error=NIL_READ)
        else:
            yield entry
