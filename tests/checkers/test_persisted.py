"""What clients were told, beside what the store wrote down."""

from checkers.history import History, OpType
from checkers.persisted import judge_persisted, resolved
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of

PUT = {"key": "a", "value": "1"}


def put(outcome: OpType, process: int = 0, value: str = "1") -> Row:
    answer = {"revision": 2} if outcome is OpType.OK else None
    error = None if outcome is OpType.OK else "timed out"
    return Row(
        process, process + 0.5, process, "put", PUT | {"value": value}, answer, error, outcome
    )


def judged(history: History, puts: dict[tuple[str, str], int]) -> Answer | None:
    verdict = judge_persisted(history, puts)
    return None if verdict is None else verdict.answer


def test_what_was_acknowledged_is_in_the_log() -> None:
    history = history_of([put(OpType.OK)])

    assert judged(history, {("a", "1"): 1}) is Answer.VALID
    assert judged(history, {}) is Answer.INVALID


def test_what_was_acknowledged_twice_is_there_twice() -> None:
    history = history_of([put(OpType.OK), put(OpType.OK, 1)])

    assert judged(history, {("a", "1"): 2}) is Answer.VALID
    assert judged(history, {("a", "1"): 1}) is Answer.INVALID


def test_what_was_refused_when_it_was_applied_is_there_and_no_breach() -> None:
    history = history_of([put(OpType.FAIL)])

    assert judged(history, {("a", "1"): 1}) is Answer.VALID


def test_what_was_not_answered_may_be_there_or_not() -> None:
    history = history_of([put(OpType.INFO), put(OpType.INFO, 1, "2")])

    verdict = judge_persisted(history, {("a", "1"): 1})

    assert verdict is not None
    assert verdict.answer is Answer.VALID
    assert verdict.details == {"acknowledged": 0, "unanswered": 2, "of these in the log": 1}


def test_without_puts_there_is_nothing_to_compare() -> None:
    history = history_of([Row(0, 1, 0, "get", {"key": "a"}, {"revision": 1})])

    assert judged(history, {("a", "1"): 1}) is None


def test_an_unanswered_put_that_is_in_no_log_has_failed() -> None:
    history = history_of([put(OpType.INFO), put(OpType.INFO, 1, "2"), put(OpType.OK, 2, "3")])

    outcomes = [each.outcome for each in resolved(history, {("a", "1"): 1}).operations()]

    assert outcomes == [OpType.INFO, OpType.FAIL, OpType.OK]
