"""The word a person may have meant."""

import difflib
from collections.abc import Iterable
from typing import Final

LISTED_MAX: Final = 40
"""Known words that are listed; of more, nobody would read a line."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known word, else a list of them all.

    Of more than `LISTED_MAX` words, it says instead where the list is.
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    if len(names) > LISTED_MAX:
        return f"; quorate list has all {len(names)}"
    return f"; there are: {', '.join(names)}" if names else "; there is none"
