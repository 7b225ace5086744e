"""A run as pictures, PNG and SVG: for CI artifacts, papers and chats. Needs matplotlib.

`latency`: when each operation was asked and how long it took, faults shaded; `rate`: answers per
second by outcome; `timeline`: the roles of nodes and the faults.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from checkers.performance import operations_table
from harness.errors import HarnessError, UsageError
from harness.report.effects import Effect, Effects, effects_of
from harness.report.recorded import Recorded
from harness.report.roles import RoleSpan
from nodeimpl.ids import SECOND

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
except ImportError as error:
    raise UsageError("plots need matplotlib: pip install 'quorate[plots]'") from error

FORMATS: Final = ("png", "svg")
WIDTH: Final = 11.0
"""Inches."""

BUCKETS: Final = 120
"""Stretches of time in which answers are counted."""

COLOURS: Final = {"ok": "#4f9a82", "fail": "#d99a2b", "info": "#8b6bb8"}
ROLE_COLOURS: Final = {
    "leader": "#2f5fb3",
    "candidate": "#d99a2b",
    "pre-candidate": "#d99a2b",
    "follower": "#c3cbd6",
    "down": "#43494f",
}
_FAULT: Final = "#cf3a30"

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "quorate"  # equal runs give equal files


def draw_plots(run: Recorded, folder: Path) -> list[Path]:
    """Write every plot of `run` into `folder`, and return their paths.

    Raises `HarnessError` if they cannot be written.
    """
    effects = effects_of(run.history, run.schedule.applied, run.roles)
    figures = {"latency": _latency(run, effects), "rate": _rate(run, effects)}
    if run.roles or effects.each:
        figures["timeline"] = _timeline(run, effects)
    return [path for name, figure in figures.items() for path in save(figure, folder, name)]


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `figure` in every format, and return the paths; raises `HarnessError`."""
    paths = [folder / f"{name}.{suffix}" for suffix in FORMATS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            plain = {"Date": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(path, dpi=130, metadata=plain)
    except OSError as error:
        raise HarnessError(f"{folder}: cannot write a plot: {error.strerror}") from error
    return paths


def new_axes(height: float, title: str) -> tuple[Figure, Axes]:
    """Return a figure with one drawing in it."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _title(run: Recorded, what: str) -> str:
    plan = run.plan
    return f"{what}: {plan.workload.name} on {plan.system}, seed {plan.seed}"


def _shade(axes: Axes, faults: Sequence[Effect]) -> None:
    for effect in faults:
        if effect.outcome == "done":
            begin_s, over_s = effect.begin_ns / SECOND, effect.over_ns / SECOND
            axes.axvspan(begin_s, over_s, color=_FAULT, alpha=0.1, lw=0)


def _latency(run: Recorded, effects: Effects) -> Figure:
    figure, axes = new_axes(3.6, _title(run, "latency"))
    _shade(axes, effects.each)
    table = operations_table(run.history).dropna(subset=["latency_ms"])
    for outcome, colour in COLOURS.items():
        rows = table[table["outcome"] == outcome]
        axes.scatter(
            rows["call_ns"].to_numpy() / SECOND,
            rows["latency_ms"].to_numpy(dtype="float64"),
            s=3,
            color=colour,
            alpha=0.6,
            label=outcome,
            rasterized=True,
        )
    axes.set(yscale="log", xlabel="seconds", ylabel="milliseconds")
    axes.legend(loc="upper right", fontsize=8, markerscale=3, framealpha=0.9)
    return figure


def _rate(run: Recorded, effects: Effects) -> Figure:
    figure, axes = new_axes(2.8, _title(run, "answers per second"))
    _shade(axes, effects.each)
    table = operations_table(run.history).dropna(subset=["ret_ns"])
    width_s = max(run.end_ns, 1) / SECOND / BUCKETS
    groups = [
        table.loc[table["outcome"] == outcome, "ret_ns"].to_numpy(dtype="float64") / SECOND
        for outcome in COLOURS
    ]
    axes.hist(
        groups,
        bins=BUCKETS,
        range=(0.0, max(run.end_ns, 1) / SECOND),
        weights=[[1 / width_s] * len(group) for group in groups],
        stacked=True,
        color=list(COLOURS.values()),
        label=list(COLOURS),
    )
    axes.set(xlabel="seconds", ylabel="per second")
    axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    return figure


def _timeline(run: Recorded, effects: Effects) -> Figure:
    nodes = list(dict.fromkeys(span.node for span in run.roles))
    kinds = list(dict.fromkeys(effect.do for effect in effects.each))
    rows = [*nodes, *kinds]
    figure, axes = new_axes(1.2 + 0.34 * len(rows), _title(run, "nodes and faults"))
    for span in run.roles:
        _bar(axes, rows.index(span.node), span, run.end_ns)
    for effect in effects.each:
        if effect.outcome == "done":
            axes.broken_barh(
                [
                    (
                        effect.begin_ns / SECOND,
                        max((effect.over_ns - effect.begin_ns) / SECOND, 0.02),
                    )
                ],
                (rows.index(effect.do) - 0.35, 0.7),
                color=_FAULT,
                alpha=0.6,
            )
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.set(xlabel="seconds", xlim=(0, max(run.end_ns, 1) / SECOND))
    handles = [Patch(color=ROLE_COLOURS[role], label=role) for role in ("leader", "candidate")]
    handles += [Patch(color=ROLE_COLOURS[role], label=role) for role in ("follower", "down")]
    if nodes:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return figure


def _bar(axes: Axes, row: int, span: RoleSpan, end_ns: int) -> None:
    start_ns = max(0, span.start_ns)
    stop_ns = min(span.end_ns, end_ns)
    if stop_ns > start_ns:
        axes.broken_barh(
            [(start_ns / SECOND, (stop_ns - start_ns) / SECOND)],
            (row - 0.35, 0.7),
            color=ROLE_COLOURS.get(span.role, ROLE_COLOURS["follower"]),
        )
