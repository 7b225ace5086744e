"""Spare the simulation, and the judgement of long histories, the garbage collector's rounds.

Both make many small values and hardly any cycles: what the collector walks through again and again
is nearly all alive. Looking rarely, and not at what was there before, saves about a quarter of a
simulation's running time (docs/decisions/0006-the-collector-looks-rarely.md), and half of that of
judging 100,000 transactions.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

_ALLOCATIONS = 100_000
"""New containers between two looks at the youngest of them (CPython's default is 700)."""

_CONTEXTS_MAX = 10
"""After so many contexts everything is looked at. What they leave behind counts as old by then,
and CPython looks at what is old only when much of it is new: thousands of trials in one process
would pile up their cycles, a megabyte each."""

_contexts_counts = count(1)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely while the context lasts; all is as it was afterwards.

    Within another such context, this one changes nothing.
    """
    if gc.get_freeze_count():
        yield
        return
    if next(_contexts_counts) % _CONTEXTS_MAX == 0:
        gc.collect()
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
