"""A comparison as pictures: each figure's mean and interval, with every trial beside it."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from harness.compare.comparison import SHOWN, Comparison, Shown
from harness.report.plots import WIDTH, new_axes, save

COLUMNS = 3
COLOUR, TRIAL, DIFFERS = "#2f5fb3", "#9aa4af", "#cf3a30"


def draw_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write the plots into `folder`, and return their paths; raises `HarnessError`."""
    figures = {"comparison": _overview(comparison)}
    if comparison.faults:
        figures["recovery"] = _recovery(comparison)
    return [path for name, figure in figures.items() for path in save(figure, folder, name)]


def _overview(comparison: Comparison) -> Figure:
    shown = [
        figure
        for figure in SHOWN
        if any(comparison.interval(each, figure.name) for each in comparison.variants)
    ]
    rows = -(-len(shown) // COLUMNS)
    height = rows * (0.9 + 0.32 * len(comparison.variants))
    drawing = Figure(figsize=(WIDTH, height), layout="constrained")
    drawing.suptitle(
        f"{comparison.seeds} seeds each: mean and 95 % interval, every trial a dot; red: differs "
        f"from {comparison.variants[0]}",
        fontsize=10,
        x=0.01,
        ha="left",
    )
    compared = comparison.compared()
    for place, figure in enumerate(shown):
        axes = drawing.add_subplot(rows, COLUMNS, place + 1)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(figure.words, fontsize=9, loc="left")
        for row, variant in enumerate(comparison.variants):
            beside = compared.get((figure.name, variant))
            differs = beside is not None and beside.differs
            _row(axes, comparison, figure, (row, variant), DIFFERS if differs else COLOUR)
        axes.set_yticks(range(len(comparison.variants)))
        is_first = place % COLUMNS == 0
        axes.set_yticklabels(comparison.variants if is_first else [""] * len(comparison.variants))
        axes.set_ylim(len(comparison.variants) - 0.5, -0.5)
        axes.tick_params(labelsize=8)
    return drawing


def _row(
    axes: Axes, comparison: Comparison, figure: Shown, at: tuple[int, str], colour: str
) -> None:
    row, variant = at
    values = [value * figure.scale for value in comparison.values(variant, figure.name).values()]
    interval = comparison.interval(variant, figure.name)
    if interval is None:
        return
    offsets = [row + 0.26 * ((place % 7) / 6 - 0.5) for place in range(len(values))]
    axes.scatter(values, offsets, s=7, color=TRIAL, alpha=0.55, linewidths=0)
    axes.plot(
        [interval.low * figure.scale, interval.high * figure.scale],
        [row, row],
        color=colour,
        lw=2.4,
    )
    axes.scatter([interval.mean * figure.scale], [row], s=30, color=colour, zorder=3)


def _recovery(comparison: Comparison) -> Figure:
    """Draw, for each plan, the share of faults that silenced the store for no longer than that."""
    figure, axes = new_axes(3.6, "how long a fault silenced the store, from its beginning")
    for variant in comparison.variants:
        outages = sorted(
            max(each.outage_ms, 1.0) for each in comparison.faults if each.variant == variant
        )
        shares = [(place + 1) / len(outages) for place in range(len(outages))]
        axes.step(outages, shares, where="post", label=f"{variant} ({len(outages)} faults)")
    axes.set(xscale="log", xlabel="milliseconds", ylabel="share of faults", ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return figure
