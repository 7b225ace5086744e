"""What two runs are compared by: what was asked of each, and what came of it.

A page that compares has one of these small summaries of every run that can be chosen, as JSON; its
script (`harness/report/assets/pair.js`) puts two of them side by side, with a server or without.
"""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

import msgspec

from harness.compare.figures import measure
from harness.plan import Plan
from harness.report.recorded import Recorded
from harness.report.sentence import headline


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    name: str
    """Of its directory."""
    verdict: str
    headline: str
    settings: Mapping[str, str]
    """As a plan names them; only those that are not the default."""
    figures: Mapping[str, str]
    checks: Mapping[str, str]
    """Each checker's answer."""


def summary_of(run: Recorded) -> Summary:
    """Return what `run` is compared by."""
    return Summary(
        name=run.directory.path.name,
        verdict=run.verdict.answer.name,
        headline=headline(run),
        settings=_changed(run.plan),
        figures=_figures(run),
        checks={leaf.checker: leaf.answer.name for leaf in run.verdict.leaves()},
    )


def default_settings() -> dict[str, str]:
    """Return every setting of the default plan, in its order."""
    return dict(_settings(Plan()))


def _changed(plan: Plan) -> dict[str, str]:
    defaults = default_settings()
    ours = dict(_settings(plan))
    names = dict.fromkeys([*ours, *defaults])
    changed = {name: ours.get(name, "") for name in names}
    return {name: value for name, value in changed.items() if value != defaults.get(name, "")}


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
        name.replace("_", " "): _number(value)
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
