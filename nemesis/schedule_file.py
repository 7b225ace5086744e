"""The schedule file: JSON that people write and read, and errors that name the line.

    {"v":1,"seed":7,
     "events":[
      {"id":1,"at_ms":809,"do":"restart","target":"leader","tail":"torn","down_ms":412},
      {"id":2,"when":{"event":"role","role":"leader","nth":2},"delay_ms":0.4,
       "do":"partition","groups":[["$node"]],"hold_ms":600}],
     "applied":[
      {"at_ns":809000000,"id":1,"phase":"begin","outcome":"done","do":"restart","node":"n1", ...}]}

`events` is `Schedule.asked`, `applied` is `Schedule.applied` and may be missing.
docs/FAULTS.md describes the fields.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from nemesis.applied import Applied
from nemesis.encoding import applied_value, asked_value, read_applied, read_asked
from nemesis.fields import FieldError, Fields
from nemesis.packages import nearest
from nemesis.schedule import Asked, Schedule

VERSION: Final = 1
"""The version of the format that this module writes, and the last one it reads."""

SEED_MAX: Final = 2**63 - 1
MEMBERS: Final = ("v", "seed", "events", "applied")

Item = TypeVar("Item", Asked, Applied)


class ScheduleError(Exception):
    """A schedule file cannot be used; the message is one line: file, line, what to do."""

    def __init__(self, path: str, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line
        """From 1."""


def write_schedule(schedule: Schedule) -> bytes:
    """Return the file's content, one line per event and per record."""
    asked = _lines(asked_value(asked) for asked in schedule.asked)
    applied = _lines(applied_value(applied) for applied in schedule.applied)
    head = f'{{"v":{VERSION},"seed":{schedule.seed},'.encode()
    return head + b'\n "events":[' + asked + b'],\n "applied":[' + applied + b"]}\n"


def parse_schedule(text: bytes, *, path: str, nodes: Sequence[str]) -> Schedule:
    """Return the schedule that a file's content says.

    `path` is only for messages; `nodes` are the cluster's, and any other name is an error.
    Raises `ScheduleError` at the first thing that is wrong.
    """
    source = _Source(text, path)
    members = source.members()
    for name, part in members.items():
        if name not in MEMBERS:
            known = f"it has {', '.join(MEMBERS)}"
            raise source.error(part, f"a schedule has no `{name}`{nearest(name, MEMBERS)}; {known}")
    version = source.integer(members, "v", least=1)
    if version > VERSION:
        raise source.error(
            members["v"],
            f"the format is version {version}, and this Quorate reads up to {VERSION}: "
            "use the Quorate that wrote the file, or a newer one",
        )
    seed = source.integer(members, "seed", least=0)
    asked = source.items(members, "events", lambda found: read_asked(found, nodes))
    lines: dict[int, int] = {}
    for item, part in asked:
        if item.id in lines:
            first = f"line {lines[item.id]} has it too"
            raise source.error(part, f"the id {item.id} is taken, {first}: ids are unique")
        lines[item.id] = source.line(part)
    applied = source.items(members, "applied", lambda found: read_applied(found, nodes))
    return Schedule(
        seed=seed,
        asked=tuple(item for item, _ in asked),
        applied=tuple(item for item, _ in applied),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A JSON value as it stands in the file."""

    text: bytes
    offset: int


class _Source:
    """A file's content, in which every value is found again for error messages."""

    def __init__(self, text: bytes, path: str) -> None:
        self._text = text
        self._path = path

    def line(self, part: _Part) -> int:
        """Return the line on which `part` begins, from 1."""
        return 1 + self._text.count(b"\n", 0, part.offset)

    def error(self, part: _Part, problem: str) -> ScheduleError:
        """Return the error that says what is wrong with `part`."""
        return ScheduleError(self._path, self.line(part), problem)

    def members(self) -> dict[str, _Part]:
        """Return the members of the file's one object; raise `ScheduleError` if it is none."""
        try:
            self._text.decode()
            raw = msgspec.json.decode(self._text, type=dict[str, msgspec.Raw])
        except UnicodeDecodeError as error:
            raise self._not_json(error.start, "a byte that is not UTF-8") from error
        except msgspec.ValidationError as error:
            problem = f"a schedule is one JSON object {{...}}; {error}"
            raise ScheduleError(self._path, 1, problem) from error
        except (msgspec.DecodeError, RecursionError) as error:
            place = re.search(r"\(byte (\d+)\)", str(error))
            offset = int(place[1]) if place else len(self._text.rstrip())
            raise self._not_json(offset, str(error)) from error
        offset = 0
        members: dict[str, _Part] = {}
        for name, value in raw.items():
            # A name written with escapes is not found; its neighbours still are.
            offset = max(offset, self._text.find(f'"{name}"'.encode(), offset))
            members[name] = self._part(value, offset + len(name))
            offset = members[name].offset + len(members[name].text)
        return members

    def integer(self, members: dict[str, _Part], name: str, *, least: int) -> int:
        """Return a whole number that must be there."""
        part = members.get(name)
        found = {} if part is None else {name: self._decoded(part)}
        try:
            return Fields(found, "the schedule").integer(name, least=least, most=SEED_MAX)
        except FieldError as error:
            raise self.error(part or _Part(b"", 0), str(error)) from error

    def items(
        self, members: dict[str, _Part], name: str, read: Callable[[object], Item]
    ) -> list[tuple[Item, _Part]]:
        """Return the items of a list, as `read` reads them; empty if there is no such list."""
        if name not in members:
            return []
        whole = members[name]
        try:
            raw = msgspec.json.decode(whole.text, type=list[msgspec.Raw])
        except msgspec.ValidationError as error:
            raise self.error(whole, f"`{name}` must be a list [...]; {error}") from error
        offset = whole.offset
        items: list[tuple[Item, _Part]] = []
        for value in raw:
            part = self._part(value, offset)
            offset = part.offset + len(part.text)
            try:
                items.append((read(self._decoded(part)), part))
            except FieldError as error:
                raise self.error(part, f"{name} item {len(items) + 1}: {error}") from error
        return items

    def _part(self, value: msgspec.Raw, offset: int) -> _Part:
        text = bytes(value)
        return _Part(text, max(offset, self._text.find(text, offset)))

    def _decoded(self, part: _Part) -> object:
        try:
            value: object = msgspec.json.decode(part.text)
        except msgspec.DecodeError as error:
            raise self.error(part, f"not valid JSON: {error}") from error
        return value

    def _not_json(self, offset: int, what: str) -> ScheduleError:
        problem = f"not valid JSON: {what}; correct it, or write the schedule anew"
        return self.error(_Part(b"", offset), problem)


def _lines(values: Iterable[dict[str, object]]) -> bytes:
    return b",".join(b"\n  " + msgspec.json.encode(value) for value in values)
