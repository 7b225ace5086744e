"""Spare the simulation the garbage collector's rounds.

A simulation makes many small values and hardly any cycles: what the collector walks through again
and again is nearly all alive. Looking rarely, and not at what was there before, saves about a
quarter of the running time (docs/decisions/0006-the-collector-looks-rarely.md).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 100_000
"""New containers between two looks at the youngest of them (CPython's default is 700)."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely while the context lasts; all is as it was afterwards."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
