"""Every anomaly of transactions over lists: a history that has it, and it only."""

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import History
from checkers.models.model import ModelError
from checkers.transactions.checker import transactional
from checkers.verdict import Answer, Verdict
from tests.checkers.transactions.notation import at_once, in_turn, interleaved


def judge(history: History, expected: str = "strict-serializable") -> Verdict:
    return transactional("list-append", expected).check(history, Budget())


def anomalies(verdict: Verdict) -> list[str]:
    found = verdict.details.get("anomalies", {})
    assert isinstance(found, dict)
    return sorted(found)


CASES = {
    "G0": at_once("ax1 ay1", "ax2 ay2", "rx12", "ry21"),
    "G1a": at_once("ax1!", "rx1"),
    "G1b": at_once("ax1 ax2", "rx1"),
    "G1c": at_once("ax1 ry1", "ay1 rx1"),
    "G-single-item": at_once("ax1 ay1", "rx ry1"),
    "G-nonadjacent-item": at_once("rx rw1", "ax1 ay1", "ry1 rz", "az1 aw1"),
    "G2-item": at_once("rx ay1", "ry ax1"),
    "G0-process": interleaved("aaAAbb", "ax1", "ax2", "rx21"),
    "G1c-process": interleaved("aaAA", "rx1", "ax1"),
    "G-single-item-process": interleaved("aaAA", "ax1", "rx"),
    "G2-item-process": interleaved("baaAAb", "rx ay1", "ax1", "ry"),
    "G0-realtime": in_turn("ax1", "ax2", "rx21"),
    "G1c-realtime": in_turn("rx1", "ax1"),
    "G-single-item-realtime": in_turn("ax1", "rx"),
    "G2-item-realtime": interleaved("baaccb", "rx ay1", "ax1", "ry"),
    "internal": at_once("ax1 rx1 rx"),
    "future-read": at_once("rx1 ax1"),
    "duplicate-elements": at_once("ax1", "rx11"),
    "incompatible-order": at_once("ax1", "ax2", "rx1", "rx2"),
    "garbage-read": at_once("rx7"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_anomaly_is_found_and_no_other(name: str) -> None:
    verdict = judge(CASES[name])

    assert verdict.answer is Answer.INVALID
    # What follows an intermediate element is always missed by who read it.
    assert anomalies(verdict) == (["G-single-item", "G1b"] if name == "G1b" else [name])


@pytest.mark.parametrize("name", CASES)
def test_whatever_is_weaker_than_what_is_violated_holds(name: str) -> None:
    violated, holds = judge(CASES[name]).details["violates"], judge(CASES[name]).details["holds"]

    for model in str(violated).split(", "):
        assert judge(CASES[name], model).answer is Answer.INVALID
    for model in str(holds).split(", ") if holds else ():
        assert judge(CASES[name], model).answer is Answer.VALID


def test_without_two_antidependencies_in_a_row_a_session_is_convicted() -> None:
    history = interleaved("aabbAABB", "ax1", "ay1", "ry", "rx")

    assert anomalies(judge(history)) == ["G-nonadjacent-item-process", "G-single-item-realtime"]


def test_what_only_real_time_forbids_is_allowed_by_serializability() -> None:
    assert judge(in_turn("ax1", "rx"), "serializable").answer is Answer.VALID


def test_a_lost_update_is_a_g_single_of_one_list() -> None:
    verdict = judge(at_once("rx ax1", "rx ax2", "rx12"))

    assert anomalies(verdict) == ["G-single-item", "lost-update"]


def test_a_lost_update_is_found_although_nobody_read_its_outcome() -> None:
    assert "lost-update" in anomalies(judge(at_once("rx ax1", "rx ax2")))


@pytest.mark.parametrize("read", ["rx21", "rx2"])
def test_appends_of_one_transaction_stay_in_their_order(read: str) -> None:
    assert "incompatible-order" in anomalies(judge(at_once("ax1 ax2", read)))


def test_a_dirty_update_is_built_on_what_failed() -> None:
    verdict = judge(at_once("ax1!", "ax2", "rx12"))

    assert anomalies(verdict) == ["G1a", "dirty-update"]


def test_an_append_that_nobody_read_came_after_all_that_were_read() -> None:
    verdict = judge(at_once("ax1 ay1", "ax2 ry", "rx1"))

    # 2 is not in the longest list of x, so it came after 1; but its transaction misses 1's y.
    assert anomalies(verdict) == ["G-single-item"]


def test_an_unknown_transaction_that_was_read_happened_as_a_whole() -> None:
    assert judge(at_once("ax1 ay1?", "rx1 ry")).answer is Answer.INVALID


def test_an_unknown_transaction_that_nobody_read_may_not_have_happened() -> None:
    assert judge(in_turn("ax1?", "rx", "rx")).answer is Answer.VALID


def test_a_serial_history_is_valid_and_strictly_serializable() -> None:
    verdict = judge(in_turn("ax1 rx1", "rx1 ax2 ay1", "rx12 ry1"))

    assert verdict.answer is Answer.VALID
    assert verdict.details["holds"] == "strict-serializable"


def test_many_readers_before_many_writers_are_joined_by_a_hub() -> None:
    readers = ["rx"] * 20
    writers = [f"ax{number}" for number in range(1, 9)]

    assert judge(at_once(*readers, *writers)).answer is Answer.VALID
    assert judge(in_turn(*writers, *readers)).answer is Answer.INVALID


def test_elements_may_be_lists_and_keys_anything() -> None:
    key, element = ["users", 3], ["a", ["b"]]
    values: list[list[object]] = [
        [["append", key, element]],
        [["r", key, None]],
        [["append", key, element]],
        [["r", key, [element]]],
    ]
    history = at_once("ax1", "rx1")
    ops = [
        msgspec.structs.replace(op, value=value) for op, value in zip(history, values, strict=True)
    ]

    assert judge(History(ops)).answer is Answer.VALID


def test_the_same_element_appended_twice_leaves_its_list_undecided() -> None:
    verdict = judge(at_once("ax1", "ax1", "rx1"))

    assert verdict.answer is Answer.UNKNOWN
    assert "1 is appended to x by op 0 and by op 1" in verdict.reason


def test_a_history_in_which_nothing_was_answered_is_unknown() -> None:
    assert judge(at_once("ax1!", "rx?")).answer is Answer.UNKNOWN


def test_what_is_no_transaction_over_lists_is_refused() -> None:
    with pytest.raises(ModelError, match=r'op 0: a micro-operation here is \["r", key, value\]'):
        judge(at_once("wx1"))


def test_a_cycle_is_told_in_words_and_drawn() -> None:
    evidence = judge(at_once("ax1 ay1", "rx ry1")).evidence

    assert evidence is not None
    assert evidence.operations == (0, 1)
    assert evidence.story.splitlines()[:10] == [
        "G-single-item:",
        "T1 (process 1, op 1 to op 3): read x -> nil, read y -> [1]",
        "T2 (process 0, op 0 to op 2): append x 1, append y 1",
        "",
        "T1 must come before T2, because T1 read x as [], without T2's append of 1.",
        "But then T2 must come before T1, because T1 read T2's append of 1 to y; that is a circle.",
        "",
        "T1 --rw--> T2",
        "^           |",
        "+-----wr----+",
    ]
