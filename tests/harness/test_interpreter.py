"""Generator, processes and recorder put together."""

from random import Random

import pytest

from checkers.history import NEMESIS, History, Op, OpType
from harness.client import Completion
from harness.errors import GeneratorError
from harness.generator.bounds import Limit, TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next, Pending
from harness.generator.pace import Gaps, Stagger
from harness.generator.sources import Once, always
from harness.interpreter import Dispatch, Exhausted, Interpreter, Step, Streams, Wait
from harness.rehearsal import imperfect, rehearse
from nodeimpl.ids import Instant

READ = always(Invocation("read"))
OK = Completion(OpType.OK)
INFO = Completion(OpType.INFO, error="timed out")


def interpreter(
    ops: list[Op], *, concurrency: int = 2, rove: float = 0.0, seed: int = 1
) -> Interpreter:
    """Return one over three nodes that records into `ops`."""
    return Interpreter(
        concurrency=concurrency,
        nodes=("n1", "n2", "n3"),
        rove=rove,
        streams=Streams(generator=Random(seed), rove=Random(seed + 1)),
        record=ops.append,
    )


def dispatched(step: Step) -> Dispatch:
    """Return `step`, which is a dispatch."""
    assert isinstance(step, Dispatch)
    return step


class Answers:
    """A generator that gives one answer for ever."""

    def __init__(self, answer: Invocation | Pending) -> None:
        self.answer = answer

    def next(self, context: Context) -> Next:  # noqa: ARG002
        """Answer."""
        return Next(self.answer, self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002
        """Take no notice."""
        return self


def test_an_operation_is_recorded_before_it_is_dispatched() -> None:
    ops: list[Op] = []
    run = interpreter(ops)
    run.follow(Once(Invocation("write", "x", 5)))

    dispatch = dispatched(run.step(Instant(7)))

    assert ops == [dispatch.op]
    assert (dispatch.op.time, dispatch.op.f, dispatch.op.key, dispatch.op.value) == (
        7,
        "write",
        "x",
        5,
    )
    assert dispatch.op.node == dispatch.node


def test_a_completion_bears_result_and_error() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=1)
    run.follow(Limit(2, always(Invocation("read", "x"))))

    run.complete(Instant(10), dispatched(run.step(Instant(0))).thread, Completion(OpType.OK, 3))
    run.complete(Instant(30), dispatched(run.step(Instant(20))).thread, INFO)

    ends = [(op.time, op.type, op.key, op.value, op.error) for op in ops[1::2]]
    assert ends == [
        (10, OpType.OK, "x", 3, None),
        (30, OpType.INFO, "x", None, "timed out"),
    ]


def test_indices_count_all_ops_those_of_the_nemesis_included() -> None:
    ops: list[Op] = []
    run = interpreter(ops)
    run.follow(READ)

    run.step(Instant(0))
    run.note_fault(Instant(5), "kill", ["n1"])
    run.step(Instant(9))

    assert [(op.index, op.process, op.type) for op in ops][1] == (1, NEMESIS, OpType.INFO)
    assert [op.index for op in ops] == [0, 1, 2]


def test_a_move_of_clients_is_an_op_of_the_nemesis() -> None:
    ops: list[Op] = []
    run = interpreter(ops)

    run.note_move(Instant(7), "n1", "n4")

    assert [(op.time, op.process, op.f, op.value) for op in ops] == [
        (7, NEMESIS, "move_clients", {"of": "n1", "to": "n4"})
    ]


def test_a_crashed_process_is_replaced_by_one_that_never_was() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=2)
    run.follow(Limit(4, always(Invocation("read"))))

    first = dispatched(run.step(Instant(0)))
    second = dispatched(run.step(Instant(0)))
    run.complete(Instant(1), first.thread, INFO)
    third = dispatched(run.step(Instant(1)))
    run.complete(Instant(2), third.thread, INFO)
    fourth = dispatched(run.step(Instant(2)))

    assert second.op.process == second.thread
    assert third.op.process == first.thread + 2
    assert fourth.op.process == first.thread + 4


def test_a_failed_operation_leaves_its_process_alive() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=1)
    run.follow(Limit(2, READ))

    run.complete(Instant(1), dispatched(run.step(Instant(0))).thread, Completion(OpType.FAIL))

    assert dispatched(run.step(Instant(1))).op.process == 0


def test_what_comes_out_is_a_history() -> None:
    History(rehearse(Limit(500, READ), imperfect, concurrency=7))


def test_it_waits_for_the_generators_moment() -> None:
    run = interpreter([])
    run.follow(Stagger(100, READ, Gaps.EVEN))
    run.step(Instant(0))

    wait = run.step(Instant(0))

    assert isinstance(wait, Wait)
    assert wait.until is not None
    assert 0 < wait.until <= 200


def test_it_waits_for_completions_while_every_thread_is_busy() -> None:
    run = interpreter([], concurrency=1)
    run.follow(READ)
    run.step(Instant(0))

    assert run.step(Instant(0)) == Wait(None)


def test_it_is_exhausted_when_nothing_is_open_any_more() -> None:
    run = interpreter([], concurrency=2)
    run.follow(Once(Invocation("read")))
    thread = dispatched(run.step(Instant(0))).thread

    assert run.step(Instant(0)) == Wait(None)
    run.complete(Instant(5), thread, OK)
    assert run.step(Instant(5)) == Exhausted()


def test_it_has_nothing_to_do_before_it_follows_a_generator() -> None:
    assert interpreter([]).step(Instant(0)) == Exhausted()


def test_processes_live_on_from_one_generator_to_the_next() -> None:
    run = interpreter([], concurrency=1)
    run.follow(Once(Invocation("read")))
    run.complete(Instant(1), dispatched(run.step(Instant(0))).thread, INFO)
    assert run.step(Instant(1)) == Exhausted()

    run.follow(Once(Invocation("read")))

    assert dispatched(run.step(Instant(2))).op.process == 1


def test_open_operations_are_retired_as_unknown() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=3)
    run.follow(Limit(2, READ))
    threads = {dispatched(run.step(Instant(0))).thread, dispatched(run.step(Instant(0))).thread}

    assert run.open_count == 2
    assert set(run.retire_open(Instant(9))) == threads
    assert run.open_count == 0
    assert [(op.type, op.time, op.error) for op in ops[2:]] == [
        (OpType.INFO, 9, "the trial ended")
    ] * 2


def test_a_process_stays_at_its_home_node() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=6)
    run.follow(Limit(6, READ))
    for _ in range(6):
        run.step(Instant(0))

    assert {(op.process, op.node) for op in ops} == {
        (0, "n1"),
        (1, "n2"),
        (2, "n3"),
        (3, "n1"),
        (4, "n2"),
        (5, "n3"),
    }


def test_a_share_of_operations_roves() -> None:
    ops: list[Op] = []
    run = interpreter(ops, concurrency=1, rove=0.3)
    run.follow(READ)
    for time in range(3000):
        run.complete(Instant(time), dispatched(run.step(Instant(time))).thread, OK)

    elsewhere = [op for op in ops if op.type is OpType.INVOKE and op.node != "n1"]
    assert 500 < len(elsewhere) < 700


def test_an_invocation_may_name_its_node() -> None:
    run = interpreter([], rove=1.0)
    run.follow(Once(Invocation("read", node="n3")))

    assert dispatched(run.step(Instant(0))).node == "n3"


def test_roving_draws_from_a_stream_of_its_own() -> None:
    """What the clients ask does not depend on whom they ask."""
    staying: list[Op] = []
    roving: list[Op] = []
    for ops, rove in ((staying, 0.0), (roving, 1.0)):
        run = interpreter(ops, concurrency=5, rove=rove)
        run.follow(TimeLimit(1000, Stagger(10, READ)))
        for time in range(5):
            run.step(Instant(time * 100))

    assert [op.process for op in staying] == [op.process for op in roving]
    assert [op.node for op in staying] != [op.node for op in roving]


def test_keys_are_known_in_order_of_first_use() -> None:
    run = interpreter([], concurrency=4)
    for key in ("b", "a", "b", None):
        run.follow(Once(Invocation("read", key)))
        run.step(Instant(0))

    assert run.keys == ("b", "a")


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (Invocation("read"), "for thread None, which is not free"),
        (Invocation("read", thread=5), "for thread 5, which is not free"),
        (Invocation("read", thread=0, node="n9"), "for node 'n9'; nodes: "),
        (Pending(Instant(3)), "asked to wait until 3 ns, at 3 ns"),
        (Pending(), "waits for a completion while no operation is open"),
    ],
)
def test_a_generator_that_breaks_a_rule_is_told_which(
    answer: Invocation | Pending, rule: str
) -> None:
    run = interpreter([])
    run.follow(Answers(answer))

    with pytest.raises(GeneratorError, match=rule):
        run.step(Instant(3))


def test_a_busy_thread_gets_no_second_operation() -> None:
    run = interpreter([])
    run.follow(Answers(Invocation("read", thread=0)))
    run.step(Instant(0))

    with pytest.raises(GeneratorError, match="for thread 0, which is not free"):
        run.step(Instant(0))


def test_time_does_not_go_back() -> None:
    run = interpreter([])
    run.follow(READ)
    run.step(Instant(5))

    with pytest.raises(AssertionError, match="time went back from 5 ns to 4 ns"):
        run.step(Instant(4))


def test_only_what_is_open_can_be_completed() -> None:
    with pytest.raises(AssertionError, match="thread 0 has nothing in flight"):
        interpreter([]).complete(Instant(0), 0, OK)
