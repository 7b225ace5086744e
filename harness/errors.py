"""Every error the harness raises on purpose, by who must act on it.

::

    QuorateError
    ├── UsageError            the caller asked for something that cannot be; exit code 64
    │   ├── PlanError         a plan that does not read, or asks for the impossible
    │   └── RunDirectoryError a directory that is not a run, or a run of another version
    ├── HarnessError          our own side broke: could not start, inject, heal; exit code 3
    │   └── GeneratorError    a generator broke the rules of `harness.generator`
    └── CallError             one call to a node brought no response
        ├── DefiniteError     it had no effect and will have none
        └── IndefiniteError   it may have had one, or may still have one

What the *store* did wrong is never an exception: that is a verdict.
"""

import errno
from pathlib import Path
from typing import ClassVar, Final

_DISK_TROUBLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What a disk answers that is full, closed for writing or broken."""


class QuorateError(Exception):
    """The root of the tree; never raised itself."""

    exit_code: ClassVar[int] = 3
    """What the command line exits with when nothing caught the error."""


class UsageError(QuorateError):
    """Bad input. `str()` is one line, led by the file and line where they are known.

    `line` counts from 1; None when the error belongs to no particular line. `path` is None when
    what is wrong came from no file.
    """

    exit_code: ClassVar[int] = 64

    def __init__(
        self, message: str, *, path: Path | str | None = None, line: int | None = None
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(f"{place}{message}")


class PlanError(UsageError):
    """A plan that does not read, or asks for the impossible."""


class RunDirectoryError(UsageError):
    """A directory that is not a run, is incomplete, or was written by another version."""


class HarnessError(QuorateError):
    """The harness or its environment failed; says nothing about the store."""


class GeneratorError(HarnessError):
    """A generator broke a rule of `harness.generator`; the message names the rule."""


class CallError(QuorateError):
    """A call to a node brought no response. Raised as one of its two subclasses."""


class DefiniteError(CallError):
    """The call had no effect on the store and will have none."""


class IndefiniteError(CallError):
    """The call may have had an effect, or may still have one. When unsure, this one."""


def is_disk_trouble(error: Exception) -> bool:
    """Say whether the disk is full, closed for writing or broken: nobody asked wrongly."""
    return isinstance(error, OSError) and error.errno in _DISK_TROUBLE
