"""The error tree."""

from pathlib import Path

import pytest

from harness.errors import (
    DefiniteError,
    GeneratorError,
    HarnessError,
    IndefiniteError,
    PlanError,
    QuorateError,
    RunDirectoryError,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UsageError("no such thing"), "no such thing"),
        (UsageError("bad", path="a.toml"), "a.toml: bad"),
        (UsageError("bad", path=Path("a.toml"), line=3), "a.toml:3: bad"),
    ],
)
def test_bad_input_says_where_as_far_as_is_known(error: UsageError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("kind", [UsageError, PlanError, RunDirectoryError])
def test_bad_input_exits_with_64(kind: type[QuorateError]) -> None:
    assert kind.exit_code == 64


@pytest.mark.parametrize(
    "kind", [HarnessError, GeneratorError, DefiniteError, IndefiniteError, QuorateError]
)
def test_our_own_failures_exit_with_3(kind: type[QuorateError]) -> None:
    assert kind.exit_code == 3
