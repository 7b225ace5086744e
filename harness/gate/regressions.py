"""Recorded histories, judged again: each must get the verdict it is listed with.

A folder of regressions has an `expected.toml` that lists them, as Quorate's own `histories/` does.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.choose import checker_named
from checkers.history import HistoryError
from checkers.history_file import HistoryFileError, load_history
from checkers.models.model import ModelError
from checkers.verdict import Verdict, merge
from checkers.watch.checker import WatchChecker
from checkers.watch_history import load_watch_file
from harness.errors import UsageError
from harness.gate.outcome import Attempt, Ending, Result

LIST_NAME: Final = "expected.toml"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One listed history; what else is said of it is for people and for our own tests."""

    file: str
    model: str
    verdict: str
    initial: str | None = None
    watch: str | None = None
    """What watchers were told beside it."""
    checker: str | None = None
    """Who must reject it."""


class _List(msgspec.Struct, frozen=True):
    history: tuple[Entry, ...]


def load_list(folder: Path) -> tuple[Entry, ...]:
    """Return what `folder` lists; raises `UsageError` that names the file."""
    path = folder / LIST_NAME
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _List).history
    except OSError as error:
        raise UsageError(f"cannot read the regressions: {error.strerror}", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"not a list of regressions: {error}", path=path) from error
    if not entries:
        raise UsageError("lists no regression", path=path)
    return entries


def judge_regressions(folder: Path, group: str) -> Iterator[Result]:
    """Yield what came of each regression in `folder`."""
    for entry in load_list(folder):
        yield Result(
            group=group,
            name=entry.file,
            attempts=(_attempt(folder, entry),),
            repeat=_command(folder, entry),
        )


def _attempt(folder: Path, entry: Entry) -> Attempt:
    try:
        verdict = _judged(folder, entry)
    except (HistoryError, HistoryFileError, ModelError, OSError) as error:
        return Attempt(ending=Ending.HARNESS, reason=f"cannot be judged: {error}")
    if verdict.answer.name != entry.verdict:
        reason = f"is {verdict.answer.name} now, not {entry.verdict} as recorded: {verdict.reason}"
        return Attempt(ending=Ending.INVALID, reason=reason)
    blamed = [leaf.checker for leaf in verdict.leaves() if leaf.answer is verdict.answer]
    if entry.checker is not None and entry.checker not in blamed:
        reason = f"is rejected by {', '.join(blamed)} now, not by {entry.checker} as recorded"
        return Attempt(ending=Ending.INVALID, reason=reason)
    return Attempt(ending=Ending.PASSED)


def _judged(folder: Path, entry: Entry) -> Verdict:
    history = load_history(folder / entry.file).history
    verdicts = [checker_named(entry.model, entry.initial).check(history, Budget())]
    if entry.watch is not None:
        records = load_watch_file(folder / entry.watch)
        verdicts.append(WatchChecker(records=records).check(history, Budget()))
    return merge(entry.model, verdicts)


def _command(folder: Path, entry: Entry) -> str:
    parts = ["quorate check", str(folder / entry.file), f"--model {entry.model}"]
    if entry.initial is not None:
        parts.append(f"--initial {entry.initial}")
    if entry.watch is not None:
        parts.append(f"--watch {folder / entry.watch}")
    return " ".join(parts)
