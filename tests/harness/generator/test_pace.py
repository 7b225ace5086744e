"""When operations start."""

import itertools

from checkers.history import Op, OpType
from harness.client import Completion
from harness.generator.bounds import Limit, TimeLimit
from harness.generator.generator import Invocation
from harness.generator.order import Series
from harness.generator.pace import After, Gaps, Stagger, at_rate
from harness.generator.sources import always
from harness.rehearsal import LATENCY_NS, Pretence, perfect, rehearse
from nodeimpl.ids import MILLISECOND, SECOND

READ = always(Invocation("read"))


def starts(ops: list[Op]) -> list[int]:
    """Return when operations were invoked."""
    return [op.time for op in ops if op.type is OpType.INVOKE]


def test_the_first_operation_starts_at_once() -> None:
    assert starts(rehearse(at_rate(1, Limit(1, READ)))) == [0]


def test_exponential_gaps_keep_the_rate() -> None:
    ops = rehearse(TimeLimit(20 * SECOND, at_rate(100, READ)), concurrency=50)

    assert 1_800 < len(starts(ops)) < 2_200


def test_even_gaps_keep_the_rate_and_are_bounded() -> None:
    generator = TimeLimit(20 * SECOND, at_rate(100, READ, gaps=Gaps.EVEN))
    times = starts(rehearse(generator, concurrency=50))

    assert 1_800 < len(times) < 2_200
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) <= 20 * MILLISECOND


def test_busy_clients_bound_the_rate() -> None:
    ops = rehearse(TimeLimit(SECOND, at_rate(100_000, READ)), concurrency=2)

    assert len(starts(ops)) == 2 * SECOND // LATENCY_NS


def test_an_outage_is_not_followed_by_a_burst() -> None:
    def first_takes_a_second(op: Op) -> Pretence:
        pretence = perfect(op)
        return pretence if op.index else Pretence(Completion(OpType.OK), latency_ns=SECOND)

    generator = TimeLimit(2 * SECOND, Stagger(20 * MILLISECOND, READ, Gaps.EVEN))
    times = starts(rehearse(generator, first_takes_a_second, concurrency=1))

    assert len([time for time in times if SECOND <= time < 1.1 * SECOND]) <= 10


def test_after_a_delay_what_follows_keeps_its_own_pace() -> None:
    ops = rehearse(After(3 * SECOND, Series((Limit(1, READ), After(SECOND, Limit(2, READ))))))

    first, second, third = starts(ops)
    assert first == 3 * SECOND
    assert second == first + SECOND
    assert third == second
