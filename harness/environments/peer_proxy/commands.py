"""What is asked of a running proxy, as lines of JSON, and what it answers."""

from typing import TypeAlias

import msgspec

from nemesis.surface import Latency, Link, Reordering


class Cut(msgspec.Struct, frozen=True, tag="cut"):
    """Set the links that are cut."""

    links: list[Link]


class Lose(msgspec.Struct, frozen=True, tag="lose"):
    """Set the links that lose messages, and how likely."""

    links: list[tuple[Link, float]]


class Delay(msgspec.Struct, frozen=True, tag="delay"):
    """Set the links that are slow."""

    links: list[tuple[Link, Latency]]


class Duplicate(msgspec.Struct, frozen=True, tag="duplicate"):
    """Set the links that double messages, and how likely."""

    links: list[tuple[Link, float]]


class Reorder(msgspec.Struct, frozen=True, tag="reorder"):
    """Set the links on which messages are overtaken."""

    links: list[tuple[Link, Reordering]]


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """Keep messages back."""

    name: str
    links: list[Link]
    kinds: list[str]
    count_max: int


class Release(msgspec.Struct, frozen=True, tag="release"):
    """Let them go."""

    name: str
    is_reversed: bool
    is_doubled: bool


Command: TypeAlias = Cut | Lose | Delay | Duplicate | Reorder | Hold | Release


class Answer(msgspec.Struct, frozen=True):
    """The command has been carried out."""

    count: int = 0
    """Messages that a release let go."""
