"""`quorate convert`, and `quorate check` of transactions."""

from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate

BAD = Path(__file__).parents[3] / "histories" / "bad"


def test_a_history_goes_to_edn_and_back(quorate: Quorate) -> None:
    source = str(BAD / "lists-g1c.jsonl")

    assert quorate("convert", source, "history.edn").code == 0
    assert quorate("convert", "history.edn", "back.jsonl").code == 0

    original = Path(source).read_text().splitlines()[1:]
    assert Path("back.jsonl").read_text().splitlines()[1:] == original
    assert quorate("check", "history.edn").line("verdict") == "INVALID"


def test_an_ending_that_tells_no_format_needs_one_named(quorate: Quorate) -> None:
    done = quorate("convert", str(BAD / "lists-g1c.jsonl"), "history.txt")

    assert done.code == 64
    assert "name the format to write with --to (edn, quorate)" in done.err


@pytest.mark.parametrize(
    ("consistency", "verdict"),
    [("strict-serializable", "INVALID"), ("PL-3", "INVALID"), ("snapshot-isolation", "VALID")],
)
def test_transactions_are_held_to_what_is_expected(
    quorate: Quorate, consistency: str, verdict: str
) -> None:
    done = quorate("check", "--consistency", consistency, str(BAD / "lists-g2.jsonl"))

    assert done.line("verdict") == verdict


def test_an_unknown_consistency_model_is_refused(quorate: Quorate) -> None:
    done = quorate("check", "--consistency", "quantum", str(BAD / "lists-g2.jsonl"))

    assert done.code == 64
    assert "no consistency model is called 'quantum'" in done.err
