"""Checkers of single promises: each has a name, and histories tell which one they need."""

import pytest

from checkers.choose import checker_named, choices, model_of
from checkers.history import OpType
from checkers.promises import promise, promise_checker, promise_names
from tests.checkers.timeline import Row, history_of


@pytest.mark.parametrize("name", promise_names())
def test_a_promise_is_judged_by_the_checker_of_its_name(name: str) -> None:
    assert promise_checker(name).name == name
    assert checker_named(name).name == name
    assert name in choices()
    assert promise(name)


@pytest.mark.parametrize(
    ("f", "value", "name"),
    [
        ("lease-grant", {"ttl": 1}, "lease"),
        ("campaign", {"election": "e"}, "election"),
        ("guarded", {"lock": "l", "token": 1}, "lock-fencing"),
        ("unguarded", {"lock": "l", "token": 1}, "lock-exclusion"),
        ("drain", None, "total-queue"),
        ("generate", None, "unique-ids"),
        ("transfer", {"from": "a"}, "bank"),
    ],
)
def test_a_history_tells_which_promise_it_is_about(f: str, value: object, name: str) -> None:
    history = history_of([Row(1, 2, 0, f, value, {"revision": 1}, outcome=OpType.OK)])

    assert model_of(history) == name
