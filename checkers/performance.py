"""How fast the store answered: latencies and rates, per `f`, outcome and node, over time.

Figures, not verdicts, as tables of pandas that a report prints, plots or writes to CSV. Importing
pandas takes longer than judging most histories, so nothing that judges imports this module.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from checkers.history import History

PERCENTILES: Final = (0.5, 0.9, 0.95, 0.99, 1.0)
SECOND_NS: Final = 1_000_000_000
_COLUMNS: Final = ("call_ns", "ret_ns", "f", "outcome", "node", "process")


def operations_table(history: History) -> pd.DataFrame:
    """Return one row for each operation of a client, in the order of calls.

    `call_ns` and `ret_ns` are times of the history's clock, `ret_ns` missing while in flight at the
    end; `latency_ms` is what lies between; `node` is empty where it was not recorded.
    """
    rows = [
        (
            operation.invoke.time,
            None if operation.completion is None else operation.completion.time,
            operation.f,
            str(operation.outcome),
            operation.invoke.node or "",
            str(operation.process),
        )
        for operation in history.operations()
    ]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    table["ret_ns"] = table["ret_ns"].astype("Int64")
    table["latency_ms"] = (table["ret_ns"] - table["call_ns"]).astype("Float64") / 1e6
    return table


def latencies(table: pd.DataFrame, by: Sequence[str] = ("f", "outcome")) -> pd.DataFrame:
    """Return percentiles of the latency in milliseconds, one row for each group of `by`.

    Columns are `count` and the percentiles as `p50`, ..., `p100`. Operations in flight at the end
    have no latency and are left out.
    """
    answered = table.dropna(subset=["latency_ms"])
    grouped = answered.groupby(list(by))["latency_ms"]
    result = pd.DataFrame({"count": grouped.count()})
    for percentile in PERCENTILES:
        result[f"p{percentile * 100:g}"] = grouped.quantile(percentile)
    return result


def rates(
    table: pd.DataFrame, bucket_ns: int = SECOND_NS, by: Sequence[str] = ("f", "outcome")
) -> pd.DataFrame:
    """Return operations per second over time: a row for each bucket, a column for each group.

    Operations count when they complete. The index is the bucket's start in seconds; every bucket
    from the first to the last is there, if only with zeros.
    """
    assert bucket_ns > 0, "time goes on"
    answered = table.dropna(subset=["ret_ns"])
    if answered.empty:
        return pd.DataFrame()
    buckets = (answered["ret_ns"] // bucket_ns).astype("int64").rename("bucket")
    groups = [answered[column] for column in by]
    counts = pd.crosstab(buckets, groups)
    every = range(int(buckets.min()), int(buckets.max()) + 1)
    per_second = counts.reindex(every, fill_value=0) * (SECOND_NS / bucket_ns)
    per_second.index = pd.Index([place * bucket_ns / SECOND_NS for place in every], name="second")
    return per_second


def latency_over_time(
    table: pd.DataFrame, bucket_ns: int = SECOND_NS, by: Sequence[str] = ("f",)
) -> pd.DataFrame:
    """Return percentiles as `latencies`, of the operations asked for in each bucket of time."""
    assert bucket_ns > 0, "time goes on"
    seconds = table["call_ns"] // bucket_ns * bucket_ns / SECOND_NS
    return latencies(table.assign(second=seconds), ["second", *by])


def error_rates(table: pd.DataFrame, by: Sequence[str] = ("f",)) -> pd.DataFrame:
    """Return, for each group, how many operations there were and which shares failed.

    Columns are `count`, and `ok`, `fail` and `info` as shares from 0 to 1.
    """
    outcomes = pd.crosstab([table[column] for column in by], table["outcome"])
    outcomes = outcomes.reindex(columns=["ok", "fail", "info"], fill_value=0)
    count = outcomes.sum(axis=1)
    shares = outcomes.div(count, axis=0)
    shares.insert(0, "count", count)
    return shares
