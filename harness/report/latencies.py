"""The table of latencies of a report."""

from typing import TypeAlias

from checkers.history import History
from checkers.performance import latencies, operations_table

LatencyRow: TypeAlias = tuple[str, str, int, dict[str, float]]
"""What was asked, how it ended, how many, and percentiles in milliseconds by name."""


def latency_rows(history: History) -> list[LatencyRow]:
    """Return the percentiles of each kind of operation and outcome, sorted."""
    table = latencies(operations_table(history))
    names = [name for name in table.columns if name != "count"]
    columns = {name: [float(value) for value in table[name]] for name in names}
    counts = [int(count) for count in table["count"]]
    groups = [(str(f), str(outcome)) for f, outcome in table.index]
    return [
        (f, outcome, counts[place], {name: columns[name][place] for name in names})
        for place, (f, outcome) in enumerate(groups)
    ]
