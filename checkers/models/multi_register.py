"""Several registers, read and written together by transactions.

`txn` is given and answers a list of steps, each `["read", key, value]` or `["write", key, value]`
(`"r"` and `"w"` for short); a read's value is null in the call and filled in by the answer. Plain
`read` and `write` with a `key` are transactions of one step.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, hashable, text

Registers: TypeAlias = tuple[tuple[str, Hashable], ...]
"""The state: what each key holds, by key. A key that is not there holds nil."""

TxnStep: TypeAlias = tuple[Literal["read", "write"], str, Hashable]

Txn: TypeAlias = tuple[TxnStep, ...]


@dataclass(frozen=True, slots=True)
class MultiRegister:
    """Registers under one roof, holding `initial` at first."""

    initial: Registers = ()

    name = "multi-register"

    def parse(self, operation: Operation) -> Txn | None:
        """Return the steps; None for what did not happen, or only read and did not answer."""
        if operation.outcome is OpType.FAIL:
            return None
        answered = operation.outcome is OpType.OK
        steps = tuple(_steps(operation, operation.result if answered else operation.value))
        if not answered:
            steps = tuple(step for step in steps if step[0] == "write")
        return steps or None

    def step(self, state: Registers, operation: Txn) -> Registers | None:
        """Apply the steps in order; a read within sees the writes before it."""
        held = dict(state)
        for f, key, value in operation:
            if f == "write":
                held[key] = value
            elif held.get(key) != value:
                return None
        return registers(held)

    def pure(self, operation: Txn) -> bool:
        """Return whether it only reads."""
        return all(f == "read" for f, _, _ in operation)

    def absorbs(self, writer: Txn, earlier: Txn) -> bool:
        """Return whether both only write, and `writer` writes all that `earlier` wrote."""
        if not all(f == "write" for f, _, _ in (*writer, *earlier)):
            return False
        return {key for _, key, _ in earlier} <= {key for _, key, _ in writer}

    def describe(self, operation: Txn) -> str:
        """Return `read x -> 1, write y 2`."""
        return ", ".join(
            f"read {key} -> {text(value)}" if f == "read" else f"write {key} {text(value)}"
            for f, key, value in operation
        )

    def describe_state(self, state: object) -> str:
        """Return `x=1 y=2`."""
        assert isinstance(state, tuple), "a state of this model is a tuple of pairs"
        return " ".join(f"{key}={text(value)}" for key, value in state) or "nothing"


def registers(held: Mapping[str, Hashable]) -> Registers:
    """Return the state in which each key holds what `held` says."""
    return tuple(sorted((key, value) for key, value in held.items() if value is not None))


def _steps(operation: Operation, value: object) -> Iterable[TxnStep]:
    match operation.f, operation.key, value:
        case "txn", _, [*steps]:
            for step in steps:
                yield _step(operation, step)
        case (("read" | "write"), str(key), _):
            yield _step(operation, [operation.f, key, value])
        case _:
            raise ModelError(
                f"op {operation.call}: a multi-register knows txn with a list of steps,"
                f" and read and write with a key, not {operation.f!r} with {value!r}"
            )


def _step(operation: Operation, step: object) -> TxnStep:
    match step:
        case ["read" | "r", str(key), value]:
            return ("read", key, hashable(value))
        case ["write" | "w", str(key), value]:
            return ("write", key, hashable(value))
        case _:
            raise ModelError(
                f'op {operation.call}: a step is ["read" or "write", key, value], not {step!r}'
            )
