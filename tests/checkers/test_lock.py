"""Exclusion and fencing: histories that break one, the other, both, neither."""

import pytest

from checkers.checker import Budget
from checkers.history import OpType
from checkers.lock import lock_exclusion, lock_fencing
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of, kinds


def acquire(at: float, process: int, token: int, revision: int, key: str | None = None) -> Row:
    answer = {"revision": revision, "key": key or f"k{process}", "token": token}
    return Row(at, at + 0.5, process, "acquire", {"lock": "l", "lease": process}, answer)


def release(at: float, process: int, revision: int) -> Row:
    request = {"lock": "l", "key": f"k{process}"}
    return Row(at, at + 0.5, process, "release", request, {"revision": revision})


def write(at: float, process: int, token: int, revision: int, f: str = "guarded") -> Row:
    request = {"lock": "l", "key": f"k{process}", "token": token, "value": "v"}
    return Row(at, at + 0.5, process, f, request, {"revision": revision})


REFUSED = write(5, 1, 2, 0)._replace(outcome=OpType.FAIL, error="compare failed", answer=None)
LOST = [acquire(1, 1, 2, 2), acquire(2, 2, 4, 5)]
"""The first holder's lease ran out, and it does not know."""


@pytest.mark.parametrize(
    ("rows", "exclusion", "fencing"),
    [
        pytest.param(
            [
                acquire(1, 1, 2, 2),
                write(2, 1, 2, 3),
                release(3, 1, 4),
                acquire(4, 2, 5, 5),
                write(5, 2, 5, 6),
            ],
            {},
            {},
            id="one after another",
        ),
        pytest.param(
            [*LOST, REFUSED, write(6, 2, 4, 6)],
            {"lock-exclusion": "two-holders"},
            {},
            id="two holders, and the fence holds",
        ),
        pytest.param(
            [*LOST, write(5, 1, 2, 6)],
            {"lock-exclusion": "two-holders"},
            {"lock-fencing": "fence-passed"},
            id="two holders, and the fence is passed",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), write(2, 1, 2, 9, "unguarded"), acquire(2.1, 2, 4, 5)],
            {"lock-exclusion": "stale-write"},
            {},
            id="an unguarded write comes late",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), write(2, 1, 2, 9), acquire(2.1, 2, 4, 5)],
            {},
            {"lock-fencing": "fence-passed"},
            id="a guarded write comes late",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), release(2, 1, 3), acquire(3, 2, 2, 4)],
            {},
            {"lock-fencing": "token-twice"},
            id="one token for two",
        ),
        pytest.param(
            [acquire(1, 1, 5, 5), release(2, 1, 6), acquire(3, 2, 4, 6)],
            {},
            {"lock-fencing": "token-falls"},
            id="a token falls",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), release(2, 1, 3), write(3, 1, 2, 4)],
            {},
            {"lock-fencing": "used-when-released"},
            id="a released token still writes",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), acquire(2, 1, 2, 2), release(3, 1, 3)],
            {},
            {},
            id="the same key got again",
        ),
        pytest.param(
            [
                acquire(1, 1, 2, 2),
                release(2, 1, 3)._replace(outcome=OpType.INFO, answer=None),
                acquire(2.1, 2, 4, 4),
            ],
            {},
            {},
            id="a release of unknown outcome",
        ),
        pytest.param(
            [acquire(1, 1, 2, 2), acquire(2, 2, 3, 5)],
            {},
            {},
            id="a holder that was not heard of again",
        ),
    ],
)
def test_exclusion_and_fencing_are_told_apart(
    rows: list[Row], exclusion: dict[str, str], fencing: dict[str, str]
) -> None:
    history = history_of(rows)

    assert kinds(lock_exclusion().check(history, Budget())) == exclusion
    assert kinds(lock_fencing().check(history, Budget())) == fencing


def test_without_a_holder_nothing_is_proven() -> None:
    history = history_of([Row(1, 2, 1, "acquire", {"lock": "l"}, None, "busy", OpType.FAIL)])

    assert lock_exclusion().check(history, Budget()).answer is Answer.UNKNOWN
    assert lock_fencing().check(history, Budget()).answer is Answer.UNKNOWN


def test_a_malformed_answer_is_unknown() -> None:
    history = history_of([Row(1, 2, 1, "acquire", {"lock": "l"}, {"token": "two"})])

    assert lock_fencing().check(history, Budget()).answer is Answer.UNKNOWN
