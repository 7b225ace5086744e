"""A comparison as text: one row for each figure, one column for each plan."""

from collections.abc import Iterator, Sequence

from harness.compare.comparison import SHOWN, Comparison, Shown
from harness.compare.statistics import Interval
from harness.compare.tolerance import Tolerance

_GAP = "   "


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the table, and what its signs mean."""
    compared = comparison.compared()
    header = ["", *comparison.variants]
    rows = [["verdicts", *(_verdicts(comparison, variant) for variant in comparison.variants)]]
    for figure in SHOWN:
        intervals = {each: comparison.interval(each, figure.name) for each in comparison.variants}
        if not any(intervals.values()):
            continue
        cells = [figure.words]
        for variant, interval in intervals.items():
            beside = compared.get((figure.name, variant))
            sign = ""
            if beside is not None and beside.differs:
                sign = " +" if beside.difference.difference.mean > 0 else " -"
            cells.append(_interval(interval, figure) + sign)
        rows.append(cells)
    yield from table_lines(header, rows)
    yield ""
    yield (
        f"Means of {comparison.seeds} seeds, with 95 % bootstrap intervals. + and -: more or less "
        f"than {comparison.variants[0]},"
    )
    yield (
        "by a paired sign-flip test at 5 %, corrected for all rows (Holm). Without a sign, no "
        "difference was shown."
    )


def tolerance_lines(rows: Sequence[Tolerance]) -> Iterator[str]:
    """Yield the operator's table."""
    yield from table_lines(
        ["members", "quorum", "tolerated failures", "trials"],
        [
            [str(row.members), str(row.quorum), str(row.tolerated), str(row.trials)]
            for row in sorted(rows, key=_members)
        ],
    )
    yield ""
    yield "Measured: so many members were killed at once, and it was seen whether writes went on."


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield `rows` under `header`, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        first, *others = row
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield _GAP.join([first.ljust(widths[0]), *cells]).rstrip()


def _members(row: Tolerance) -> int:
    return row.members


def _verdicts(comparison: Comparison, variant: str) -> str:
    return " ".join(f"{count} {name}" for name, count in comparison.verdicts(variant).items())


def _interval(interval: Interval | None, figure: Shown) -> str:
    if interval is None:
        return "unknown"
    mean, low, high = (
        f"{value * figure.scale:,.{figure.digits}f}"
        for value in (interval.mean, interval.low, interval.high)
    )
    return f"{mean} [{low}, {high}]"
