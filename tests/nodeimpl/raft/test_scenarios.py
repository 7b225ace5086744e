"""Golden scenarios: `scripts/*.txt`, each named for its claim. The language: see `script`."""

import os
from pathlib import Path

import pytest

from tests.nodeimpl.raft.script import rerun

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_scenario(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    outcome = rerun(text)

    if os.environ.get("REWRITE_SCRIPTS"):
        path.write_text(outcome, encoding="utf-8")
    else:
        assert outcome == text


@pytest.mark.parametrize(
    "line", ["dance 1", "deliver 1->2", "timeout 9", "cut 1", "propose 1", "stall", "heartbeat 1"]
)
def test_a_command_that_cannot_be_obeyed_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: "):
        rerun(f"cluster 3\n{line}\n")
