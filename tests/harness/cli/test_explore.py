"""`quorate explore`, as a user would call it."""

import json
from pathlib import Path

import pytest

from harness.plan_file import dump_plan
from tests.harness.cli.conftest import Quorate
from tests.harness.explore.test_seeds import SMALL


@pytest.fixture
def plan(tmp_path: Path) -> str:
    """Return a plan that says everything, so that only the seed varies."""
    (tmp_path / "plan.toml").write_text(dump_plan(SMALL))
    return "plan.toml"


def test_healthy_seeds_are_valid_and_counted(quorate: Quorate, plan: str) -> None:
    outcome = quorate(
        "explore", plan, "--seeds", "4", "--jobs", "1", "--out", "x", "--rerun-share", "0.4"
    )
    assert "only the seed varies" in outcome.out
    assert "seeds     4: 4 VALID" in outcome.out
    assert "of them also in another process" in outcome.out
    assert "abstract states of the cluster" in outcome.out
    assert (outcome.code, outcome.line("verdict")) == (0, "VALID")


def test_a_failing_seed_is_kept_as_a_run_of_its_kind_and_a_later_call_goes_on(
    quorate: Quorate, plan: str, tmp_path: Path
) -> None:
    explore = ("explore", plan, "--mutant", "vote-not-persisted", "--jobs", "1", "--out", "x")
    first = quorate(*explore, "--seeds", "2")
    assert first.code == 1
    [run] = (tmp_path / "x" / "failures").iterdir()
    assert f"quorate shrink x/failures/{run.name}" in first.out
    assert quorate("replay", str(run)).line("replay") == "the same digest"
    second = quorate(*explore, "--seeds", "3")
    assert "going on after 2 seeds" in second.out
    assert "seeds     3: " in second.out
    assert [run] == list((tmp_path / "x" / "failures").iterdir())


def test_json_is_one_object(quorate: Quorate, plan: str) -> None:
    outcome = quorate("explore", plan, "--seeds", "1", "--jobs", "1", "--json")
    told = json.loads(outcome.out)
    assert (told["verdict"], told["seeds"], told["kinds"]) == ("VALID", 1, [])
    assert told["states"] > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--mutant", "no-such-bug"), "no-such-bug"),
        (("--nodes", "0"), "nodes"),
        (("missing.toml",), "missing.toml"),
        (("--faults", "earthquake"), "earthquake"),
        (("--seeds", "0"), "--seeds"),
    ],
)
def test_what_cannot_be_explored_is_said_at_once(
    quorate: Quorate, arguments: tuple[str, ...], complaint: str
) -> None:
    outcome = quorate("explore", *arguments)
    assert outcome.code == 64
    assert complaint in outcome.err


def test_real_clusters_are_not_explored(quorate: Quorate, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('environment = "local"\n')
    outcome = quorate("explore", "plan.toml")
    assert (outcome.code, "in simulation only" in outcome.err) == (64, True)
