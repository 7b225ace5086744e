"""Large values, written short: `17~8192` in a history is 8192 bytes that begin with `17~8192`.

A store may be asked to keep megabytes; a history that held them would be too large to keep or to
judge. So a long value stands in histories by its beginning and its length, and is filled up with
dots where it is sent. What comes back is shortened only if it is exactly what such a text stands
for: whatever else a store made of it, one byte less included, is recorded as it is.
"""

import re
from typing import Final

_SHORT: Final = re.compile(r"[^~]*~([1-9]\d{0,6})")
"""A text that stands for a longer one, and its length in bytes."""
_LITERAL: Final = "literal:"
"""Precedes what was received and only looks like such a text: nobody wrote it."""


def with_length(text: str, length: int) -> str:
    """Return what stands for `text` filled up to `length` bytes; 0 leaves it as it is."""
    return f"{text}~{length}" if length else text


def stored(text: str) -> bytes:
    """Return what to send for `text`, a value in a history."""
    encoded = text.encode()
    short = _SHORT.fullmatch(text) if "~" in text else None
    return encoded if short is None else encoded.ljust(int(short[1]), b".")


def shown(value: bytes) -> str:
    """Return what a history holds of `value`, which was received; the inverse of `stored`."""
    text = value.rstrip(b".").decode(errors="backslashreplace") if b"~" in value else None
    if text is None or _SHORT.fullmatch(text) is None:
        return value.decode(errors="backslashreplace")
    return text if stored(text) == value else _LITERAL + value.decode(errors="backslashreplace")
