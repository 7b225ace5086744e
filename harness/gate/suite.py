"""What a gate runs: a TOML file with one table for the suite and one for each case.

::

    [suite]
    name = "nightly"
    regressions = ["histories"]      # folders with an expected.toml; judged first
    seeds = [1, 2, 3]                # of every case that names none
    fresh_seeds = 2                  # drawn anew each time, printed
    budget_s = 900                   # trials that have not begun by then are not run, and fail

    [[case]]
    name = "kills"
    plan = "plans/kills.toml"        # relative to this file; left out: the default plan
    seeds = [1, 2, 3, 4]
    fresh_seeds = 0
    budget_s = 300                   # of this case alone
    settings = { "workload.rate" = 100.0 }                    # in the plan's place
    matrix = { nodes = [3, 5], "workload.name" = ["kv", "register"] }   # every combination
"""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Final

import msgspec

from harness.errors import UsageError
from harness.plan import Plan
from harness.plan_file import load_plan, with_overrides
from harness.schedules import schedule_for
from nemesis.schedule import Schedule

SEED_MAX: Final = 2**31

Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Budget = Annotated[float, msgspec.Meta(gt=0.0)]


class SuiteTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[suite]` table."""

    name: str
    regressions: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = (1,)
    fresh_seeds: Count = 0
    budget_s: Budget | None = None


class CaseTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[case]]` table."""

    name: str
    plan: str | None = None
    seeds: tuple[Seed, ...] | None = None
    fresh_seeds: Count | None = None
    budget_s: Budget | None = None
    settings: dict[str, object] = {}
    matrix: dict[str, tuple[object, ...]] = {}


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    suite: SuiteTable
    case: tuple[CaseTable, ...] = ()


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One trial to run: a case of the matrix under one seed."""

    case: str
    """With what the matrix varies: `kills[nodes=5]`."""
    seed: int
    is_fresh: bool
    plan: Plan
    schedule: Schedule


def load_suite(path: Path) -> Suite:
    """Return the suite in the file `path`; raises `UsageError` that names it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        suite = msgspec.convert(table, Suite)
    except OSError as error:
        raise UsageError(f"cannot read the suite: {error.strerror}", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"not a suite: {error}", path=path) from error
    names = [case.name for case in suite.case]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UsageError(f"two cases are called {name!r}", path=path)
    if not suite.case and not suite.suite.regressions:
        raise UsageError(
            "it has neither a case nor regressions: nothing would be tested", path=path
        )
    return suite


def trials_of(suite: Suite, path: Path, fresh_from: int) -> list[Trial]:
    """Return every trial of the suite in the file `path`, in order.

    Fresh seeds are drawn from `fresh_from`: the same number, the same seeds. Raises `PlanError` for
    a plan or setting that does not exist.
    """
    return [
        trial
        for case in suite.case
        for trial in _trials_of_case(case, suite.suite, path.parent, fresh_from)
    ]


def _trials_of_case(
    case: CaseTable, defaults: SuiteTable, folder: Path, fresh_from: int
) -> Iterator[Trial]:
    plan_path = None if case.plan is None else folder / case.plan
    base = Plan() if plan_path is None else load_plan(plan_path)
    seeds = defaults.seeds if case.seeds is None else case.seeds
    fresh_count = defaults.fresh_seeds if case.fresh_seeds is None else case.fresh_seeds
    random = Random(f"{fresh_from}/{case.name}")
    fresh = [random.randrange(SEED_MAX) for _ in range(fresh_count)]
    if not seeds and not fresh:
        raise UsageError(f"case {case.name!r} has no seed: nothing would be tested")
    for combination in _combinations(case.matrix):
        plan = with_overrides(base, {**case.settings, **combination})
        for seed, is_fresh in [(each, False) for each in seeds] + [(each, True) for each in fresh]:
            seeded = msgspec.structs.replace(plan, seed=seed)
            yield Trial(
                case=_name(case.name, combination),
                seed=seed,
                is_fresh=is_fresh,
                plan=seeded,
                schedule=schedule_for(seeded, None if plan_path is None else plan_path.parent),
            )


def _combinations(matrix: Mapping[str, Sequence[object]]) -> Iterator[dict[str, object]]:
    for name, values in matrix.items():
        if not values:
            raise UsageError(f"the matrix has no value for {name!r}: nothing would be tested")
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, values, strict=True))


def _name(case: str, combination: Mapping[str, object]) -> str:
    varied = ",".join(f"{name.split('.')[-1]}={value}" for name, value in combination.items())
    return f"{case}[{varied}]" if varied else case
