"""A steady load with bursts in between."""

from collections import Counter

from checkers.history import OpType
from harness.generator.bounds import TimeLimit
from harness.generator.bursts import Bursts
from harness.generator.generator import Invocation
from harness.generator.pace import at_rate
from harness.generator.sources import always
from harness.rehearsal import rehearse
from nodeimpl.ids import SECOND


def test_bursts_come_after_every_interval_and_are_as_fast_as_they_can() -> None:
    bursts = Bursts(
        steady=at_rate(10.0, always(Invocation("get"))),
        draw=lambda _: Invocation("put"),
        count=60,
        interval_ns=2 * SECOND,
    )
    ops = rehearse(TimeLimit(5 * SECOND, bursts), concurrency=3)
    puts = [op.time for op in ops if op.type is OpType.INVOKE and op.f == "put"]
    first, second = puts[:60], puts[60:]
    assert len(second) == 60
    assert first[0] == 2 * SECOND
    assert first[-1] - first[0] == 19 * 10_000_000  # three at a time, 10 ms each
    assert second[0] == first[-1] + 2 * SECOND
    steady = Counter(op.f for op in ops if op.type is OpType.INVOKE)["get"]
    assert 30 < steady < 60
