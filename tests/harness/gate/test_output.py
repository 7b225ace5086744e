"""JUnit XML that a parser reads, Markdown, and annotations."""

import pytest
from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from harness.gate.junit import junit_xml
from harness.gate.outcome import Attempt, Ending, GateResult, Result
from harness.gate.summary import annotations, headline, markdown

EVIL = "a <b> | c ]]> \x00 & \ud800 100%\nnext"


def result(name: str, *attempts: Attempt) -> Result:
    return Result(group="kills[nodes=3]", name=name, attempts=attempts, repeat="quorate replay r")


GATE = GateResult(
    suite="nightly",
    fresh_from=42,
    seconds=12.5,
    results=(
        result("seed 1", Attempt(ending=Ending.PASSED, seconds=1.5)),
        result("seed 2", Attempt(ending=Ending.INVALID, reason=EVIL, story=f"story of {EVIL}")),
        result(
            "seed 3",
            Attempt(ending=Ending.UNKNOWN, reason="too few steps"),
            Attempt(ending=Ending.UNKNOWN, reason="still too few"),
        ),
        result(
            "seed 4",
            Attempt(ending=Ending.HARNESS, reason="no port"),
            Attempt(ending=Ending.PASSED),
        ),
    ),
)


def cases() -> dict[str, TestCase]:
    (suite,) = list(JUnitXml.fromstring(junit_xml(GATE).encode()))
    assert isinstance(suite, TestSuite)
    return {str(case.name): case for case in suite}


def test_a_junit_parser_reads_it_and_counts_the_same() -> None:
    document = JUnitXml.fromstring(junit_xml(GATE).encode())

    assert (document.tests, document.failures, document.errors) == (4, 1, 1)
    (suite,) = list(document)
    assert suite.name == "kills[nodes=3]"


def test_convictions_are_failures_and_what_is_not_known_is_an_error() -> None:
    found = cases()

    assert found["seed 1"].is_passed
    assert found["seed 1"].time == pytest.approx(1.5)
    (failure,) = found["seed 2"].result
    assert isinstance(failure, Failure)
    assert "a <b> | c ]]>" in str(failure.message)
    assert "repeat: quorate replay r" in str(failure.text)
    (error,) = found["seed 3"].result
    assert isinstance(error, Error)
    assert error.message == "still too few"


def test_a_second_try_is_told_even_if_it_passed() -> None:
    assert cases()["seed 4"].is_passed
    assert cases()["seed 4"].system_out == "tried again after harness failure: no port"


def test_the_headline_counts() -> None:
    assert headline(GATE) == ("nightly: 2 passed, 1 invalid, 1 unknown, 2 tried again in 12 s")


def test_failures_of_the_harness_are_counted_in_words_that_fit() -> None:
    broken = result("seed 1", Attempt(ending=Ending.HARNESS, reason="no port"))
    gate = GateResult(suite="s", fresh_from=1, seconds=1.0, results=(broken, broken))

    assert headline(gate) == "s: 2 harness failures in 1 s"


def test_markdown_keeps_its_tables_whole_whatever_a_reason_says() -> None:
    text = markdown(GATE)

    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert table[1] == "| kills\\[nodes=3] | 2 | 1 | 1 | 0 |"
    assert "a \\<b> \\| c" in text
    assert "Repeat: `quorate replay r`" in text
    assert "--fresh-from 42" in text


def test_annotations_are_one_line_each_with_what_github_unescapes() -> None:
    lines = list(annotations(GATE))

    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert "100%25%0Anext" in lines[0]
    assert lines[0].startswith("::error title=kills[nodes=3]%2C seed 2%3A invalid::")
    assert all("\n" not in line for line in lines)
