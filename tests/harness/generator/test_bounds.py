"""How many operations, for how long, until what."""

from checkers.history import Op, OpType
from harness.client import Completion
from harness.generator.bounds import Limit, TimeLimit, UntilOk
from harness.generator.generator import Invocation
from harness.generator.order import Series
from harness.generator.pace import Gaps, Stagger
from harness.generator.sources import always
from harness.rehearsal import LATENCY_NS, Pretence, imperfect, rehearse

READ = always(Invocation("read"))
WRITE = always(Invocation("write"))


def test_limit_is_reached_exactly() -> None:
    ops = rehearse(Limit(7, READ))

    assert len(ops) == 14


def test_limit_of_zero_does_nothing() -> None:
    assert rehearse(Limit(0, READ)) == []


def test_time_limit_starts_nothing_at_or_after_its_end() -> None:
    ops = rehearse(TimeLimit(5 * LATENCY_NS, READ), concurrency=1)

    assert [op.time for op in ops if op.type is OpType.INVOKE] == [
        0,
        LATENCY_NS,
        2 * LATENCY_NS,
        3 * LATENCY_NS,
        4 * LATENCY_NS,
    ]


def test_time_limit_counts_from_when_it_is_first_asked() -> None:
    first = TimeLimit(LATENCY_NS, WRITE)
    ops = rehearse(Series((first, TimeLimit(LATENCY_NS, READ))), concurrency=1)

    assert [(op.f, op.time) for op in ops] == [
        ("write", 0),
        ("write", LATENCY_NS),
        ("read", LATENCY_NS),
        ("read", 2 * LATENCY_NS),
    ]


def test_time_limit_ends_a_generator_that_waits_for_longer() -> None:
    slow = Stagger(1_000 * LATENCY_NS, READ, Gaps.EVEN)
    ops = rehearse(Series((TimeLimit(LATENCY_NS, slow), Limit(1, WRITE))))

    assert ops[-2].time == LATENCY_NS


def test_until_ok_repeats_what_failed_or_crashed() -> None:
    def third_time_lucky(op: Op) -> Pretence:
        outcomes = {0: OpType.FAIL, 2: OpType.INFO}
        return Pretence(Completion(outcomes.get(op.index, OpType.OK)))

    ops = rehearse(UntilOk(READ), third_time_lucky)

    assert [op.type for op in ops] == [
        OpType.INVOKE,
        OpType.FAIL,
        OpType.INVOKE,
        OpType.INFO,
        OpType.INVOKE,
        OpType.OK,
    ]


def test_until_ok_has_one_operation_open_at_most() -> None:
    ops = rehearse(Series(tuple([UntilOk(READ)] * 5)), imperfect)

    assert [op.type is OpType.INVOKE for op in ops] == [True, False] * (len(ops) // 2)
    assert len([op for op in ops if op.type is OpType.OK]) == 5


def test_until_ok_is_not_ended_by_the_operation_of_another() -> None:
    def slow_write(op: Op) -> Pretence:
        if op.f == "write":
            return Pretence(Completion(OpType.OK), latency_ns=5)
        return Pretence(Completion(OpType.FAIL if op.index < 8 else OpType.OK), latency_ns=10)

    ops = rehearse(Series((Limit(1, WRITE), UntilOk(READ))), slow_write)

    assert ops[-1].type is OpType.OK
    assert ops[-1].f == "read"
