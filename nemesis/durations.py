"""Durations: nanoseconds inside, milliseconds in what people read and write."""

from typing import Final

MILLISECOND: Final = 1_000_000
"""In nanoseconds."""

TIME_NS_MAX: Final = 10**15
"""The latest instant and the longest duration of a schedule: 11 days.

Up to here, a nanosecond survives being written as a fraction of milliseconds.
"""


def milliseconds(duration_ns: int) -> int | float:
    """Return a duration in milliseconds, as an `int` where it is whole."""
    whole, rest = divmod(duration_ns, MILLISECOND)
    return duration_ns / MILLISECOND if rest else whole
