"""Operations in a few words: what was asked, what was answered, at which revision.

For labels in a page, where there is room for a phrase. What is of no known form is shown as it
stands in the history.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

import msgspec

from checkers.history import Operation, OpType

TEXT_MAX: Final = 120
"""Characters of a phrase; what is longer ends in an ellipsis."""


def asked(operation: Operation) -> str:
    """Return what was asked: `write 3`, `cas 1 to 2`, `put k1 = a`, `range [k, l)`."""
    return shortened(_asked(operation.f, operation.value))


def answered(operation: Operation) -> str:
    """Return what was answered: `4`, `not found`, `refused: compare failed`, `unknown: timeout`."""
    match operation.outcome:
        case OpType.OK:
            return shortened(_answered(operation.f, operation.value, operation.result))
        case OpType.FAIL:
            return shortened(f"refused: {operation.error or 'no reason given'}")
        case _:
            return shortened(f"unknown: {operation.error or 'still in flight at the end'}")


def revision_of(operation: Operation) -> int | None:
    """Return the revision that the answer names; None if it names none."""
    result = operation.result
    revision = result.get("revision") if _is_table(result) else None
    return revision if isinstance(revision, int) else None


def shortened(text: str) -> str:
    """Return `text`, in one line of `TEXT_MAX` characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_MAX else line[: TEXT_MAX - 1] + "…"


def counted(count: int, what: str) -> str:
    """Return how many there are of `what`, which takes an s: `1 fault`, `2 faults`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def plain(value: object) -> str:
    """Return a JSON value as people write it: strings bare, the rest as JSON."""
    if isinstance(value, str):
        return value if value.isprintable() else repr(value)[1:-1]
    return msgspec.json.encode(value).decode()


def _is_table(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


# ---------------------------------------------------------------- what was asked
def _asked(f: str, value: object) -> str:
    if f == "cas" and _is_list(value) and len(value) == 2:
        return f"cas {plain(value[0])} to {plain(value[1])}"
    if f == "txn":
        return f"txn {_transaction(value)}"
    if _is_table(value):
        return f"{f} {_request(value)}"
    return f if value is None else f"{f} {plain(value)}"


def _request(value: Mapping[str, object]) -> str:
    parts = []
    if "key" in value:
        parts.append(_interval(value))
    if "value" in value:
        parts.append(f"= {plain(value['value'])}")
    revision = value.get("revision")
    if revision:
        parts.append(f"at revision {plain(revision)}")
    if value.get("serializable"):
        parts.append("(serializable)")
    shown = {"key", "range_end", "value", "revision", "serializable"}
    parts += [f"{name} {plain(left)}" for name, left in value.items() if name not in shown]
    return " ".join(parts)


def _interval(value: Mapping[str, object]) -> str:
    key, range_end = plain(value["key"]), value.get("range_end")
    return f"[{key}, {plain(range_end)})" if range_end else key


def _transaction(value: object) -> str:
    if _is_list(value):
        return " · ".join(_micro_operation(each) for each in value)
    if not _is_table(value):
        return plain(value)
    conditions = " and ".join(_condition(each) for each in _items(value.get("compare")))
    then, otherwise = (_steps(value.get(branch)) for branch in ("success", "failure"))
    return f"if {conditions or 'anything'} then {then} else {otherwise}"


def _micro_operation(value: object) -> str:
    if _is_list(value) and len(value) == 3:
        what, key, element = value
        return f"{plain(what)} {plain(key)}" + ("" if element is None else f" {plain(element)}")
    return plain(value)


def _items(value: object) -> Sequence[object]:
    return value if _is_list(value) else ()


def _condition(value: object) -> str:
    if not _is_table(value):
        return plain(value)
    target, key = plain(value.get("target", "?")), plain(value.get("key", "?"))
    return f"{target}({key}) {plain(value.get('result', '?'))} {plain(value.get('value'))}"


def _steps(value: object) -> str:
    return ", ".join(_step(each) for each in _items(value)) or "nothing"


def _step(value: object) -> str:
    if not _is_table(value) or len(value) != 1:
        return plain(value)
    ((what, request),) = value.items()
    return _asked(what, request)


# ---------------------------------------------------------------- what was answered
def _answered(f: str, value: object, result: object) -> str:
    if _is_table(result):
        return _response(result)
    if f == "read":
        return "nothing" if result is None else plain(result)
    if f == "txn" and _is_list(result):
        return _transaction(result)
    return "done" if result is None or result == value else plain(result)


def _response(result: Mapping[str, object]) -> str:
    parts = []
    if "revision" in result:
        parts.append(f"revision {plain(result['revision'])}")
    if "kvs" in result:
        kvs = _items(result["kvs"])
        parts.append(", ".join(map(_kv, kvs)) if kvs else "nothing")
    if "succeeded" in result:
        parts.append("condition held" if result["succeeded"] else "condition did not hold")
        parts += [_part_of_txn(each) for each in _items(result.get("responses"))]
    if "prev_kv" in result:
        parts.append(f"before: {_kv(result['prev_kv'])}")
    if "deleted" in result:
        parts.append(f"{plain(result['deleted'])} deleted")
    shown = {"kvs", "succeeded", "responses", "prev_kv", "deleted", "revision", "count", "prev_kvs"}
    parts += [
        f"{name} {plain(left)}" for name, left in result.items() if left and name not in shown
    ]
    return "; ".join(parts)


def _part_of_txn(value: object) -> str:
    if _is_table(value) and len(value) == 1:
        ((what, result),) = value.items()
        inner = _response(result) if _is_table(result) else ""
        return f"{what}: {inner}" if inner else what
    return plain(value)


def _kv(value: object) -> str:
    if not _is_table(value):
        return plain(value)
    text = f"{plain(value.get('key'))} = {plain(value.get('value'))}"
    revision = value.get("mod_revision")
    return f"{text} (written at {plain(revision)})" if revision else text
