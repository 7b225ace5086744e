"""The traces of a run, `trace/<node>.jsonl`, read as facts.

What a trace may hold beyond this (pauses, snapshots that are sent, ...) is passed over.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.raft.facts import (
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    Installed,
    LedFrom,
    MembersChanged,
    Restarted,
    StoppedLeading,
)

_Fingerprints = tuple[tuple[int, int], ...]


class TraceError(ValueError):
    """A file is not a trace: which one, where, why."""


class _Role(msgspec.Struct, tag="role", gc=False):
    role: str
    term: int


class _Members(msgspec.Struct, tag="members", gc=False):
    voters: tuple[str, ...]
    learners: tuple[str, ...]
    outgoing: tuple[str, ...]
    index: int


class _Persist(msgspec.Struct, tag="persist", gc=False):
    first_index: int
    last_index: int
    term: int | None = None
    voted_for: str | None = None
    entries: _Fingerprints = ()


class _Commit(msgspec.Struct, tag="commit", gc=False):
    first_index: int
    last_index: int
    entries: _Fingerprints = ()


class _Install(msgspec.Struct, tag="install-snapshot", gc=False):
    last_included_index: int
    last_included_term: int


class _Start(msgspec.Struct, tag="start", gc=False):
    term: int
    last_index: int
    voted_for: str | None = None
    prefix_index: int = 0
    entries: _Fingerprints = ()


class _Crash(msgspec.Struct, tag="crash", gc=False):
    pass


class _Tag(msgspec.Struct, gc=False):
    type: str


class _Line(msgspec.Struct, gc=False):
    at: int
    node: str
    what: msgspec.Raw


_Told = _Role | _Members | _Persist | _Commit | _Install | _Start | _Crash
_KNOWN: Final = frozenset(
    {"role", "members", "persist", "commit", "install-snapshot", "start", "crash"}
)
_LINE: Final = msgspec.json.Decoder(_Line)
_TAG: Final = msgspec.json.Decoder(_Tag)
_TOLD: Final[msgspec.json.Decoder[_Told]] = msgspec.json.Decoder(_Told)


def load_traces(folder: Path) -> list[Fact]:
    """Return the facts of every trace in `folder`, by time; raise `TraceError`.

    A last line that its writer had no time to finish is dropped.
    """
    paths = sorted(folder.glob("*.jsonl"))
    return list(heapq.merge(*map(_facts, paths), key=lambda fact: fact.at_ns))


def _facts(path: Path) -> Iterator[Fact]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    return
                try:
                    line = _LINE.decode(text)
                    if _TAG.decode(line.what).type in _KNOWN:
                        yield from facts_of(line.at, line.node, _TOLD.decode(line.what))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise TraceError(f"{path}:{number}: not a transition: {error}") from error
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error


def facts_of(at_ns: int, node: str, told: _Told) -> Iterator[Fact]:  # noqa: C901 (one case each)
    """Yield what one line of a trace tells, in the order in which it happened."""
    match told:
        case _Role(role="leader", term=term):
            yield Fact(at_ns, node, LedFrom(term))
        case _Role() | _Crash():
            yield Fact(at_ns, node, StoppedLeading())
        case _Members():
            yield Fact(
                at_ns,
                node,
                MembersChanged(told.index, told.voters, told.learners, told.outgoing),
            )
        case _Persist():
            if told.term is not None:
                yield Fact(at_ns, node, HardState(told.term, told.voted_for))
            if told.entries:
                yield Fact(at_ns, node, Appended(_marks(told.first_index, told.entries)))
        case _Commit():
            marks = _marks(told.first_index, told.entries)
            yield Fact(at_ns, node, CommittedTo(told.last_index, marks))
        case _Install():
            index, term = told.last_included_index, told.last_included_term
            yield Fact(at_ns, node, Installed(index, term))
        case _Start():
            marks = _marks(told.prefix_index + 1, told.entries)
            yield Fact(
                at_ns,
                node,
                Restarted(told.term, told.voted_for, told.prefix_index, told.last_index, marks),
            )


def _marks(first_index: int, entries: _Fingerprints) -> tuple[EntryMark, ...]:
    return tuple(
        EntryMark(index, term, content)
        for index, (term, content) in enumerate(entries, first_index)
    )
