"""`quorate replay` of runs on real daemons, as far as it needs none: what it reads, its twins."""

import json
from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate

RUN = (
    "run", "--workload", "kv", "--faults", "pause", "--time-limit", "1", "--rate", "100",
    "--nodes", "3",
)  # fmt: skip

pytestmark = pytest.mark.simulation


def real(run: str) -> str:
    """Rewrite what a simulation left behind as if daemons had, and return the directory."""
    folder = Path(run)
    plan = folder / "plan.toml"
    plan.write_text(plan.read_text().replace('"simulation"', '"local"'))
    results = folder / "results.json"
    verdict = json.loads(results.read_text())["verdict"]
    results.write_text(json.dumps({"verdict": verdict, "system": "nodeimpl", "version": "0"}))
    return run


@pytest.fixture
def failed(quorate: Quorate) -> str:
    return real(quorate(*RUN, "--mutant", "vote-not-persisted").line("run"))


def test_a_failing_run_has_a_twin_in_simulation_that_repeats_and_shrinks(
    quorate: Quorate, failed: str
) -> None:
    outcome = quorate("replay", failed, "--transfer", "--seeds", "1", "--out", "twins")
    assert outcome.code == 1, outcome.out
    assert "the same kind of conviction: raft: Persistence" in outcome.out
    twin = outcome.line("twin")
    assert quorate("replay", twin).line("replay") == "the same digest"
    assert quorate("shrink", twin, "--trials", "4", "--no-inevitable").code == 0


def test_a_run_without_a_twin_has_none(quorate: Quorate, failed: str) -> None:
    plan = Path(failed) / "plan.toml"
    plan.write_text(plan.read_text().replace('mutant = "vote-not-persisted"\n', ""))
    outcome = quorate("replay", failed, "--transfer", "--seeds", "1", "--out", "twins")
    assert outcome.line("twin") == "none in 1 seeds"
    assert "under the" in outcome.out
    assert outcome.code in (0, 2)


def test_a_run_that_convicts_nobody_has_nothing_to_transfer(quorate: Quorate) -> None:
    run = real(quorate(*RUN).line("run"))
    outcome = quorate("replay", run, "--transfer")
    assert (outcome.code, "nobody was convicted" in outcome.err) == (64, True)


@pytest.mark.parametrize(
    "content", [b"{", b'{"verdict":{"answer":"MAYBE"},"system":"x","version":"y"}', b"\xff"]
)
def test_results_that_are_none_are_refused(quorate: Quorate, failed: str, content: bytes) -> None:
    (Path(failed) / "results.json").write_bytes(content)
    outcome = quorate("replay", failed, "--transfer")
    assert outcome.code == 64
    assert "results.json: not the " in outcome.err


def test_a_run_that_never_ended_is_judged_by_its_history(quorate: Quorate) -> None:
    run = real(quorate(*RUN, "--mutant", "version-survives-delete").line("run"))
    (Path(run) / "results.json").unlink()
    outcome = quorate("replay", run, "--transfer", "--seeds", "1", "--out", "twins")
    assert "looking for etcd-linearizability: wrong-answer" in outcome.out
    assert outcome.code == 1


@pytest.mark.parametrize("option", [("--times", "2"), ("--transfer",)])
def test_what_is_for_real_daemons_is_not_for_simulations(
    quorate: Quorate, option: tuple[str, ...]
) -> None:
    run = quorate(*RUN).line("run")
    outcome = quorate("replay", run, *option)
    assert (outcome.code, "bit for bit" in outcome.err) == (64, True)
