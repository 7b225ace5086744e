"""Which threads do what."""

import pytest

from checkers.history import Op, OpType
from harness.generator.bounds import Limit, TimeLimit, UntilOk
from harness.generator.generator import Invocation
from harness.generator.order import Series
from harness.generator.sources import Once, always
from harness.generator.threads import EachProcess, Group, Groups, Reserve
from harness.rehearsal import LATENCY_NS, imperfect, rehearse

READ = always(Invocation("read"))
WRITE = always(Invocation("write"))
CAS = always(Invocation("cas"))


def threads_of(ops: list[Op], f: str, concurrency: int) -> set[int]:
    """Return the threads that did `f`."""
    return {op.process % concurrency for op in ops if op.f == f and isinstance(op.process, int)}


def test_reserved_threads_do_nothing_else() -> None:
    generator = Limit(300, Reserve(((2, WRITE), (1, CAS)), READ))
    ops = rehearse(generator, imperfect, concurrency=6)

    assert threads_of(ops, "write", 6) == {0, 1}
    assert threads_of(ops, "cas", 6) == {2}
    assert threads_of(ops, "read", 6) == {3, 4, 5}


def test_reserving_every_thread_leaves_none_for_the_rest() -> None:
    with pytest.raises(AssertionError, match="the rest needs one"):
        rehearse(Reserve(((3, WRITE),), READ), concurrency=3)


def test_each_process_has_a_copy_of_its_own() -> None:
    ops = rehearse(EachProcess(Limit(2, READ)), concurrency=3)

    assert sorted(op.process for op in ops if op.type is OpType.INVOKE) == [0, 0, 1, 1, 2, 2]


def test_the_process_after_a_crashed_one_begins_anew() -> None:
    ops = rehearse(EachProcess(Series((Once(Invocation("open")), UntilOk(READ)))), imperfect)

    openers = [op.process for op in ops if op.f == "open" and op.type is OpType.INVOKE]
    assert len(openers) > 3
    assert openers == sorted(set(openers))


def test_groups_take_turns() -> None:
    groups = Groups((Group((0,), READ), Group((1,), WRITE), Group((2,), CAS)))
    ops = rehearse(Limit(300, groups), concurrency=3)

    asked = [op.f for op in ops if op.type is OpType.INVOKE]
    assert [asked.count(f) for f in ("read", "write", "cas")] == [100, 100, 100]


def test_groups_that_are_done_leave_the_others_their_turns() -> None:
    groups = Groups((Group((0,), Limit(1, READ)), Group((1,), WRITE), Group((2,), CAS)))
    ops = rehearse(TimeLimit(10 * LATENCY_NS, groups), concurrency=3)

    asked = [op.f for op in ops if op.type is OpType.INVOKE]
    assert [asked.count(f) for f in ("read", "write", "cas")] == [1, 10, 10]


def test_groups_are_done_when_all_are() -> None:
    groups = Groups((Group((0,), Limit(4, READ)), Group((1, 2), Limit(2, WRITE))))
    ops = rehearse(groups, concurrency=3)

    assert len(ops) == 12
