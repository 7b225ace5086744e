"""Where operations come from."""

from checkers.history import OpType
from harness.generator.bounds import Limit
from harness.generator.generator import Context, Invocation
from harness.generator.sources import DONE, Endless, Once, always
from harness.rehearsal import imperfect, rehearse


def test_done_does_nothing() -> None:
    assert rehearse(DONE) == []


def test_once_is_one_operation() -> None:
    ops = rehearse(Once(Invocation("read", "x")))

    assert [(op.type, op.f, op.key) for op in ops] == [
        (OpType.INVOKE, "read", "x"),
        (OpType.OK, "read", "x"),
    ]


def test_endless_draws_each_operation_anew() -> None:
    def draw(context: Context) -> Invocation:
        return Invocation("write", value=context.random.random())

    ops = rehearse(Limit(20, Endless(draw)))

    assert len({op.value for op in ops}) == 20


def test_an_operation_goes_to_any_free_thread() -> None:
    ops = rehearse(Limit(60, always(Invocation("read"))), concurrency=6)

    assert {op.process for op in ops} == {0, 1, 2, 3, 4, 5}


def test_sources_wait_while_every_thread_is_busy() -> None:
    ops = rehearse(Limit(3, always(Invocation("read"))), concurrency=1)

    assert [op.type for op in ops] == [OpType.INVOKE, OpType.OK] * 3


def test_sources_go_on_after_failures_and_crashes() -> None:
    ops = rehearse(Limit(30, always(Invocation("read"))), imperfect)

    assert len([op for op in ops if op.type is OpType.INVOKE]) == 30
