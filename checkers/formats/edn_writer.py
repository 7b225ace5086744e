"""Histories as EDN that Knossos and Elle read: one operation map per line.

What `jepsen_edn` translates is translated back: an operation's key becomes the first of a pair, as
`jepsen.independent` has it; micro-operations are named by keywords. Reading the file again gives
the same history, but for nodes, which Jepsen's maps have no place for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.history import History, Op

_TRANSACTION: Final = "txn"


def write_edn(path: Path, history: History) -> None:
    """Write `history` to a new file or over an old one."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in edn_lines(history))


def edn_lines(history: History) -> Iterator[str]:
    """Yield the map of each op, without its newline."""
    for op in history:
        yield _map(op)


def _map(op: Op) -> str:
    process = op.process if isinstance(op.process, int) else _keyword(op.process)
    fields = [
        f":index {op.index}",
        f":time {op.time}",
        f":type {_keyword(op.type)}",
        f":process {process}",
        f":f {_keyword(op.f)}",
        f":value {_value(op)}",
    ]
    if op.error is not None:
        fields.append(f":error {edn(op.error)}")
    return f"{{{', '.join(fields)}}}"


def _value(op: Op) -> str:
    if op.f == _TRANSACTION and isinstance(op.value, list):
        return f"[{' '.join(map(_micro_op, op.value))}]"
    value = edn(op.value)
    return value if op.key is None else f"[{edn(op.key)} {value}]"


def _micro_op(step: object) -> str:
    match step:
        case [str(f), *arguments]:
            return f"[{' '.join([_keyword(f), *map(edn, arguments)])}]"
        case _:
            return edn(step)


def _keyword(name: str) -> str:
    return f":{name}"


def edn(value: object) -> str:
    """Return the JSON value `value` in EDN; strings stay strings."""
    match value:
        case None:
            return "nil"
        case list():
            return f"[{' '.join(map(edn, value))}]"
        case dict():
            return f"{{{', '.join(f'{edn(key)} {edn(item)}' for key, item in value.items())}}}"
        case _:
            # What is left, JSON and EDN write alike: booleans, numbers, strings and their escapes.
            return msgspec.json.encode(value).decode()
