"""What pytest loads: light, as every test session with Quorate installed loads it.

::

    @pytest.mark.quorate(plan="plans/kills.toml", seeds=5)
    def test_kills(quorate):
        assert quorate.run.ok_count > 100      # the trial was VALID, or we would not be here

    def test_by_hand(quorate):
        run = quorate.check_plan("plans/kills.toml", seed=7, settings={"nodes": 5})
        quorate.check_history("recorded.jsonl", model="kv")
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.trials import Quorate

MARKER: Final = "quorate"
FIXTURE: Final = "quorate"
SEED: Final = "quorate_seed"

_FIXTURE_KEY: Final = pytest.StashKey["Quorate"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the caller say where runs that fail are kept."""
    parser.getgroup("quorate").addoption(
        "--quorate-runs",
        default="runs",
        metavar="DIR",
        help="where runs that are not VALID are kept (default: runs, in the root directory)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "quorate(plan=None, seeds=1, settings=None): run a Quorate trial under each seed (a number "
        "of them, or which) before the test; the test fails unless it is VALID",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each seed of the marker."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is not None:
        if SEED not in metafunc.fixturenames:
            metafunc.fixturenames.append(SEED)
        seeds = seeds_of(marker)
        metafunc.parametrize(SEED, seeds, ids=[f"seed{seed}" for seed in seeds])


@pytest.fixture
def quorate(request: pytest.FixtureRequest) -> "Quorate":
    """Return what runs trials and judges histories; `run` is the marker's trial."""
    return _quorate_of(request.node)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Run the marker's trial before the test's own body, and fail the test unless it is VALID."""
    marker = pyfuncitem.get_closest_marker(MARKER)
    if marker is not None:
        seed: object = pyfuncitem.callspec.params[SEED]
        assert isinstance(seed, int), "the seeds of a marker are numbers"
        _quorate_of(pyfuncitem).run_marked(marker.kwargs, seed)


def _quorate_of(item: pytest.Item) -> "Quorate":
    found = item.stash.get(_FIXTURE_KEY, None)
    if found is None:
        # Not before it is needed: it takes longer to import than most tests to run.
        from harness.pytest_plugin.trials import Quorate  # noqa: PLC0415

        runs = item.config.rootpath / str(item.config.getoption("--quorate-runs"))
        found = item.stash[_FIXTURE_KEY] = Quorate(folder=Path(item.path).parent, runs=runs)
    return found


def seeds_of(marker: pytest.Mark) -> Sequence[int]:
    """Return the seeds that the marker asks for; raises `pytest.UsageError` if there are none."""
    if marker.args:
        raise pytest.UsageError("the quorate marker takes plan=, seeds= and settings=, by name")
    wrong = [name for name in marker.kwargs if name not in ("plan", "seeds", "settings")]
    if wrong:
        raise pytest.UsageError(f"the quorate marker has no {wrong[0]!r}: plan, seeds, settings")
    asked: object = marker.kwargs.get("seeds", 1)
    if isinstance(asked, int):
        asked = range(1, asked + 1)
    if not isinstance(asked, Sequence) or not all(isinstance(seed, int) for seed in asked):
        raise pytest.UsageError("seeds= is how many, or which: seeds=5, seeds=[3, 17]")
    if not asked:
        raise pytest.UsageError("a quorate marker without a seed would test nothing")
    return [seed for seed in asked if isinstance(seed, int)]
