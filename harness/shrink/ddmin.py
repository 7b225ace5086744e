"""Delta debugging: the smallest part of a list that still fails.

After Zeller & Hildebrandt 2002 ("Simplifying and Isolating Failure-Inducing Input"), algorithm
ddmin. Deviation: having removed one chunk, the sweep goes on with the next instead of beginning
anew, and it goes from the last chunk to the first, since what made a run fail mostly comes late.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def ddmin(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> tuple[Item, ...]:
    """Return a part of `items`, in their order, that fails, and of which nothing can be left out.

    All of `items` fail. "Nothing" means no single item (1-minimal). `fails` is asked about parts
    only, first of all about none, and need not be monotone.
    """
    left = tuple(items)
    if not left or fails(()):
        return ()
    size = len(left)
    while size > 1:
        size = (size + 1) // 2
        left = _swept(left, size, fails)
        size = min(size, len(left))
    while len(swept := _swept(left, 1, fails)) < len(left):
        left = swept
    return left


def _swept(
    items: tuple[Item, ...], size: int, fails: Callable[[Sequence[Item]], bool]
) -> tuple[Item, ...]:
    """Return what is left when each chunk of `size` was tried to be left out once."""
    end = len(items)
    while end > 0 and len(items) > 1:
        start = max(0, end - size)
        without = items[:start] + items[end:]
        if without and fails(without):
            items = without
        end = start
    return items
