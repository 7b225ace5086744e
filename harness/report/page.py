"""`report.html`: one file that needs no network, made from what a run recorded.

Style and scripts are files of this package (`assets`), put into the page as they are; the page's
data is one JSON value in it.
"""

import shlex
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from checkers.availability import longest_gap
from checkers.history import OpType
from checkers.verdict import Answer, Verdict
from harness.environments.simulation.trace_files import TRANSITIONS_LOG
from harness.errors import HarnessError
from harness.plan_file import dump_plan
from harness.report.console import plan_lines
from harness.report.effects import Effects, effects_of
from harness.report.latencies import LatencyRow, latency_rows
from harness.report.logs import excerpts_of
from harness.report.order import Order, order_of
from harness.report.page_data import page_data
from harness.report.recorded import Recorded, convictions_of
from harness.report.roles import elections
from harness.report.sentence import headline, meaning_of
from harness.report.summary import effects_words
from nemesis.schedule_file import write_schedule
from nodeimpl.ids import SECOND

REPORT_NAME: Final = "report.html"

_SCRIPTS: Final = (
    "time_axis.js",
    "drawing.js",
    "lanes.js",
    "plots.js",
    "conflict.js",
    "search.js",
    "main.js",
)
"""In the order in which they need one another."""

_SCHEDULE_LINES_MAX: Final = 400


def write_report(run: Recorded, path: Path) -> None:
    """Write the report of `run` to `path`; raises `HarnessError` if that cannot be written."""
    text = report_html(run)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{path}: cannot write the report: {error.strerror}") from error


def report_html(run: Recorded) -> str:
    """Return the report of `run`."""
    effects = effects_of(run.history, run.schedule.applied, run.roles)
    data = page_data(run, effects)
    convictions = convictions_of(run.verdict)
    schedule_text = write_schedule(msgspec.structs.replace(run.schedule, applied=())).decode()
    template = templates().get_template("report.html.jinja")
    return template.render(
        run=run,
        headline=headline(run),
        first_reason=_first_reason(run.verdict),
        plan_lines=[line.strip() for line in plan_lines(run.plan)],
        figures=_figures(run),
        data=data,
        data_json=embedded(data),
        meanings=[meaning_of(leaf) for leaf in convictions],
        effects=effects,
        effects_words=_sentence(effects),
        order=_order(run),
        latencies=_latencies(run),
        schedule_text="\n".join(schedule_text.splitlines()[:_SCHEDULE_LINES_MAX]),
        plan_text=dump_plan(run.plan),
        excerpts=excerpts_of(run, convictions[0] if convictions else None),
        commands=_commands(run),
        styles=Markup(asset("page.css")),
        scripts=[Markup(asset(name)) for name in _SCRIPTS],
    )


def _first_reason(verdict: Verdict) -> str:
    """Return who said first why not, whoever convicts before whoever does not know; else ""."""
    leaves = [*convictions_of(verdict), *(leaf for leaf in verdict.leaves() if leaf.reason)]
    return f"{leaves[0].checker}: {leaves[0].reason}" if leaves else ""


def templates() -> Environment:
    """Return where templates come from; everything put into them is escaped."""
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seconds": _seconds, "ms": _milliseconds, "figures": _details}
    return environment


def asset(name: str) -> str:
    """Return a style sheet or script of this package."""
    return (resources.files("harness.report") / "assets" / name).read_text(encoding="utf-8")


def embedded(value: object) -> Markup:
    """Return `value` as JSON that can stand in a script element, whatever strings are in it."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c"))


# ---------------------------------------------------------------- filters
def _seconds(value: float) -> str:
    return f"{value:.3f} s"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def _details(details: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {value}" for name, value in details.items() if isinstance(value, int | str | float)
    )


# ---------------------------------------------------------------- parts
def _figures(run: Recorded) -> list[tuple[str, str]]:
    counts = dict.fromkeys(OpType, 0)
    for op in run.history.client_ops():
        counts[op.type] += 1
    gap = longest_gap(run.history)
    begun = sum(
        record.phase == "begin" and record.outcome == "done" for record in run.schedule.applied
    )
    figures = [
        ("operations", f"{counts[OpType.INVOKE]:,}"),
        ("ok", f"{counts[OpType.OK]:,}"),
        ("fail", f"{counts[OpType.FAIL]:,}"),
        ("info", f"{counts[OpType.INFO]:,}"),
        ("faults", f"{begun}"),
        ("longest silence", "none" if gap is None else f"{gap.duration_ns / SECOND:.2f} s"),
        ("lasted", f"{run.end_ns / SECOND:.1f} s"),
    ]
    if run.roles:
        figures.insert(5, ("elections", f"{len(elections(run.roles))}"))
    return figures


def _sentence(effects: Effects) -> str:
    return f"{effects_words(effects)}." if effects.each else ""


def _order(run: Recorded) -> Order | None:
    return order_of(run) if run.verdict.answer is Answer.VALID else None


def _latencies(run: Recorded) -> list[LatencyRow]:
    return latency_rows(run.history)


def _commands(run: Recorded) -> list[str]:
    path = shlex.quote(str(run.directory.path))
    is_simulated = (run.directory.path / "trace" / TRANSITIONS_LOG).exists()
    what = "the same run, bit for bit" if is_simulated else "the same plan and faults once more"
    return [
        f"quorate replay {path}    # {what}",
        f"quorate check {path}     # judges the history again",
    ]
