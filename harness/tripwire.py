"""A tripwire: simulated code that asks the real world for time or chance stops the run.

While it is armed, the functions below raise `TripwireError` for callers from Quorate's own
packages. Others (a progress bar in its own thread, say) get what they ask for: the simulation
cannot see them.
"""

import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, ParamSpec, TypeVar

from harness.errors import HarnessError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_SIMULATED: Final = ("harness", "nodeimpl", "nemesis", "checkers", "tests")

_FORBIDDEN: Final[tuple[tuple[ModuleType, tuple[str, ...]], ...]] = (
    (time, ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep")),
    (random, ("random", "randint", "randrange", "choice", "shuffle", "sample", "uniform")),
    (uuid, ("uuid1", "uuid4")),
    (os, ("urandom",)),
    (secrets, ("token_bytes", "token_hex", "randbelow")),
    (threading, ("Thread",)),
)


class TripwireError(HarnessError):
    """Simulated code touched the real world, so its runs cannot be repeated."""


@contextmanager
def armed() -> Iterator[None]:
    """Raise `TripwireError` where simulated code asks for real time, chance or threads."""
    saved = [(module, name, vars(module)[name]) for module, names in _FORBIDDEN for name in names]
    for module, name, original in saved:
        setattr(module, name, _guarded(f"{module.__name__}.{name}", original))
    try:
        yield
    finally:
        for module, name, original in saved:
            setattr(module, name, original)


def _guarded(title: str, original: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    def guard(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - who called
        if isinstance(caller, str) and caller.partition(".")[0] in _SIMULATED:
            raise TripwireError(
                f"{caller} called {title} inside a simulation; take time and chance as arguments"
            )
        return original(*arguments, **options)

    return guard
