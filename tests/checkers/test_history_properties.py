"""Pairing, against a search that looks for every invoke's completion afresh."""

from hypothesis import given
from hypothesis import strategies as st

from checkers.history import History, Op, OpType

COMPLETIONS = (OpType.OK, OpType.FAIL, OpType.INFO)


@st.composite
def histories(draw: st.DrawFn) -> list[Op]:
    """Ops of processes that ask and answer in any order, renumbered after every info."""
    ops: list[Op] = []
    in_flight: dict[int, Op] = {}
    process_next = 4
    idle = [0, 1, 2, 3]
    for index in range(draw(st.integers(0, 30))):
        invokes = not in_flight or (idle and draw(st.booleans()))
        if invokes:
            process = idle.pop(draw(st.integers(0, len(idle) - 1)))
            key = draw(st.sampled_from([None, "x", "y"]))
            op = Op(index=index, time=index, process=process, type=OpType.INVOKE, f="read", key=key)
            in_flight[process] = op
        else:
            process = draw(st.sampled_from(sorted(in_flight)))
            op_type = draw(st.sampled_from(COMPLETIONS))
            key = in_flight.pop(process).key
            op = Op(index=index, time=index, process=process, type=op_type, f="read", key=key)
            idle.append(process_next if op_type is OpType.INFO else process)
            process_next += op_type is OpType.INFO
        ops.append(op)
    return ops


def slow_completion(ops: list[Op], invoke: Op) -> Op | None:
    """Return the next op of the same process."""
    return next(
        (op for op in ops if op.index > invoke.index and op.process == invoke.process), None
    )


@given(histories())
def test_every_invoke_is_paired_with_the_next_op_of_its_process(ops: list[Op]) -> None:
    invokes = [op for op in ops if op.type is OpType.INVOKE]

    operations = History(ops).operations()

    assert [(o.invoke, o.completion) for o in operations] == [
        (invoke, slow_completion(ops, invoke)) for invoke in invokes
    ]


@given(histories())
def test_parts_by_key_hold_every_op_once(ops: list[Op]) -> None:
    parts = History(ops).by_key()

    assert sorted(op.index for part in parts.values() for op in part) == list(range(len(ops)))
    assert all(op.key == key for key, part in parts.items() for op in part)
