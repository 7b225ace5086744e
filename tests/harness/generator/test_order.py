"""Which of several generators comes next."""

from checkers.history import Op, OpType
from harness.generator.bounds import Limit
from harness.generator.generator import Invocation
from harness.generator.order import Mix, Series, phases
from harness.generator.sources import Once, always
from harness.rehearsal import LATENCY_NS, rehearse

READ = always(Invocation("read"))
WRITE = always(Invocation("write"))


def invokes(ops: list[Op]) -> list[str]:
    """Return what was asked, in order."""
    return [op.f for op in ops if op.type is OpType.INVOKE]


def test_a_series_does_one_after_another() -> None:
    ops = rehearse(Series((Limit(2, READ), Limit(2, WRITE), Once(Invocation("cas")))))

    assert invokes(ops) == ["read", "read", "write", "write", "cas"]


def test_a_series_does_not_wait_for_open_operations() -> None:
    ops = rehearse(Series((Once(Invocation("read")), Once(Invocation("write")))))

    assert [(op.time, op.type) for op in ops][:2] == [(0, OpType.INVOKE), (0, OpType.INVOKE)]


def test_a_phase_starts_when_nothing_of_the_last_is_open() -> None:
    ops = rehearse(phases(Limit(3, READ), Limit(3, WRITE)))

    assert [op.f for op in ops] == ["read"] * 6 + ["write"] * 6
    assert [op.time for op in ops if op.f == "write"][:3] == [LATENCY_NS] * 3


def test_a_mix_uses_each_of_its_generators() -> None:
    ops = rehearse(Limit(200, Mix((READ, WRITE))))

    assert 60 < invokes(ops).count("read") < 140


def test_a_generator_named_twice_is_drawn_twice_as_often() -> None:
    ops = rehearse(Limit(900, Mix((READ, READ, WRITE))))

    assert 540 < invokes(ops).count("read") < 660


def test_a_mix_goes_on_with_those_that_are_left() -> None:
    ops = rehearse(Mix((Limit(2, READ), Limit(50, WRITE))))

    assert invokes(ops).count("read") == 2
    assert invokes(ops).count("write") == 50


def test_a_mix_of_nothing_is_done() -> None:
    assert rehearse(Mix(())) == []
