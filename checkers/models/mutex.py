"""A lock: `acquire` succeeds only when it is free, `release` only when it is held.

Who holds it is not looked at: two acquires without a release between them are wrong, whoever made
them.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from checkers.history import Operation, OpType
from checkers.models.model import ModelError

MutexOperation: TypeAlias = Literal["acquire", "release"]


@dataclass(frozen=True, slots=True)
class Mutex:
    """One lock per key, held at first if `initial`."""

    initial: bool = False

    name = "mutex"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a lock of its own."""
        return operation.key

    def parse(self, operation: Operation) -> MutexOperation | None:
        """Return the operation; None if it did not happen."""
        match operation.f:
            case "acquire" | "release" as f:
                return None if operation.outcome is OpType.FAIL else f
            case _:
                raise ModelError(
                    f"op {operation.call}: a mutex knows acquire and release, not {operation.f!r}"
                )

    def step(self, state: bool, operation: MutexOperation) -> bool | None:  # noqa: FBT001 - the state
        """Take a free lock, or give back a held one."""
        acquired = operation == "acquire"
        return None if state == acquired else acquired

    def starts(self, operations: Iterable[MutexOperation]) -> "list[Mutex]":
        """Return a free lock and a held one."""
        del operations
        return [Mutex(initial=False), Mutex(initial=True)]

    def describe(self, operation: MutexOperation) -> str:
        """Return the operation's name."""
        return operation

    def describe_state(self, state: object) -> str:
        """Return `held` or `free`."""
        return "held" if state else "free"
