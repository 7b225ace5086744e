"""Reading one JSON object field by field, with complaints that a person can act on."""

import enum
from collections.abc import Sequence
from typing import Final, TypeGuard, TypeVar

import msgspec

from nemesis.durations import MILLISECOND, TIME_NS_MAX
from nemesis.packages import nearest

SHOWN_CHARACTERS_MAX: Final = 60

Word = TypeVar("Word", bound=enum.StrEnum)


class FieldError(ValueError):
    """An object does not say what it must; the message tells the field and what was expected."""


class Fields:
    """One JSON object being read. Every field is taken at most once, and `finish` ends it."""

    def __init__(self, found: object, what: str) -> None:
        """Raise `FieldError` unless `found` is an object; `what` names it in messages."""
        if not isinstance(found, dict):
            raise FieldError(f"{what} must be an object {{...}}, not {shown(found)}")
        self._what = what
        self._left: dict[str, object] = dict(found)
        self._known: list[str] = []

    def has(self, name: str) -> bool:
        """Say whether the field is there and not taken."""
        self._known.append(name)
        return name in self._left

    def take(self, name: str, expected: str) -> object:
        """Return a field's value; raise `FieldError` if it is missing."""
        if not self.has(name):
            hint = nearest(name, list(self._left)).replace("did you mean", "is it")
            raise FieldError(f"{self._what} lacks `{name}`, {expected}{hint}")
        return self._left.pop(name)

    def rename(self, old: str, new: str) -> None:
        """Read the field `old`, if it is there, as if it were called `new`."""
        if self.has(old):
            self._left[new] = self._left.pop(old)

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.take(name, "a text")
        if not isinstance(value, str):
            raise FieldError(f"`{name}` must be a text, not {shown(value)}")
        return value

    def integer(self, name: str, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        expected = f"a whole number from {least} to {most}"
        value = self.take(name, expected)
        # JSON's true is Python's 1, and a schedule that says true means something else.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise FieldError(f"`{name}` must be {expected}, not {shown(value)}")
        return value

    def duration_ns(self, name: str, *, least_ns: int = 0) -> int:
        """Return a number of milliseconds, fractions allowed, in nanoseconds."""
        least_ms, most_ms = least_ns // MILLISECOND, TIME_NS_MAX // MILLISECOND
        return round(self._number(name, "milliseconds", least_ms, most_ms) * MILLISECOND)

    def probability(self, name: str) -> float:
        """Return a number in [0, 1]."""
        return float(self._number(name, "a probability", 0, 1))

    def number(self, name: str, *, least: float, most: float) -> float:
        """Return a number within bounds."""
        return float(self._number(name, "a number", least, most))

    def _number(self, name: str, what: str, least: float, most: float) -> int | float:
        expected = f"{what} from {least:.12g} to {most:.12g}"
        value = self.take(name, expected)
        if not _is_number(value) or not least <= value <= most:
            raise FieldError(f"`{name}` must be {expected}, not {shown(value)}")
        return value

    def truth(self, name: str) -> bool:
        """Return true or false."""
        value = self.take(name, "true or false")
        if not isinstance(value, bool):
            raise FieldError(f"`{name}` must be true or false, not {shown(value)}")
        return value

    def word(self, name: str, words: type[Word]) -> Word:
        """Return one of the words of an enumeration."""
        return words(self.one_of(name, [word.value for word in words]))

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """Return a text that is one of `words`."""
        expected = f"one of {', '.join(words)}"
        value = self.take(name, expected)
        if not isinstance(value, str) or value not in words:
            hint = nearest(value, words) if isinstance(value, str) else ""
            raise FieldError(f"`{name}` must be {expected}, not {shown(value)}{hint}")
        return value

    def lists(self, name: str, expected: str) -> tuple[tuple[str, ...], ...]:
        """Return a list of lists of texts."""
        value = self.take(name, expected)
        try:
            return msgspec.convert(value, tuple[tuple[str, ...], ...])
        except msgspec.ValidationError as error:
            raise FieldError(f"`{name}` must be {expected}, not {shown(value)}") from error

    def texts(self, name: str, expected: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.take(name, expected)
        try:
            return msgspec.convert(value, tuple[str, ...])
        except msgspec.ValidationError as error:
            raise FieldError(f"`{name}` must be {expected}, not {shown(value)}") from error

    def finish(self) -> None:
        """Raise `FieldError` if a field is left that nobody asked for."""
        for name in self._left:
            raise FieldError(
                f"{self._what} has a field `{name}` that means nothing here"
                f"{nearest(name, self._known)}: correct or remove it"
            )


def shown(value: object) -> str:
    """Return a value as JSON, cut short where it is long."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
