"""Generators without a store: what they would do, with clients that only pretend.

After `jepsen.generator.test`. Time is virtual, so an hour's workload is rehearsed in a moment; the
result is a history like any other. For the tests of generators and workloads, ours and yours.
"""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

import msgspec

from checkers.history import Op, OpType
from harness.client import Completion
from harness.errors import GeneratorError
from harness.generator.generator import Generator
from harness.interpreter import Dispatch, Exhausted, Interpreter, Streams, Wait
from nodeimpl.ids import MILLISECOND, Instant

LATENCY_NS: Final = 10 * MILLISECOND
"""How long the pretended clients take."""


class Pretence(msgspec.Struct, frozen=True):
    """What becomes of an operation, and how long after it was invoked."""

    completion: Completion
    latency_ns: int = LATENCY_NS


Pretender: TypeAlias = Callable[[Op], Pretence]
"""Stands for client and store: given an invoke, says what becomes of it."""


def perfect(op: Op) -> Pretence:
    """Everything happens, and answers what it was given."""
    return Pretence(Completion(OpType.OK, op.value))


def imperfect(op: Op) -> Pretence:
    """Of three operations, one happens, one fails and one is never heard of again."""
    outcome = (OpType.OK, OpType.FAIL, OpType.INFO)[op.index % 3]
    return Pretence(Completion(outcome, op.value if outcome is OpType.OK else None))


def rehearse(
    generator: Generator,
    pretend: Pretender = perfect,
    *,
    concurrency: int = 3,
    nodes: Sequence[str] = ("n1", "n2", "n3"),
    seed: int = 1,
    op_count_max: int = 10_000,
) -> list[Op]:
    """Return the history of `generator`, followed until it is done.

    Raises `GeneratorError` if it is not done after `op_count_max` ops.
    """
    ops: list[Op] = []
    interpreter = Interpreter(
        concurrency=concurrency,
        nodes=nodes,
        rove=0.3,
        streams=Streams(generator=Random(f"{seed}/generator"), rove=Random(f"{seed}/rove")),
        record=ops.append,
    )
    interpreter.follow(generator)
    now = Instant(0)
    answers: list[tuple[int, int, Completion]] = []
    while len(ops) <= op_count_max:
        match interpreter.step(now):
            case Dispatch(op, thread, _):
                pretence = pretend(op)
                heapq.heappush(answers, (now + pretence.latency_ns, thread, pretence.completion))
            case Wait(until) if until is not None and (not answers or until < answers[0][0]):
                now = until
            case Wait():
                time, thread, completion = heapq.heappop(answers)
                now = Instant(time)
                interpreter.complete(now, thread, completion)
            case Exhausted():
                return ops
    raise GeneratorError(f"not done after {op_count_max} ops")
