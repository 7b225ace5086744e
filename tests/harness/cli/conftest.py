"""The command line, called as a user would, in this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from harness.cli import main

SHORT = ("--time-limit", "2", "--rate", "50")
"""Options that make a trial short enough for a test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def line(self, label: str) -> str:
        """Return what follows `label: ` on the last line that begins so."""
        found = [line for line in self.out.splitlines() if line.startswith(f"{label}: ")]
        return found[-1].removeprefix(f"{label}: ")


class Quorate(Protocol):
    """Runs `quorate ARGUMENTS` in an empty directory."""

    def __call__(self, *arguments: str) -> Outcome:
        """Return what came of it."""


@pytest.fixture
def quorate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Quorate:
    """Return a function that runs `quorate ARGUMENTS` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as exit_:
            main(list(arguments))
        captured = capsys.readouterr()
        code = exit_.value.code
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return call
