"""Runs that several tests look at; none of them changes what it is given."""

from pathlib import Path

import pytest

from tests.harness.report import recorded_runs


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a VALID run."""
    return recorded_runs.healthy_run(tmp_path_factory.mktemp("healthy"))


@pytest.fixture(scope="session")
def unlinearizable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run that no order explains."""
    return recorded_runs.unlinearizable_run(tmp_path_factory.mktemp("unlinearizable"))


@pytest.fixture(scope="session")
def wrong_revisions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run whose revisions contradict one another."""
    return recorded_runs.run_with_wrong_revisions(tmp_path_factory.mktemp("revisions"))


@pytest.fixture(scope="session")
def lying_watches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run whose watches lied."""
    return recorded_runs.run_with_lying_watches(tmp_path_factory.mktemp("watches"))


@pytest.fixture(scope="session")
def against_raft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run that the oracle ended."""
    return recorded_runs.run_against_raft(tmp_path_factory.mktemp("raft"))
