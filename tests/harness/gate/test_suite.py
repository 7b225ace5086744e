"""Suites: what they run, and what they refuse."""

from pathlib import Path

import pytest

from harness.errors import PlanError, UsageError
from harness.gate.suite import load_suite, trials_of

SUITE = """\
[suite]
name = "s"
seeds = [1, 2]
fresh_seeds = 1

[[case]]
name = "a"
settings = { "workload.rate" = 10.0 }
matrix = { nodes = [3, 5], "workload.name" = ["kv", "register"] }

[[case]]
name = "b"
plan = "b.toml"
seeds = [9]
fresh_seeds = 0
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "b.toml").write_text("nodes = 7\n")
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    return path


def test_every_combination_runs_under_every_seed(suite: Path) -> None:
    trials = trials_of(load_suite(suite), suite, fresh_from=1)

    of_a = [trial for trial in trials if trial.case.startswith("a")]
    assert len(of_a) == 2 * 2 * 3
    assert of_a[0].case == "a[nodes=3,name=kv]"
    assert {(trial.plan.nodes, trial.plan.workload.name) for trial in of_a} == {
        (3, "kv"), (3, "register"), (5, "kv"), (5, "register"),
    }  # fmt: skip
    assert all(trial.plan.workload.rate == 10.0 for trial in of_a)
    assert all(trial.plan.seed == trial.seed for trial in trials)


def test_a_case_may_have_its_own_plan_and_seeds(suite: Path) -> None:
    (trial,) = [each for each in trials_of(load_suite(suite), suite, 1) if each.case == "b"]

    assert (trial.seed, trial.is_fresh, trial.plan.nodes) == (9, False, 7)


def test_fresh_seeds_are_those_of_their_number(suite: Path) -> None:
    def fresh(number: int) -> list[int]:
        trials = trials_of(load_suite(suite), suite, number)
        return [trial.seed for trial in trials if trial.is_fresh]

    assert fresh(1) == fresh(1)
    assert fresh(1) != fresh(2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[suite]\nname = 's'\n", "nothing would be tested"),
        ("[suite]\nname = 's'\nseed = 1\n[[case]]\nname = 'a'\n", "unknown field `seed`"),
        ("[suite]\nname = 's'\n[[case]]\nname = 'a'\n[[case]]\nname = 'a'\n", "two cases"),
        ("[suite\n", "not a suite"),
        ("[[case]]\nname = 'a'\n", "missing required field `suite`"),
        ("[suite]\nname = 's'\nbudget_s = 0.0\n[[case]]\nname = 'a'\n", "not a suite"),
    ],
)
def test_what_is_no_suite_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=message) as raised:
        load_suite(path)

    assert raised.value.path == path


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("plan = 'missing.toml'", PlanError),
        ("settings = { 'workload.rates' = 1 }", PlanError),
        ("matrix = { nodes = [] }", UsageError),
        ("seeds = []", UsageError),
    ],
)
def test_a_case_that_tests_nothing_is_refused(
    tmp_path: Path, case: str, error: type[UsageError]
) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(f"[suite]\nname = 's'\n[[case]]\nname = 'a'\n{case}\n")

    with pytest.raises(error):
        trials_of(load_suite(path), path, 1)


def test_the_suite_that_ships_reads() -> None:
    path = Path(__file__).parents[3] / "docs" / "ci" / "quorate-suite.toml"

    trials = trials_of(load_suite(path), path, fresh_from=1)

    assert {trial.plan.nodes for trial in trials} == {3, 5}
