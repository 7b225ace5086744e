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

_CYCLIC_MAX = 10
"""After so many contexts that leave cycles everything is looked at. What they leave counts as old
by then, and CPython looks at what is old only when much of it is new: thousands of trials in one
process would pile up their cycles, a megabyte each."""

_cyclic_counts = count(1)


@contextmanager
def rare_collections(*, leaves_cycles: bool = False) -> Iterator[None]:
    """Collect rarely while the context lasts; all is as it was afterwards.

    `leaves_cycles`: what is made in it refers to itself, as a simulation does; a judgement leaves
    next to nothing. Within another such context, this one changes nothing.
    """
    if gc.get_freeze_count():
        yield
        return
    if leaves_cycles and next(_cyclic_counts) % _CYCLIC_MAX == 0:
        gc.collect()
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
