"""Comparisons of made-up and of real trials."""

import msgspec
import pytest

from checkers.verdict import Answer
from harness.compare.comparison import Comparison, comparison_of
from harness.compare.figures import FaultFigures, Measured, TrialFigures
from harness.compare.simulated import case_of, run_simulated
from harness.compare.text import comparison_lines, table_lines
from harness.plan import FaultPlan, Plan, WorkloadPlan

TRIAL = TrialFigures(
    variant="a",
    seed=1,
    verdict="VALID",
    operations=100,
    ok_share=0.9,
    fail_share=0.1,
    info_share=0.0,
    ok_per_s=50.0,
    unavailable_ms=100.0,
    longest_silence_ms=100.0,
    outage_ms_mean=None,
    recovery_ms_mean=None,
    recovery_ms_max=None,
    latency_ms_p50=5.0,
    latency_ms_p99=9.0,
    elections=None,
    faults=0,
    faults_without_effect=0,
)


def made_up(extra_ms: float, verdict: str = "VALID") -> Comparison:
    """Two plans of ten seeds; the second is `extra_ms` longer unavailable under each seed."""
    measured = [
        Measured(
            trial=msgspec.structs.replace(
                TRIAL,
                variant=variant,
                seed=seed,
                unavailable_ms=100.0 * seed + extra + seed % 3,
                verdict=verdict if variant == "b" and seed == 7 else "VALID",
            ),
            faults=(),
        )
        for variant, extra in (("a", 0.0), ("b", extra_ms))
        for seed in range(1, 11)
    ]
    return comparison_of(["a", "b"], 10, measured)


def line_of(comparison: Comparison, words: str) -> str:
    (found,) = [line for line in comparison_lines(comparison) if line.startswith(words)]
    return found


def test_a_difference_within_pairs_is_marked() -> None:
    assert line_of(made_up(50.0), "unavailable").endswith(" +")
    assert line_of(made_up(-50.0), "unavailable").endswith(" -")


def test_no_difference_is_not_marked() -> None:
    assert line_of(made_up(0.0), "unavailable").endswith("]")
    assert not made_up(0.0).compared()["unavailable_ms", "b"].differs


def test_what_is_not_known_of_any_trial_has_no_row() -> None:
    assert not [line for line in comparison_lines(made_up(0.0)) if line.startswith("elections")]


def test_verdicts_are_counted_and_the_worst_one_counts() -> None:
    comparison = made_up(0.0, "UNKNOWN")

    assert comparison.verdicts("b") == {"VALID": 9, "UNKNOWN": 1}
    assert comparison.worst() is Answer.UNKNOWN


def test_tables_have_a_row_for_each_trial_and_each_figure_of_each_plan() -> None:
    comparison = made_up(50.0)

    assert len(comparison.trials_table()) == 20
    summary = comparison.summary_table().set_index(["figure", "variant"])
    assert summary.loc[("unavailable_ms", "b"), "difference"] == pytest.approx(50.0)
    assert summary.loc[("unavailable_ms", "b"), "differs"]
    assert list(comparison.faults_table().columns) == list(FaultFigures.__struct_fields__)


def test_columns_are_aligned() -> None:
    assert list(table_lines(["", "a"], [["x", "100"]])) == ["      a", "x   100"]


def test_a_simulated_trial_gives_its_figures_and_those_of_each_fault() -> None:
    plan = Plan(
        workload=WorkloadPlan(rate=50.0, time_limit_s=4.0),
        faults=FaultPlan(packages=("kill",), interval_s=0.7),
    )

    measured = run_simulated(case_of("kills", plan, 3))

    trial = measured.trial
    assert (trial.variant, trial.seed, trial.verdict) == ("kills", 3, "VALID")
    assert trial.ok_share + trial.fail_share + trial.info_share == pytest.approx(1.0)
    assert trial.faults == len(measured.faults) > 0
    assert {fault.do for fault in measured.faults} == {"restart"}
    assert trial.longest_silence_ms <= 4_000.0
    assert run_simulated(case_of("kills", plan, 3)) == measured
