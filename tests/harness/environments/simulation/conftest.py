"""What the tests of the oracle share."""

import pytest

from tests.harness.environments.simulation.oracle_story import Story


@pytest.fixture
def story() -> Story:
    """Return a story that has not begun."""
    return Story()
