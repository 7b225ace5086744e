"""The recorded histories: every one listed, readable, and honest about its origin."""

import tomllib
from pathlib import Path

import pytest

from checkers.choose import choices
from checkers.history_file import load_history
from checkers.stats import tally
from checkers.watch_history import load_watch_file

HISTORIES = Path(__file__).parents[2] / "histories"
LISTED = tomllib.loads((HISTORIES / "expected.toml").read_text())["history"]
BESIDE = sorted(
    path.relative_to(HISTORIES).as_posix() for path in HISTORIES.glob("*/*.watch.jsonl")
)
FILES = sorted(
    {path.relative_to(HISTORIES).as_posix() for path in HISTORIES.glob("*/*.jsonl")} - {*BESIDE}
)
SIZE_BYTES_MAX = 256 * 1024


def test_every_file_has_its_expectation() -> None:
    assert sorted(entry["file"] for entry in LISTED) == FILES
    assert {entry["verdict"] for entry in LISTED if entry["file"].startswith("good/")} == {"VALID"}
    assert {entry["verdict"] for entry in LISTED if entry["file"].startswith("bad/")} == {"INVALID"}


def test_whatever_is_rejected_names_who_rejects_it() -> None:
    assert [
        entry["file"] for entry in LISTED if ("checker" in entry) != (entry["verdict"] == "INVALID")
    ] == []


def test_every_model_rejects_some_history() -> None:
    assert {entry["model"] for entry in LISTED if entry["verdict"] == "INVALID"} == {*choices()}


def test_every_watch_stands_beside_its_history() -> None:
    beside = {entry["watch"]: entry["file"] for entry in LISTED if "watch" in entry}

    assert sorted(beside) == BESIDE
    assert {watch.replace(".watch.", ".") for watch in beside} == {*beside.values()}


@pytest.mark.parametrize("name", BESIDE)
def test_a_watch_is_small_and_whole(name: str) -> None:
    assert (HISTORIES / name).stat().st_size <= SIZE_BYTES_MAX
    assert load_watch_file(HISTORIES / name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_small_whole_and_names_its_origin(name: str) -> None:
    loaded = load_history(HISTORIES / name)

    assert (HISTORIES / name).stat().st_size <= SIZE_BYTES_MAX
    assert set(loaded.header.about) >= {"origin", "licence", "story"}
    assert tally(loaded.history)


@pytest.mark.parametrize("name", [*FILES, *BESIDE])
def test_the_readme_tells_of_every_file(name: str) -> None:
    assert f"`{name}`" in (HISTORIES / "README.md").read_text()
