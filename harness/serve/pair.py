"""Two runs side by side: what was asked of each, and what came of it."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

import msgspec

from harness.compare.figures import measure
from harness.plan import Plan
from harness.report.recorded import Recorded


class Row(msgspec.Struct, frozen=True):
    """One line of the comparison."""

    name: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return self.first != self.second


def settings_rows(first: Plan, second: Plan) -> list[Row]:
    """Return every setting in which two plans differ."""
    ours, theirs = dict(_settings(first)), dict(_settings(second))
    names = dict.fromkeys([*ours, *theirs])
    rows = [Row(name, ours.get(name, ""), theirs.get(name, "")) for name in names]
    return [row for row in rows if row.differs]


def figures_rows(first: Recorded, second: Recorded) -> list[Row]:
    """Return the figures of two runs."""
    ours, theirs = _figures(first), _figures(second)
    return [Row(name.replace("_", " "), ours[name], theirs[name]) for name in ours]


def checks_rows(first: Recorded, second: Recorded) -> list[Row]:
    """Return what each checker said of two runs."""
    ours = {leaf.checker: leaf.answer.name for leaf in first.verdict.leaves()}
    theirs = {leaf.checker: leaf.answer.name for leaf in second.verdict.leaves()}
    names = dict.fromkeys([*ours, *theirs])
    return [Row(name, ours.get(name, ""), theirs.get(name, "")) for name in names]


def _figures(run: Recorded) -> dict[str, str]:
    trial = measure(
        run.plan,
        run.directory.path.name,
        run.history,
        run.schedule.applied,
        roles=run.roles,
        verdict=run.verdict,
    ).trial
    shown = msgspec.structs.asdict(trial)
    return {
        name: _number(value)
        for name, value in shown.items()
        if name not in ("variant", "seed", "verdict")
    }


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"
    return "unknown" if value is None else str(value)


def _settings(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from _flattened("", msgspec.to_builtins(plan))


def _flattened(place: str, table: object) -> Iterator[tuple[str, str]]:
    if isinstance(table, list | tuple):
        yield place, " ".join(map(str, table))
        return
    if not _is_table(table):
        yield place, "" if table is None else str(table)
        return
    for name, value in table.items():
        yield from _flattened(f"{place}.{name}" if place else name, value)


def _is_table(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)
