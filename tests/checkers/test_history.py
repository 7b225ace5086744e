"""What makes ops a history, and how its operations are told."""

import pytest

from checkers.history import NEMESIS, History, HistoryError, Op, OpType, Process


def op(
    index: int, process: Process, op_type: OpType, f: str = "read", *, key: str | None = None
) -> Op:
    return Op(index=index, time=index * 10, process=process, type=op_type, f=f, key=key)


def test_operations_are_told_in_the_order_of_their_calls() -> None:
    first, second = op(0, 1, OpType.INVOKE, "write"), op(1, 2, OpType.INVOKE)
    second_ok, first_ok = op(2, 2, OpType.OK), op(3, 1, OpType.OK, "write")

    operations = History([first, second, second_ok, first_ok]).operations()

    assert [(o.invoke, o.completion) for o in operations] == [
        (first, first_ok),
        (second, second_ok),
    ]


def test_an_operation_spans_from_its_invoke_to_its_completion() -> None:
    (operation,) = History([op(4, 1, OpType.INVOKE), op(7, 1, OpType.OK)]).operations()

    assert (operation.call, operation.ret) == (4, 7)


def test_an_unknown_outcome_never_returns() -> None:
    (operation,) = History([op(0, 1, OpType.INVOKE), op(1, 1, OpType.INFO)]).operations()

    assert operation.ret is None
    assert operation.outcome is OpType.INFO


def test_an_operation_in_flight_at_the_end_is_of_unknown_outcome() -> None:
    (operation,) = History([op(0, 1, OpType.INVOKE)]).operations()

    assert operation.ret is None
    assert operation.outcome is OpType.INFO
    assert operation.error is None


def test_a_failed_operation_has_returned_and_has_no_result() -> None:
    invoke = op(0, 1, OpType.INVOKE, "cas")
    fail = Op(
        index=1, time=10, process=1, type=OpType.FAIL, f="cas", value=[1, 2], error="compare failed"
    )

    (operation,) = History([invoke, fail]).operations()

    assert operation.ret == 1
    assert operation.result is None
    assert operation.error == "compare failed"


def test_faults_and_notes_are_no_operations() -> None:
    fault = op(1, NEMESIS, OpType.INFO, "cut")
    note = op(2, "recorder", OpType.INFO, "draining")

    history = History([op(0, 1, OpType.INVOKE), fault, note, op(3, 1, OpType.OK)])

    assert len(history.operations()) == 1
    assert history.nemesis_ops() == (fault,)
    assert note in history.client_ops()


def test_a_named_process_can_have_operations_too() -> None:
    history = History([op(0, "watcher", OpType.INVOKE), op(1, "watcher", OpType.INFO)])

    assert [operation.process for operation in history.operations()] == ["watcher"]


def test_keys_part_a_history_and_ops_keep_their_indices() -> None:
    history = History(
        [
            op(0, 1, OpType.INVOKE, key="x"),
            op(1, 2, OpType.INVOKE, key="y"),
            op(2, NEMESIS, OpType.INFO, "cut"),
            op(3, 2, OpType.OK, key="y"),
            op(4, 1, OpType.OK, key="x"),
            op(5, 1, OpType.INVOKE, "txn"),
        ]
    )

    parts = history.by_key()

    assert {key: [part_op.index for part_op in part] for key, part in parts.items()} == {
        "x": [0, 4],
        "y": [1, 3],
        None: [5],
    }
    assert list(parts) == ["x", "y", None]


def test_a_process_with_an_operation_in_flight_may_not_invoke() -> None:
    with pytest.raises(HistoryError, match=r"op 1: process 1 invokes .* of op 0 is in flight"):
        History([op(0, 1, OpType.INVOKE), op(1, 1, OpType.INVOKE)])


def test_a_process_of_unknown_outcome_is_never_used_again() -> None:
    with pytest.raises(HistoryError, match=r"op 2: .*expected a new process"):
        History([op(0, 1, OpType.INVOKE), op(1, 1, OpType.INFO), op(2, 1, OpType.INVOKE)])


@pytest.mark.parametrize("op_type", [OpType.OK, OpType.FAIL, OpType.INFO])
def test_a_completion_needs_its_invoke(op_type: OpType) -> None:
    with pytest.raises(HistoryError, match=r"op 0: .*nothing in flight"):
        History([op(0, 1, op_type)])


def test_an_operation_completes_only_once() -> None:
    with pytest.raises(HistoryError, match=r"op 2: .*nothing in flight"):
        History([op(0, 1, OpType.INVOKE), op(1, 1, OpType.OK), op(2, 1, OpType.OK)])


def test_a_completion_repeats_what_was_asked() -> None:
    with pytest.raises(HistoryError, match=r"op 1: .*completes 'write'; expected 'read'"):
        History([op(0, 1, OpType.INVOKE, "read"), op(1, 1, OpType.OK, "write")])


def test_a_completion_repeats_the_key() -> None:
    with pytest.raises(HistoryError, match=r"op 1: .*expected key 'x'"):
        History([op(0, 1, OpType.INVOKE, key="x"), op(1, 1, OpType.OK, key="y")])


def test_time_never_goes_back() -> None:
    later = Op(index=0, time=20, process=1, type=OpType.INVOKE, f="read")
    earlier = Op(index=1, time=19, process=1, type=OpType.OK, f="read")

    with pytest.raises(HistoryError, match=r"op 1: time goes back to 19 ns; expected at least 20"):
        History([later, earlier])


def test_indices_rise() -> None:
    with pytest.raises(HistoryError, match=r"op 3: its index follows index 3"):
        History([op(3, 1, OpType.INVOKE), op(3, 1, OpType.OK)])


def test_the_nemesis_says_nothing_but_info() -> None:
    with pytest.raises(HistoryError, match=r"op 0: the nemesis writes type ok"):
        History([op(0, NEMESIS, OpType.OK, "cut")])
