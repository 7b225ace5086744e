"""How alike two histories are: counted per client, and in order over all of them."""

from checkers.history import History, Op, OpType
from harness.likeness import Likeness, likeness


def history(*told: tuple[int, str, OpType, object]) -> History:
    """Return a history of (process, key, outcome, answer), one operation after the other."""
    ops: list[Op] = []
    for process, key, outcome, answer in told:
        at = len(ops)
        invoke = Op(
            index=at, time=at, process=process, type=OpType.INVOKE, f="read", key=key, node="n1"
        )
        done = Op(
            index=at + 1,
            time=at + 1,
            process=process,
            type=outcome,
            f="read",
            key=key,
            value=answer,
            node="n1",
        )
        ops += [invoke, done]
    return History(ops)


OK, FAIL, INFO = OpType.OK, OpType.FAIL, OpType.INFO
ONE = history((0, "a", OK, 1), (1, "b", OK, 2), (0, "c", FAIL, None))


def test_a_history_is_all_alike_to_itself() -> None:
    alike = likeness(ONE, ONE, concurrency=2)
    assert alike == Likeness(asked=3, asked_again=3, in_order=3, ended_alike=3, answered_alike=3)
    assert alike.line() == (
        "3 of 3 operations were asked again, 100% of them in the same order; "
        "100% ended alike, 100% with the same answer"
    )


def test_clients_may_overtake_each_other() -> None:
    other = history((1, "b", OK, 2), (0, "a", OK, 1), (0, "c", FAIL, None))
    assert likeness(ONE, other, concurrency=2).in_order == 2


def test_what_ended_alike_need_not_have_the_same_answer() -> None:
    other = history((0, "a", OK, 7), (1, "b", FAIL, None), (0, "c", FAIL, None))
    alike = likeness(ONE, other, concurrency=2)
    assert (alike.ended_alike, alike.answered_alike) == (2, 1)


def test_a_client_is_the_same_after_an_operation_of_unknown_outcome() -> None:
    one = history((0, "a", INFO, None), (2, "b", OK, 1))
    other = history((0, "a", OK, 1), (0, "b", OK, 1))
    alike = likeness(one, other, concurrency=2)
    assert (alike.asked_again, alike.ended_alike) == (2, 1)


def test_what_was_not_asked_again_is_not_alike() -> None:
    other = history((0, "a", OK, 1), (0, "x", FAIL, None))
    alike = likeness(ONE, other, concurrency=2)
    assert (alike.asked, alike.asked_again) == (3, 1)


def test_nothing_is_alike_to_an_empty_history() -> None:
    assert "none" in likeness(ONE, history(), concurrency=2).line()
