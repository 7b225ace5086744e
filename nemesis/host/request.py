"""One request to an agent: fields by name, each read as what it must be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


class HostError(Exception):
    """This host could not do what was asked; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Request:
    """The fields of one request. Every method raises `HostError` for one that is not as it must."""

    fields: Mapping[str, object]

    @classmethod
    def parse(cls, line: bytes) -> "Request":
        """Return the request that one line of JSON holds."""
        try:
            value: object = json.loads(line)
        except ValueError as error:
            raise HostError(f"not a request: {error}") from error
        if not isinstance(value, dict):
            raise HostError("a request is an object")
        return cls(value)

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise HostError(f"{name}: a text is missing")
        return value

    def integer(self, name: str) -> int:
        """Return a whole number."""
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise HostError(f"{name}: a whole number is missing")
        return value

    def number(self, name: str) -> float:
        """Return a number."""
        value = self.fields.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise HostError(f"{name}: a number is missing")
        return float(value)

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.fields.get(name)
        if not isinstance(value, bool):
            raise HostError(f"{name}: true or false is missing")
        return value

    def pairs(self, name: str) -> "list[tuple[int, int]]":
        """Return pairs of whole numbers."""
        value = self.fields.get(name)
        if not isinstance(value, list):
            raise HostError(f"{name}: a list is missing")
        pairs: list[tuple[int, int]] = []
        for pair in value:
            match pair:
                case [int(first), int(second)]:
                    pairs.append((first, second))
                case _:
                    raise HostError(f"{name}: not a pair of whole numbers")
        return pairs

    def table(self, name: str) -> "dict[str, Request]":
        """Return objects by their names."""
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise HostError(f"{name}: an object is missing")
        return {str(key): Request(each) for key, each in value.items() if isinstance(each, dict)}
