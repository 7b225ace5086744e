"""`quorate compare`: tables, files, and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.compare.examples import FOLDER, example_names
from harness.plan_file import load_plan
from tests.harness.cli.conftest import Quorate

PLAN = """\
nodes = {nodes}
[workload]
rate = 40.0
time_limit_s = 2.0
[faults]
packages = ["{package}"]
interval_s = 0.5
"""


def write_plans(*packages: str, nodes: int = 3) -> list[str]:
    for package in packages:
        Path(f"{package}.toml").write_text(PLAN.format(package=package, nodes=nodes))
    return [f"{package}.toml" for package in packages]


def test_plans_are_compared_in_a_table_and_in_files(quorate: Quorate) -> None:
    plans = write_plans("kill", "partition")

    done = quorate(
        "compare", *plans, "--seeds", "3", "--jobs", "1", "--csv", "t", "--parquet", "t",
        "--plots", "p",
    )  # fmt: skip

    assert done.code == 0, done.err
    header, verdicts, *_ = done.out.splitlines()
    assert header.split() == ["kill", "partition"]
    assert verdicts.split() == ["verdicts", "3", "VALID", "3", "VALID"]
    assert done.line("verdict") == "VALID"
    trials = pd.read_csv("t/trials.csv")
    assert list(trials["seed"]) == [1, 2, 3, 1, 2, 3]
    assert len(pd.read_parquet("t/trials.parquet")) == 6
    assert len(pd.read_csv("t/faults.csv")) == trials["faults"].sum()
    assert {path.name for path in Path("p").iterdir()} == {
        "comparison.png", "comparison.svg", "recovery.png", "recovery.svg",
    }  # fmt: skip


def test_json_has_every_figure_and_no_tolerance_of_equal_sizes(quorate: Quorate) -> None:
    done = quorate(
        "compare", *write_plans("kill", "pause"), "--seeds", "2", "--jobs", "1", "--json"
    )

    printed = json.loads(done.out)
    assert printed["variants"] == ["kill", "pause"]
    assert printed["tolerance"] == []
    assert {row["figure"] for row in printed["figures"]} >= {"ok_share", "elections"}


def test_the_exit_code_is_that_of_the_worst_verdict(quorate: Quorate) -> None:
    plans = write_plans("kill", "pause")
    Path("pause.toml").write_text(
        'mutant = "half-is-a-majority"\n' + Path("pause.toml").read_text()
    )

    done = quorate("compare", *plans, "--seeds", "3", "--jobs", "1")

    assert done.code == 1
    assert done.line("verdict") == "INVALID"


@pytest.mark.parametrize("name", example_names())
def test_comparisons_that_ship_are_plans(name: str) -> None:
    plans = [load_plan(path) for path in sorted((FOLDER / name).glob("*.toml"))]

    assert len(plans) >= 2
    assert len({plan.workload for plan in plans}) == 1, "the same load for all"


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        (["kill.toml"], "two plans at least"),
        (["kill-vs-partitions", "kill.toml"], "did you mean 'kill-vs-partition'"),
        (["kill.toml", "kill.toml"], "two plans are called"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    quorate: Quorate, plans: list[str], message: str
) -> None:
    write_plans("kill")

    done = quorate("compare", *plans)

    assert done.code == 64
    assert message in done.err


@pytest.mark.parametrize(
    ("option", "package"), [("--parquet", "pyarrow"), ("--plots", "matplotlib")]
)
def test_a_missing_extra_is_said_before_anything_is_run(
    quorate: Quorate, monkeypatch: pytest.MonkeyPatch, option: str, package: str
) -> None:
    monkeypatch.setattr("harness.cli.compare.find_spec", lambda _name: None)
    monkeypatch.setattr("harness.cli.compare.run_all", None)

    done = quorate("compare", "kill-vs-partition", option, "out")

    assert done.code == 64
    assert done.err == f"quorate: {option} needs {package}: pip install 'quorate[{option[2:]}]'\n"
