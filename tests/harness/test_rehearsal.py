"""Generators without a store."""

import pytest

from checkers.history import History, OpType
from harness.client import Completion
from harness.errors import GeneratorError
from harness.generator.bounds import Limit
from harness.generator.generator import Invocation
from harness.generator.sources import always
from harness.rehearsal import LATENCY_NS, Pretence, imperfect, perfect, rehearse

READ = always(Invocation("read", value=3))


def test_perfect_clients_answer_what_they_were_given() -> None:
    ops = rehearse(Limit(2, READ), perfect, concurrency=1)

    assert [(op.time, op.type, op.value) for op in ops] == [
        (0, OpType.INVOKE, 3),
        (LATENCY_NS, OpType.OK, 3),
        (LATENCY_NS, OpType.INVOKE, 3),
        (2 * LATENCY_NS, OpType.OK, 3),
    ]


def test_imperfect_clients_fail_and_crash_as_well() -> None:
    operations = History(rehearse(Limit(60, READ), imperfect)).operations()

    assert {operation.outcome for operation in operations} == {
        OpType.OK,
        OpType.FAIL,
        OpType.INFO,
    }


def test_clients_may_take_their_time() -> None:
    ops = rehearse(Limit(1, READ), lambda _: Pretence(Completion(OpType.OK), latency_ns=77))

    assert ops[-1].time == 77


def test_a_generator_that_is_never_done_is_cut_off() -> None:
    with pytest.raises(GeneratorError, match="not done after 50 ops"):
        rehearse(READ, op_count_max=50)
