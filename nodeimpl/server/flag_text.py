"""Flags as text: `--name value`, `--name=value`, `ETCD_NAME=value`; and what the texts mean.

A flag on the command line counts more than its environment variable (as etcd). An environment
variable of an unknown flag is passed over with a warning; an unknown flag is an error.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from nodeimpl.ids import MICROSECOND, MILLISECOND, SECOND
from nodeimpl.server.urls import Url, UrlError, parse_urls

ENVIRONMENT_PREFIX: Final = "ETCD_"

_UNITS_NS: Final = {
    "ns": 1,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_TRUE: Final = ("true", "1", "t", "yes")
_FALSE: Final = ("false", "0", "f", "no")


class FlagError(ValueError):
    """A command line that no node can be started with; the message is for its author."""


class HelpRequested(Exception):  # noqa: N818  (not an error)
    """The command line asks for help or the version instead of a start."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic


class Flag(msgspec.Struct, frozen=True):
    """One flag: its name without dashes, what it is when it is not given, and what it means."""

    name: str
    default: str
    help: str
    is_switch: bool = False
    """Given without a value it is true."""

    @property
    def variable(self) -> str:
        """The environment variable that does the same."""
        return ENVIRONMENT_PREFIX + self.name.upper().replace("-", "_")


class Texts:
    """What the flags were given, as text, read as what they mean.

    Every reader raises `FlagError`, naming the flag, for a text that does not mean that.
    """

    def __init__(self, texts: Mapping[str, str], given: Sequence[str]) -> None:
        self._texts = texts
        self._given = frozenset(given)

    def is_given(self, name: str) -> bool:
        """Return whether the flag was given, on the command line or in the environment."""
        return name in self._given

    def text(self, name: str) -> str:
        """Return the text itself."""
        return self._texts[name]

    def optional(self, name: str) -> str | None:
        """Return the text; None if it is empty."""
        return self._texts[name] or None

    def switch(self, name: str) -> bool:
        """Return whether it is on."""
        text = self._texts[name].lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise self._error(name, "expected true or false")

    def number(self, name: str, *, at_least: int) -> int:
        """Return a whole number."""
        try:
            number = int(self._texts[name], 10)
        except ValueError:
            raise self._error(name, "expected a whole number") from None
        if number < at_least:
            raise self._error(name, f"expected at least {at_least}")
        return number

    def duration_ns(self, name: str) -> int:
        """Return a duration as Go writes it, such as 1h30m or 100ms; 0 needs no unit."""
        duration = parse_duration_ns(self._texts[name])
        if duration is None:
            raise self._error(name, "expected a duration, such as 10ms or 1h30m")
        return duration

    def urls(self, name: str) -> tuple[Url, ...]:
        """Return a list of addresses."""
        try:
            return parse_urls(self._texts[name])
        except UrlError as error:
            raise self._error(name, str(error)) from error

    def choice(self, name: str, *choices: str) -> str:
        """Return one of `choices`."""
        if self._texts[name] not in choices:
            raise self._error(name, f"expected one of {', '.join(choices)}")
        return self._texts[name]

    def _error(self, name: str, expected: str) -> FlagError:
        return FlagError(f"invalid value {self._texts[name]!r} for flag --{name}: {expected}")


def parse_duration_ns(text: str) -> int | None:
    """Return nanoseconds of a text such as 1h30m; None if it is no duration."""
    if text == "0":
        return 0
    if not text or _DURATION.sub("", text):
        return None
    return sum(round(float(count) * _UNITS_NS[unit]) for count, unit in _DURATION.findall(text))


def read_texts(
    flags: Sequence[Flag], arguments: Sequence[str], environment: Mapping[str, str]
) -> Texts:
    """Return what the command line and the environment say.

    Raises `FlagError` for an unknown flag and for one without its value, `HelpRequested` for
    --help and --version.
    """
    texts = {flag.name: environment.get(flag.variable, flag.default) for flag in flags}
    given = [flag.name for flag in flags if flag.variable in environment]
    by_name = {flag.name: flag for flag in flags}
    rest = list(arguments)
    while rest:
        name, value = _next_flag(rest, by_name)
        texts[name] = value
        given.append(name)
    return Texts(texts, given)


def _next_flag(rest: list[str], by_name: Mapping[str, Flag]) -> tuple[str, str]:
    """Take the next flag and its value off the command line."""
    argument = rest.pop(0)
    name, equals, value = argument.lstrip("-").partition("=")
    if not argument.startswith("-"):
        raise FlagError(f"{argument!r} is not a valid flag")
    if name in {"help", "h", "version"}:
        raise HelpRequested("version" if name == "version" else "help")
    if name not in by_name:
        raise FlagError(f"flag provided but not defined: -{name}")
    if equals:
        return name, value
    if by_name[name].is_switch:
        return name, "true"
    if not rest:
        raise FlagError(f"flag needs an argument: -{name}")
    return name, rest.pop(0)


def unknown_variables(flags: Sequence[Flag], environment: Mapping[str, str]) -> list[str]:
    """Return the environment variables that look like flags and are none."""
    known = [flag.variable for flag in flags]
    return sorted(
        name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in known
    )
