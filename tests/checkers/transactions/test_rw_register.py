"""Every anomaly of transactions over registers: a history that has it, and it only."""

import pytest

from checkers.checker import Budget
from checkers.history import History
from checkers.models.model import ModelError
from checkers.transactions.checker import Isolation, transactional
from checkers.verdict import Answer, Verdict
from tests.checkers.transactions import notation


def judge(history: History, expected: str = "strict-serializable") -> Verdict:
    return transactional("rw-register", expected).check(history, Budget())


def at_once(*texts: str) -> History:
    return notation.at_once(*texts, over_lists=False)


def in_turn(*texts: str) -> History:
    return notation.in_turn(*texts, over_lists=False)


def interleaved(order: str, *texts: str) -> History:
    return notation.interleaved(order, *texts, over_lists=False)


def anomalies(verdict: Verdict) -> list[str]:
    found = verdict.details.get("anomalies", {})
    assert isinstance(found, dict)
    return sorted(found)


CASES = {
    "G1a": at_once("wx1!", "rx1"),
    "G1b": at_once("wx1 wx2", "rx1"),
    "G1c": at_once("wx1 ry1", "wy1 rx1"),
    "G-single-item": at_once("wx1 wy1", "rx ry1"),
    "G-nonadjacent-item": at_once("rx rw1", "wx1 wy1", "ry1 rz", "wz1 ww1"),
    "G2-item": at_once("rx wy1", "ry wx1"),
    "lost-update": at_once("rx1 wx2", "rx1 wx3", "wx1"),
    "G1c-process": interleaved("aaAA", "rx1", "wx1"),
    "G1c-realtime": in_turn("rx1", "wx1"),
    "G-single-item-process": interleaved("aaAA", "wx1", "rx"),
    "G-single-item-realtime": in_turn("wx1", "rx"),
    "internal": at_once("wx1 rx2", "wx2"),
    "future-read": at_once("rx1 wx1"),
    "garbage-read": at_once("rx7"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_anomaly_is_found_and_no_other(name: str) -> None:
    verdict = judge(CASES[name])

    assert verdict.answer is Answer.INVALID
    # Two that replaced the same version each miss the other's write.
    also = ["G2-item"] if name == "lost-update" else []
    assert anomalies(verdict) == sorted([name, *also])


@pytest.mark.parametrize("name", CASES)
def test_whatever_is_weaker_than_what_is_violated_holds(name: str) -> None:
    violated, holds = judge(CASES[name]).details["violates"], judge(CASES[name]).details["holds"]

    for model in str(violated).split(", "):
        assert judge(CASES[name], model).answer is Answer.INVALID
    for model in str(holds).split(", ") if holds else ():
        assert judge(CASES[name], model).answer is Answer.VALID


def test_versions_in_a_circle_are_found() -> None:
    verdict = judge(at_once("rx1 wx2", "rx2 wx1"))

    assert anomalies(verdict) == ["G1c", "cyclic-versions"]


def test_versions_that_go_back_in_real_time_are_found() -> None:
    history = interleaved("abccddeeab", "wx1", "wx2", "rx1", "rx2", "rx1")

    verdict = judge(history)

    assert anomalies(verdict) == ["G-single-item-realtime", "cyclic-versions-realtime"]
    assert judge(history, "serializable").answer is Answer.VALID


def test_a_blind_write_that_was_overwritten_in_real_time_is_known_to_be_earlier() -> None:
    # b is concurrent with everything. c saw b's x after a had returned, so a came before b; but b's
    # x was the reason for d's y, which a had read.
    history = interleaved("baddaccb", "wx2", "wx1 ry1", "rx2 wy1", "rx2")

    verdict = judge(history)

    assert verdict.answer is Answer.INVALID
    assert verdict.details["violates"] == "strict-serializable"
    assert verdict.evidence is not None
    assert "was in x before" in verdict.evidence.story


def test_a_first_value_may_be_named() -> None:
    history = in_turn("rx7", "wx1", "rx1")

    assert judge(history).answer is Answer.INVALID
    assert Isolation("rw-register", initial=7).check(history, Budget()).answer is Answer.VALID


def test_an_unknown_transaction_that_was_read_happened_as_a_whole() -> None:
    assert judge(at_once("wx1 wy1?", "rx1 ry")).answer is Answer.INVALID


def test_an_unknown_transaction_that_nobody_read_may_not_have_happened() -> None:
    assert judge(in_turn("wx1?", "rx")).answer is Answer.VALID


def test_a_value_written_twice_leaves_its_register_undecided() -> None:
    verdict = judge(at_once("wx1", "wx1", "rx1"))

    assert verdict.answer is Answer.UNKNOWN
    assert "1 is written to x by op 0 and by op 1" in verdict.reason


def test_nil_is_never_written() -> None:
    with pytest.raises(ModelError, match="op 0: writes nil to x, which it holds at first"):
        judge(at_once("wx", "rx"))


def test_a_serial_history_is_valid() -> None:
    verdict = judge(in_turn("wx1 rx1", "rx1 wx2 wy1", "rx2 ry1"))

    assert verdict.answer is Answer.VALID
