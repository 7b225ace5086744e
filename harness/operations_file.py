"""Lists of operations as files: JSON that people write and read.

    {"v":1,
     "operations":[
      {"at_ms":12.5,"thread":0,"node":"n1","f":"put","key":"k1","value":{"key":"k1","value":"5"}}]}

`thread` is one of the plan's clients, from 0; without a `node`, any is asked. `f`, `key` and
`value` are those of an invoke in a history (docs/HISTORY_FORMAT.md), as the plan's workload has
them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from harness.errors import UsageError
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from nodeimpl.ids import MILLISECOND

VERSION: Final = 1

_AT_MS_MAX: Final = 1e9


class _Item(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    at_ms: Annotated[float, msgspec.Meta(ge=0.0, le=_AT_MS_MAX)]
    thread: Annotated[int, msgspec.Meta(ge=0)]
    node: str | None = None
    f: str
    key: str | None = None
    value: object = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: int
    operations: tuple[_Item, ...]


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    v: int


def write_operations(operations: Sequence[ListedOperation]) -> bytes:
    """Return the file's content, one line per operation."""
    lines = b",".join(b"\n  " + msgspec.json.encode(_item(each)) for each in operations)
    return f'{{"v":{VERSION},\n "operations":['.encode() + lines + b"]}\n"


def operations_for(plan: Plan, base: Path | None) -> tuple[ListedOperation, ...] | None:
    """Return the operations that the plan lists, in a file relative to `base`; None: it does not.

    Raises `UsageError` if they cannot be read, or are none of this plan.
    """
    if plan.workload.operations is None:
        return None
    return read_operations((base or Path()) / plan.workload.operations, plan)


def read_operations(path: Path, plan: Plan) -> tuple[ListedOperation, ...]:
    """Return the operations in the file `path`, by their times, for the clients of `plan`."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the operations: {error.strerror}", path=path) from error
    return operations_in(text, plan, path=str(path))


def operations_in(text: bytes, plan: Plan, *, path: str) -> tuple[ListedOperation, ...]:
    """Return the operations that `text` says; `path` is for messages. See `read_operations`."""
    try:
        version = msgspec.json.decode(text, type=_Version).v
        if version > VERSION:
            raise UsageError(
                f"the format is version {version}, and this Quorate reads up to {VERSION}: "
                "use the Quorate that wrote the file, or a newer one",
                path=path,
            )
        items = msgspec.json.decode(text, type=_File).operations
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"not a list of operations: {error}", path=path) from error
    for number, item in enumerate(items, 1):
        problem = _misfit(item, plan)
        if problem is not None:
            raise UsageError(f"operation {number}: {problem}", path=path)
    return tuple(sorted(map(_listed, items), key=_at_ns))


def _misfit(item: _Item, plan: Plan) -> str | None:
    """Return why the plan has no place for an operation; None if it has."""
    if item.thread >= plan.workload.concurrency:
        return f"thread {item.thread} is none of the plan's {plan.workload.concurrency} clients"
    if item.node is not None and item.node not in plan.node_names:
        return f"{item.node!r} is none of the plan's nodes, {', '.join(plan.node_names)}"
    return None


def _item(operation: ListedOperation) -> _Item:
    return _Item(
        at_ms=operation.at_ns / MILLISECOND,
        thread=operation.thread,
        node=operation.node,
        f=operation.f,
        key=operation.key,
        value=operation.value,
    )


def _listed(item: _Item) -> ListedOperation:
    return ListedOperation(
        at_ns=round(item.at_ms * MILLISECOND),
        thread=item.thread,
        node=item.node,
        f=item.f,
        key=item.key,
        value=item.value,
    )


def _at_ns(operation: ListedOperation) -> int:
    return operation.at_ns
