"""Each promise about elections: a history that breaks it, and that nothing else objects to."""

import pytest

from checkers.checker import Budget
from checkers.election import PROMISES, ElectionChecker
from checkers.history import OpType
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of, kinds


def campaign(at: float, process: int, token: int, revision: int) -> Row:
    request = {"election": "e", "lease": process, "value": f"v{process}"}
    answer = {"revision": revision, "key": f"k{process}", "token": token}
    return Row(at, at + 0.5, process, "campaign", request, answer)


def told(token: int, revision: int, value: str, mod_revision: int) -> dict[str, object]:
    return {
        "revision": revision,
        "key": "k",
        "token": token,
        "mod_revision": mod_revision,
        "value": value,
    }


def leader(at: float, token: int, revision: int, value: str, mod_revision: int = 2) -> Row:
    answer = told(token, revision, value, mod_revision)
    return Row(at, at + 0.5, 9, "leader", {"election": "e"}, answer)


def act(at: float, process: int, f: str, token: int, revision: int, value: str = "") -> Row:
    request = {"election": "e", "key": f"k{process}", "token": token, "value": value}
    return Row(at, at + 0.5, process, f, request, {"revision": revision})


FIRST = campaign(1, 1, 2, 2)


@pytest.mark.parametrize(
    ("rows", "convicted"),
    [
        pytest.param(
            [
                FIRST,
                act(2, 1, "proclaim", 2, 3, "w"),
                leader(3, 2, 3, "w", 3),
                act(4, 1, "resign", 2, 4),
                campaign(4.6, 2, 3, 4),
                leader(5.2, 3, 4, "v2", 3),
            ],
            {},
            id="one after another",
        ),
        pytest.param(
            [FIRST, campaign(1.1, 2, 3, 5), leader(1.2, 2, 6, "v1")],
            {"election-one-leader": "leader-went-back"},
            id="an earlier leader again",
        ),
        pytest.param(
            [FIRST, campaign(1.1, 2, 3, 5), leader(1.2, 2, 5, "v1")],
            {"election-one-leader": "two-leaders"},
            id="two at one revision",
        ),
        pytest.param(
            [campaign(1, 2, 3, 5), leader(3, 2, 4, "v1")],
            {"election-real-time": "leader-behind-time"},
            id="a stale answer",
        ),
        pytest.param(
            [
                Row(
                    1,
                    2,
                    1,
                    "observe",
                    {"election": "e"},
                    {"leaders": [told(3, 5, "b", 5), told(2, 4, "a", 4)]},
                )
            ],
            {"election-observe": "observed-backwards"},
            id="observed backwards",
        ),
        pytest.param(
            [FIRST, act(2, 1, "resign", 2, 3), leader(3, 2, 4, "v1")],
            {"election-resign": "led-after-resigning"},
            id="leads after resigning",
        ),
        pytest.param(
            [
                FIRST,
                act(2, 1, "resign", 2, 3),
                leader(3, 2, 4, "v1"),
                act(4, 1, "resign", 2, 5),
            ],
            {"election-resign": "led-after-resigning"},
            id="leads after resigning, and resigns again",
        ),
        pytest.param(
            [FIRST, leader(3, 2, 4, "x")],
            {"election-proclaim": "never-said"},
            id="words that nobody said",
        ),
        pytest.param(
            [leader(1, 2, 4, "x"), leader(2, 2, 4, "y")],
            {"election-proclaim": "two-words"},
            id="two words at once",
        ),
        pytest.param(
            [
                FIRST,
                act(2, 1, "proclaim", 2, 3, "w")._replace(outcome=OpType.INFO, answer=None),
                leader(3, 2, 4, "w", 3),
                leader(4, 2, 4, "w", 3),
            ],
            {},
            id="a proclamation of unknown outcome",
        ),
        pytest.param([leader(3, 2, 4, "x")], {}, id="a leader whose campaign was not answered"),
    ],
)
def test_an_anomaly_breaks_its_promise_and_no_other(
    rows: list[Row], convicted: dict[str, str]
) -> None:
    assert kinds(ElectionChecker().check(history_of(rows), Budget())) == convicted


def test_every_promise_is_named_once() -> None:
    assert len({name for name, _ in PROMISES}) == len(PROMISES)


def test_without_a_leader_nothing_is_proven() -> None:
    history = history_of([FIRST._replace(outcome=OpType.INFO, answer=None)])

    assert ElectionChecker().check(history, Budget()).answer is Answer.UNKNOWN


def test_a_malformed_answer_is_unknown() -> None:
    history = history_of([FIRST._replace(answer={"token": 1})])

    assert ElectionChecker().check(history, Budget()).answer is Answer.UNKNOWN
