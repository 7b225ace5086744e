"""Answers, and the worst of several."""

import pytest

from checkers.verdict import (
    Answer,
    Evidence,
    Verdict,
    as_json_value,
    from_json_value,
    invalid,
    merge,
    unknown,
    valid,
)

EVIDENCE = Evidence(operations=(3, 8), story="op 8 reads what op 3 had overwritten")


def test_answers_are_ordered_from_best_to_worst() -> None:
    assert Answer.VALID < Answer.UNKNOWN < Answer.INVALID


def test_one_invalid_part_convicts() -> None:
    parts = [valid("a"), unknown("b", "out of steps"), invalid("c", "stale read", EVIDENCE)]

    verdict = merge("all", parts)

    assert verdict.answer is Answer.INVALID
    assert verdict.reason == "c: stale read"
    assert verdict.parts == tuple(parts)


def test_unknown_never_passes() -> None:
    verdict = merge("all", [valid("a"), unknown("b", "out of steps"), valid("c")])

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason == "b: out of steps"


def test_the_first_of_equally_bad_parts_gives_the_reason() -> None:
    verdict = merge("all", [unknown("a", "first"), unknown("b", "second")])

    assert verdict.reason == "a: first"


def test_all_valid_is_valid_without_a_reason() -> None:
    verdict = merge("all", [valid("a"), valid("b")])

    assert (verdict.answer, verdict.reason) == (Answer.VALID, "")


def test_what_was_not_checked_does_not_pass() -> None:
    assert merge("all", []).answer is Answer.UNKNOWN


def test_leaves_are_the_verdicts_nobody_merged() -> None:
    a, b, c = valid("a"), unknown("b", "out of steps"), invalid("c", "stale", EVIDENCE)

    verdict = merge("all", [a, merge("inner", [b, c])])

    assert list(verdict.leaves()) == [a, b, c]


@pytest.mark.parametrize("answer", [Answer.UNKNOWN, Answer.INVALID])
def test_whoever_does_not_pass_says_why(answer: Answer) -> None:
    with pytest.raises(AssertionError, match="says why"):
        Verdict(checker="a", answer=answer)


def test_evidence_goes_with_invalid_only() -> None:
    with pytest.raises(AssertionError, match="convicts"):
        Verdict(checker="a", answer=Answer.VALID, evidence=EVIDENCE)


def test_a_verdict_survives_its_json() -> None:
    convicted = invalid("c", "stale", EVIDENCE, {"steps": 3})
    verdict = merge("all", [valid("a"), merge("inner", [unknown("b", "out of steps"), convicted])])
    assert from_json_value(as_json_value(verdict)) == verdict


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"checker": "a", "answer": "MAYBE"},
        {"checker": "a", "answer": "INVALID"},
        {"checker": "a", "answer": "VALID", "parts": {}},
        {"checker": "a", "answer": "VALID", "parts": [7]},
        {"checker": 7, "answer": "VALID"},
    ],
)
def test_what_is_no_verdict_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json_value(value)
