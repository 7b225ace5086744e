"""One copy of each text that a history repeats: names of functions, keys, nodes and processes.

Decoders make a new string of every occurrence. A million ops name a handful of functions and
nodes, and their copies take half as much memory again as the ops themselves.
"""

from collections.abc import Callable
from typing import Final

TEXTS_MAX: Final = 100_000
"""How many texts are kept: some histories never use a key twice."""


def sharing() -> Callable[[str], str]:
    """Return a function that returns its argument, always the same copy of equal ones."""
    texts: dict[str, str] = {}

    def shared(text: str) -> str:
        known = texts.get(text)
        if known is None:
            known = text
            if len(texts) < TEXTS_MAX:
                texts[text] = text
        return known

    return shared
