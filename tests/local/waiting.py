"""Waiting for what takes the machine a moment."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0
LOOK_S = 0.02


def wait_for(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Return once `condition` holds; fail if it does not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(LOOK_S)
