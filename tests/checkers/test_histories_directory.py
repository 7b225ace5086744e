"""The recorded histories: every one listed, readable, and honest about its origin."""

import tomllib
from pathlib import Path

import pytest

from checkers.history_file import load_history
from checkers.stats import tally

HISTORIES = Path(__file__).parents[2] / "histories"
FILES = sorted(path.relative_to(HISTORIES).as_posix() for path in HISTORIES.glob("*/*.jsonl"))
SIZE_BYTES_MAX = 256 * 1024


def test_every_file_has_its_expectation() -> None:
    listed = tomllib.loads((HISTORIES / "expected.toml").read_text())["history"]

    assert sorted(entry["file"] for entry in listed) == FILES
    assert {entry["verdict"] for entry in listed if entry["file"].startswith("good/")} == {"VALID"}
    assert {entry["verdict"] for entry in listed if entry["file"].startswith("bad/")} == {"INVALID"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_small_whole_and_names_its_origin(name: str) -> None:
    loaded = load_history(HISTORIES / name)

    assert (HISTORIES / name).stat().st_size <= SIZE_BYTES_MAX
    assert set(loaded.header.about) >= {"origin", "licence", "story"}
    assert tally(loaded.history)


@pytest.mark.parametrize("name", FILES)
def test_the_readme_tells_of_every_file(name: str) -> None:
    assert f"`{name}`" in (HISTORIES / "README.md").read_text()
