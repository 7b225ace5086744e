"""A lock: `acquire` succeeds only when it is free, `release` only when it is held.

Three kinds. A plain `Mutex` does not look at who asks: two acquires without a release between them
are wrong, whoever made them. An `OwnerMutex` is released only by the client that acquired it. If
it is reentrant, that client may also acquire it again, and must release it as often.

Who asks is the process, unless the operation's value names a client: `{"client": "a"}`, or just
its name. Name it where a process that crashed goes on under another number.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, hashable, text

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
        return _parse(operation)

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


class OwnerStep(msgspec.Struct, frozen=True):
    """An acquire or release by a client."""

    f: MutexOperation
    client: Hashable


Holding: TypeAlias = tuple[Hashable, int]
"""Who holds the lock, and how many acquires it has not released; (None, 0) if it is free."""


@dataclass(frozen=True, slots=True)
class OwnerMutex:
    """One lock per key, free at first, that knows its owner."""

    reentrant: bool = False
    initial: Holding = (None, 0)

    @property
    def name(self) -> str:
        """`owner-mutex` or `reentrant-mutex`."""
        return "reentrant-mutex" if self.reentrant else "owner-mutex"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a lock of its own."""
        return operation.key

    def parse(self, operation: Operation) -> OwnerStep | None:
        """Return the operation and who asked; None if it did not happen."""
        f = _parse(operation)
        return None if f is None else OwnerStep(f, _client(operation))

    def step(self, state: Holding, operation: OwnerStep) -> Holding | None:
        """Take a lock that is free, or one's own if reentrant; or give back one's own."""
        owner, count = state
        if operation.f == "acquire":
            if count and not (self.reentrant and owner == operation.client):
                return None
            return operation.client, count + 1
        if not count or owner != operation.client:
            return None
        return (None, 0) if count == 1 else (owner, count - 1)

    def describe(self, operation: OwnerStep) -> str:
        """Return `acquire by 1`."""
        return f"{operation.f} by {text(operation.client)}"

    def describe_state(self, state: object) -> str:
        """Return `free`, `held by 1` or `held by 1, 2 times`."""
        match state:
            case (client, int(count)) if count > 0:
                times = f", {count} times" if count > 1 else ""
                return f"held by {text(client)}{times}"
            case _:
                return "free"


def _parse(operation: Operation) -> MutexOperation | None:
    match operation.f:
        case "acquire" | "release" as f:
            return None if operation.outcome is OpType.FAIL else f
        case _:
            raise ModelError(
                f"op {operation.call}: a mutex knows acquire and release, not {operation.f!r}"
            )


def _client(operation: Operation) -> Hashable:
    match operation.value:
        case None:
            return operation.process
        case {"client": client}:
            return hashable(client)
        case dict() | list():
            raise ModelError(
                f"op {operation.call}: a mutex is given nothing or a client,"
                f" not {operation.value!r}"
            )
        case client:
            return hashable(client)
