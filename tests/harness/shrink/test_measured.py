"""How often a test of real daemons runs what it runs."""

import pytest

from harness.shrink.measured import CERTAINTY, Measured


@pytest.mark.parametrize(
    ("convicted", "runs", "times"),
    [(1, 1, 5), (3, 3, 3), (9, 9, 2), (1, 2, 8), (1, 9, 29), (99, 99, 1)],
)
def test_the_rarer_the_failure_the_more_runs(convicted: int, runs: int, times: int) -> None:
    assert Measured(convicted=convicted, runs=runs).times == times


def test_so_many_runs_are_enough_and_one_fewer_is_not() -> None:
    for runs in range(1, 40):
        for convicted in range(1, runs + 1):
            measured = Measured(convicted=convicted, runs=runs)
            missed = 1 - measured.rate
            assert missed**measured.times <= 1 - CERTAINTY + 1e-12
            assert missed ** (measured.times - 1) > 1 - CERTAINTY


def test_every_run_counts() -> None:
    seen = Measured(convicted=1, runs=2).and_also(convicted=True).and_also(convicted=False)

    assert seen == Measured(convicted=2, runs=4)
