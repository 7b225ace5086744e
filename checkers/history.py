"""What every client saw: operations, in the order in which the recorder saw them.

An operation in flight is two `Op`s of one process: an `invoke`, then its completion. A process
that never learns the outcome of its operation completes with `info` and is never used again.
"""

import enum
from typing import Final, TypeAlias

import msgspec

NEMESIS: Final = "nemesis"
"""The process under which faults are recorded; its ops are always `info`."""

Process: TypeAlias = int | str


class OpType(enum.StrEnum):
    """What an `Op` says about its operation."""

    INVOKE = "invoke"
    """Asked."""
    OK = "ok"
    """It happened."""
    FAIL = "fail"
    """It did not and will not happen."""
    INFO = "info"
    """Cannot know; or a note that belongs to no operation."""


class Op(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a history (docs/HISTORY_FORMAT.md)."""

    index: int
    """Its place in the history, from 0."""
    time: int
    """Nanoseconds from the start of the trial, by the recorder's one monotonic clock."""
    process: Process
    type: OpType
    f: str
    """What was asked: `read`, `write`, `cas`, `put`, ... as the workload defines."""
    key: str | None = None
    """The key, where an operation concerns exactly one; None otherwise."""
    value: object = None
    """Arguments (invoke) or result (completion), as the workload defines."""
    node: str | None = None
    """The node that was asked."""
    error: str | None = None
    """Why the operation failed or its outcome is unknown."""
