"""What becomes of an operation whose node answers, dies, or keeps silent."""

from random import Random

import pytest

from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue
from harness.environments.simulation.clients import SimulatedClients
from harness.environments.simulation.disk import Tail
from harness.environments.simulation.oracle import Breach
from harness.errors import CallError
from harness.generator.generator import Generator, Invocation
from harness.generator.order import Series
from harness.generator.sources import Once
from harness.interpreter import Interpreter, Streams
from nodeimpl.api.errors import NO_LEADER, REQUEST_TIMED_OUT
from nodeimpl.api.rpc_pb2 import PutResponse, RangeRequest
from nodeimpl.boundary import Effect, Reply
from tests.harness.environments.simulation.scripted_machine import (
    FSYNC_NS,
    TERM_1,
    Machine,
    received,
    reply,
)

DELAY_NS = 10
TIMEOUT_NS = 1_000


PATIENCE_NS = 5_000


class CountedCalls:
    """A client whose operation is a number of calls, named by its value, one after another.

    A `wait` is a write that has more patience than others, a `retry` one that is tried again when
    its only call failed.
    """

    def begin(self, op: Op) -> Dialogue:
        assert isinstance(op.value, int)
        if op.f == "retry":
            return (yield from self._retry(op))
        timeout_ns = PATIENCE_NS if op.f == "wait" else TIMEOUT_NS
        for number in range(op.value):
            yield Call(RangeRequest(key=b"%d" % number), timeout_ns)
        return Completion(OpType.OK, op.value)

    def has_effect(self, op: Op) -> bool:
        return op.f != "read"

    def _retry(self, op: Op) -> Dialogue:
        call = Call(RangeRequest(key=b"0"), TIMEOUT_NS)
        try:
            yield call
        except CallError:
            yield call
        return Completion(OpType.OK, op.value)


class Trial:
    """One host, and clients that follow a generator."""

    def __init__(self, *invocations: Invocation, concurrency: int = 1) -> None:
        self.machine = Machine().started()
        self.began = self.machine.kernel.now
        self.ops: list[Op] = []
        self.interpreter = Interpreter(
            concurrency=concurrency,
            nodes=("n1",),
            rove=0.0,
            streams=Streams(generator=Random(1), rove=Random(2)),
            record=self.ops.append,
        )
        self.clients = SimulatedClients(
            self.machine.kernel,
            self.interpreter,
            CountedCalls(),
            {"n1": self.machine.host},
            Random(3),
            delay_ns_min=DELAY_NS,
            delay_ns_max=DELAY_NS,
        )
        generator: Generator = Series(tuple(Once(invocation) for invocation in invocations))
        self.interpreter.follow(generator)

    def node_answers(self, *effects: Effect) -> None:
        """Let the node answer the next input it is given with `effects`."""
        self.machine.script.append(list(effects))

    def run(self, nanoseconds: int = 10 * TIMEOUT_NS) -> None:
        self.clients.step()
        self.machine.run_for(nanoseconds)

    @property
    def outcomes(self) -> list[tuple[OpType, str | None]]:
        return [(op.type, op.error) for op in self.ops if op.type is not OpType.INVOKE]

    @property
    def times(self) -> list[int]:
        return [op.time - self.began for op in self.ops]


WRITE = Invocation("write", value=1)
READ = Invocation("read", value=1)


def test_an_answered_operation_is_ok_after_the_way_there_and_back() -> None:
    trial = Trial(WRITE)
    trial.node_answers(reply(1))
    trial.run()
    assert trial.outcomes == [(OpType.OK, None)]
    assert trial.times == [0, 2 * DELAY_NS]


def test_the_node_s_own_time_counts() -> None:
    trial = Trial(WRITE)
    trial.node_answers(TERM_1, reply(1))
    trial.run()
    assert trial.times == [0, 2 * DELAY_NS + FSYNC_NS]


def test_an_operation_may_be_several_calls() -> None:
    trial = Trial(Invocation("write", value=3))
    trial.node_answers(reply(1))
    trial.node_answers(reply(2))
    trial.node_answers(reply(3))
    trial.run()
    assert [received(given) for given in trial.machine.node.inputs] == [0, 1, 2]
    assert trial.times == [0, 6 * DELAY_NS]


def test_an_operation_without_any_call_is_done_at_once() -> None:
    trial = Trial(Invocation("write", value=0), Invocation("write", value=0))
    trial.run()
    assert trial.outcomes == [(OpType.OK, None), (OpType.OK, None)]
    assert trial.times == [0, 0, 0, 0]


def test_a_definite_error_fails_the_operation() -> None:
    trial = Trial(WRITE)
    trial.node_answers(Reply(1, NO_LEADER))
    trial.run()
    assert trial.outcomes == [(OpType.FAIL, "UNAVAILABLE: etcdserver: no leader")]


def test_an_indefinite_error_leaves_a_write_unknown_and_fails_a_read() -> None:
    trial = Trial(WRITE, READ)
    trial.node_answers(Reply(1, REQUEST_TIMED_OUT))
    trial.node_answers(Reply(2, REQUEST_TIMED_OUT))
    trial.run()
    assert [outcome for outcome, _ in trial.outcomes] == [OpType.INFO, OpType.FAIL]


def test_a_daemon_that_is_down_refuses_connections_which_is_definite() -> None:
    trial = Trial(WRITE)
    trial.machine.host.kill(Tail.KEPT)
    trial.run()
    assert trial.outcomes == [(OpType.FAIL, "connection refused")]
    assert trial.times == [0, 2 * DELAY_NS]


def test_a_daemon_that_dies_with_the_request_in_hand_leaves_its_outcome_unknown() -> None:
    trial = Trial(WRITE)
    trial.machine.kernel.after(500, trial.machine.host.kill, Tail.KEPT)
    trial.run()
    assert trial.outcomes == [(OpType.INFO, "connection lost")]
    assert trial.times == [0, 500 + DELAY_NS]


def test_a_daemon_that_keeps_silent_is_waited_for_until_the_time_out() -> None:
    trial = Trial(WRITE)
    trial.run()
    assert trial.outcomes == [(OpType.INFO, "timed out")]
    assert trial.times == [0, TIMEOUT_NS]


def test_an_answer_after_the_time_out_comes_too_late() -> None:
    trial = Trial(WRITE)
    trial.machine.kernel.after(TIMEOUT_NS + 50, trial.machine.does, reply(1))
    trial.run()
    assert trial.machine.numbers_sent == []
    assert trial.outcomes == [(OpType.INFO, "timed out")]


def test_an_error_after_the_time_out_comes_too_late() -> None:
    trial = Trial(WRITE)
    trial.machine.kernel.after(TIMEOUT_NS + 50, trial.machine.host.kill, Tail.KEPT)
    trial.run()
    assert trial.outcomes == [(OpType.INFO, "timed out")]


def test_the_time_out_of_an_answered_call_does_not_end_the_next_one() -> None:
    trial = Trial(Invocation("write", value=2))
    trial.node_answers(reply(1))
    trial.machine.kernel.after(TIMEOUT_NS + 5, trial.machine.does, reply(2))
    trial.run()
    assert trial.outcomes == [(OpType.OK, None)]
    assert trial.times == [0, TIMEOUT_NS + 5 + DELAY_NS]


def test_a_late_error_of_one_call_does_not_end_the_next_one() -> None:
    trial = Trial(Invocation("retry", value=1))
    trial.machine.kernel.after(TIMEOUT_NS + 50, trial.machine.does, Reply(1, NO_LEADER))
    trial.machine.kernel.after(TIMEOUT_NS + 200, trial.machine.does, reply(2))
    trial.run()
    assert trial.outcomes == [(OpType.OK, None)]
    assert trial.times == [0, TIMEOUT_NS + 200 + DELAY_NS]


def test_every_call_times_out_by_its_own_patience() -> None:
    trial = Trial(Invocation("wait", value=1), WRITE, concurrency=2)
    trial.run()
    completed = [(op.f, op.time - trial.began) for op in trial.ops if op.error == "timed out"]
    assert completed == [("write", TIMEOUT_NS), ("wait", PATIENCE_NS)]


def test_an_unknown_outcome_retires_the_process_and_the_next_operation_goes_on() -> None:
    trial = Trial(WRITE, READ)
    trial.machine.kernel.after(500, trial.machine.host.kill, Tail.KEPT)
    trial.run()
    assert [op.process for op in trial.ops] == [0, 0, 1, 1]
    assert trial.outcomes == [
        (OpType.INFO, "connection lost"),
        (OpType.FAIL, "connection refused"),
    ]


def test_operations_of_several_threads_are_under_way_together() -> None:
    trial = Trial(WRITE, WRITE, concurrency=2)
    trial.node_answers()
    trial.node_answers(reply(2), reply(1))
    trial.run()
    assert [op.type for op in trial.ops] == [OpType.INVOKE, OpType.INVOKE, OpType.OK, OpType.OK]


def test_clients_are_exhausted_when_the_generator_is_done_and_all_is_answered() -> None:
    trial = Trial(WRITE)
    trial.node_answers(reply(1))
    trial.run(nanoseconds=2 * DELAY_NS - 1)
    before = trial.clients.is_exhausted
    trial.machine.run_for(1)
    assert (before, trial.clients.is_exhausted) == (False, True)


def test_what_is_abandoned_stays_unknown_and_nothing_comes_of_it_later() -> None:
    trial = Trial(WRITE)
    trial.node_answers(reply(1))
    trial.run(nanoseconds=DELAY_NS)
    trial.clients.abandon()
    trial.machine.run_for(10 * TIMEOUT_NS)
    assert trial.outcomes == [(OpType.INFO, "the trial ended")]


def test_an_answer_of_another_kind_than_was_asked_for_convicts_the_node() -> None:
    trial = Trial(WRITE)
    trial.node_answers(Reply(1, PutResponse()))
    with pytest.raises(Breach, match="n1 answered a RangeRequest with a PutResponse"):
        trial.run()
