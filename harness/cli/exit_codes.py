"""Which exit code an error becomes: 3 harness or environment failure, 64 usage or bad input."""

from typing import Final

from checkers.history import HistoryError
from checkers.history_file import HistoryFileError
from checkers.models.model import ModelError
from harness.errors import QuorateError, is_disk_trouble
from nemesis.inject import InjectionError
from nemesis.packages import UnknownPackageError
from nemesis.schedule_file import ScheduleError

EXIT_HARNESS: Final = 3
EXIT_INTERRUPTED: Final = 130
EXIT_USAGE: Final = 64

_UNREADABLE: Final = (
    HistoryError,
    HistoryFileError,
    ModelError,
    ScheduleError,
    UnknownPackageError,
)
"""Errors of input from the packages that know nothing of the harness."""


def exit_code_of(error: Exception) -> int | None:
    """Return the exit code that an error becomes; None for what is a bug of ours."""
    if isinstance(error, QuorateError):
        return error.exit_code
    if isinstance(error, _UNREADABLE):
        return EXIT_USAGE
    if isinstance(error, InjectionError) or is_disk_trouble(error):
        return EXIT_HARNESS
    return None
