"""Operations in a few words."""

import pytest

from checkers.history import Op, Operation, OpType
from harness.report.wording import TEXT_MAX, answered, asked, counted, revision_of, shortened


def operation(
    f: str,
    value: object,
    type_: OpType = OpType.OK,
    result: object = None,
    error: str | None = None,
) -> Operation:
    invoke = Op(index=0, time=0, process=1, type=OpType.INVOKE, f=f, value=value)
    done = Op(index=1, time=1, process=1, type=type_, f=f, value=result, error=error)
    return Operation(invoke, done)


KV = {"key": "a", "value": "x", "create_revision": 2, "mod_revision": 5, "version": 3}


@pytest.mark.parametrize(
    ("f", "value", "words"),
    [
        ("read", None, "read"),
        ("write", 3, "write 3"),
        ("cas", [1, 2], "cas 1 to 2"),
        ("put", {"key": "a", "value": "x", "lease": 7}, "put a = x lease 7"),
        ("range", {"key": "a", "range_end": "\0"}, "range [a, \\x00)"),
        (
            "get",
            {"key": "a", "revision": 4, "serializable": True},
            "get a at revision 4 (serializable)",
        ),
        ("txn", [["r", "x", None], ["append", "y", 2]], "txn r x · append y 2"),
        (
            "txn",
            {
                "compare": [{"key": "a", "target": "mod", "result": "=", "value": 4}],
                "success": [{"put": {"key": "a", "value": "b"}}],
                "failure": [],
            },
            "txn if mod(a) = 4 then put a = b else nothing",
        ),
    ],
)
def test_what_was_asked(f: str, value: object, words: str) -> None:
    assert asked(operation(f, value)) == words


@pytest.mark.parametrize(
    ("f", "value", "result", "words"),
    [
        ("read", None, 4, "4"),
        ("read", None, None, "nothing"),
        ("write", 3, None, "done"),
        (
            "get",
            {"key": "a"},
            {"revision": 9, "kvs": [KV], "count": 1},
            "revision 9; a = x (written at 5, version 3)",
        ),
        (
            "get",
            {"key": "a"},
            {"revision": 9, "kvs": [{"key": "a", "value": "x", "mod_revision": 5}], "count": 1},
            "revision 9; a = x (written at 5)",
        ),
        ("get", {"key": "a"}, {"revision": 9, "kvs": [], "count": 0}, "revision 9; nothing"),
        ("delete", {"key": "a"}, {"revision": 9, "deleted": 1}, "revision 9; 1 deleted"),
        (
            "txn",
            {},
            {"revision": 9, "succeeded": False, "responses": [{"put": {}}]},
            "revision 9; condition did not hold; put",
        ),
    ],
)
def test_what_was_answered(f: str, value: object, result: object, words: str) -> None:
    assert answered(operation(f, value, result=result)) == words


def test_what_failed_and_what_nobody_knows_say_why() -> None:
    assert (
        answered(operation("read", None, OpType.FAIL, error="unavailable"))
        == "refused: unavailable"
    )
    assert answered(operation("read", None, OpType.INFO, error="timeout")) == "unknown: timeout"
    in_flight = Operation(operation("read", None).invoke, None)
    assert answered(in_flight) == "unknown: still in flight at the end"


def test_the_revision_of_an_answer() -> None:
    assert revision_of(operation("put", {}, result={"revision": 7})) == 7
    assert revision_of(operation("read", None, result=7)) is None


def test_what_is_of_no_known_form_is_shown_as_it_stands_in_one_short_line() -> None:
    assert asked(operation("odd", [1, {"a": None}])) == 'odd [1,{"a":null}]'
    assert asked(operation("txn", "strange\ntext")) == "txn strange\\ntext"
    assert len(shortened("x" * 1000)) == TEXT_MAX


def test_things_are_counted_in_words_that_fit() -> None:
    assert [counted(count, "fault") for count in (0, 1, 2)] == ["0 faults", "1 fault", "2 faults"]
