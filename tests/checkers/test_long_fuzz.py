"""The long fuzz: that it tells right from wrong, and sees both."""

import pytest

from checkers.verdict import Answer
from tests.checkers import long_fuzz
from tests.checkers.long_fuzz import FUZZES, Judged, fuzz, is_wrong


@pytest.mark.parametrize("name", FUZZES)
def test_a_checker_and_brute_force_agree_on_what_is_right_and_what_is_not(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz(name, range(100)) == []

    told = capsys.readouterr().out
    assert " INVALID" in told
    assert " VALID" in told or " not applicable" in told


@pytest.mark.parametrize(
    ("name", "judged", "wrong"),
    [
        ("kv", Judged(Answer.VALID, is_right=True), False),
        ("kv", Judged(Answer.VALID, is_right=False), True),
        ("kv", Judged(Answer.INVALID, is_right=True), True),
        ("kv", Judged(Answer.INVALID, is_right=False), False),
        ("kv", Judged(Answer.UNKNOWN, is_right=False), False),
        ("rw-register", Judged(Answer.VALID, is_right=False), False),
        ("rw-register", Judged(Answer.INVALID, is_right=True), True),
    ],
)
def test_what_contradicts_brute_force_is_wrong(name: str, judged: Judged, *, wrong: bool) -> None:
    assert is_wrong(name, judged) is wrong


def test_a_checker_that_is_wrong_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = {"kv": lambda seed: Judged(Answer.VALID, is_right=seed != 3)}
    monkeypatch.setattr(long_fuzz, "FUZZES", blind)

    assert fuzz("kv", range(5)) == [3]
    assert "1 disagreements in 5" in capsys.readouterr().out
