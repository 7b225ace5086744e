"""What a seed draws: always a plan, the same one anywhere, and everything on the menus some day."""

import msgspec
import pytest

from harness.environments.simulation.streams import Streams
from harness.plan import LivenessPlan, NodePlan, Plan, WorkloadPlan
from harness.plan_file import dump_plan, parse_plan
from harness.swarm import MENUS, PACKAGE_COUNTS, PACKAGES, draw_packages, draw_plan
from harness.workloads.registry import workload_names
from nemesis.packages import REAL_ONLY, Package

SEEDS = range(400)
PLANS = [draw_plan(seed, Plan()) for seed in SEEDS]
SETTINGS = [setting for menu in MENUS for setting in menu.settings]


def value_of(plan: Plan, setting: str) -> object:
    value: object = msgspec.to_builtins(plan)
    for step in setting.split("."):
        assert isinstance(value, dict)
        value = value[step]
    return value


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_value_on_a_menu_is_drawn_and_no_other(setting: str) -> None:
    [menu] = [menu for menu in MENUS if setting in menu.settings]
    place = menu.settings.index(setting)
    offered = {repr(row[place]) for row in menu.rows}
    assert {repr(value_of(plan, setting)) for plan in PLANS} == offered


def test_settings_of_one_menu_are_drawn_together() -> None:
    for menu in MENUS:
        rows = {tuple(repr(value_of(plan, each)) for each in menu.settings) for plan in PLANS}
        assert rows <= {tuple(map(repr, row)) for row in menu.rows}


def test_no_setting_is_on_two_menus() -> None:
    assert len(SETTINGS) == len(set(SETTINGS))


def test_every_knob_of_the_node_is_on_a_menu() -> None:
    knobs = {f"node.{field.name}" for field in msgspec.structs.fields(NodePlan)}
    assert knobs - set(SETTINGS) == set()


def test_every_workload_is_on_the_menu() -> None:
    assert {plan.workload.name for plan in PLANS} == set(workload_names())


def test_every_kind_of_fault_is_drawn_but_those_that_prove_nothing_here() -> None:
    drawn = {name for plan in PLANS for name in plan.faults.packages}
    assert drawn == {package.value for package in Package} - {
        "lying-disk", "stop", "stutter", *REAL_ONLY,
    }  # fmt: skip


def test_every_count_of_kinds_is_drawn() -> None:
    others = [set(plan.faults.packages) - {"depose"} for plan in PLANS]
    assert {len(packages) for packages in others} == set(PACKAGE_COUNTS)


def test_leaders_are_struck_in_some_trials_and_left_alone_in_others() -> None:
    struck = [plan for plan in PLANS if "depose" in plan.faults.packages]
    assert 0.4 < len(struck) / len(PLANS) < 0.6


def test_kinds_are_drawn_each_once_in_their_fixed_order() -> None:
    names = [package.value for package in PACKAGES]
    drawn = draw_packages(Streams(5).named("packages"))
    assert list(drawn) == [name for name in names if name in drawn]


def test_one_seed_gives_one_plan() -> None:
    assert draw_plan(7, Plan()) == draw_plan(7, Plan())


@pytest.mark.parametrize("plan", PLANS[:50], ids=lambda plan: str(plan.seed))
def test_a_plan_survives_its_file(plan: Plan) -> None:
    assert parse_plan(dump_plan(plan)) == plan


def test_a_trial_is_short() -> None:
    assert max(plan.workload.time_limit_s for plan in PLANS) <= 5.0


def test_what_is_on_no_menu_stays_as_the_base_has_it() -> None:
    base = Plan(mutant="figure-8", liveness=LivenessPlan(bound_s=7.0))
    plan = draw_plan(3, base)
    assert (plan.mutant, plan.liveness) == (base.mutant, base.liveness)


def test_a_menu_more_leaves_the_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before = draw_plan(11, Plan())
    monkeypatch.setattr("harness.swarm.MENUS", MENUS[1:])
    after = draw_plan(11, Plan())
    assert msgspec.structs.replace(after, nodes=before.nodes) == before


def test_what_is_fixed_is_not_drawn_nor_what_is_chosen_with_it() -> None:
    base = Plan(nodes=2)
    free = draw_plan(11, base)
    plan = draw_plan(11, base, fixed=("nodes", "node.heartbeat_ms", "faults.packages"))
    assert (plan.nodes, plan.faults.packages) == (2, base.faults.packages)
    assert plan.node.election_timeout_ms == base.node.election_timeout_ms
    assert (plan.workload, plan.network) == (free.workload, free.network)


def test_a_fixed_workload_counts_more_than_a_mutants() -> None:
    base = Plan(mutant="watch-filters-ignored", workload=WorkloadPlan(name="kv"))
    assert draw_plan(11, base, fixed=("workload.name",)).workload.name == "kv"
    assert draw_plan(11, base).workload.name == "watch"
