"""Planting: a bug is everywhere while a trial runs, and nowhere afterwards."""

import inspect
import re
from types import FunctionType

import pytest

from harness.environments.simulation import host
from harness.environments.simulation.mutants.mutant import (
    Mutant,
    patch,
    places_of,
    planted,
)
from harness.environments.simulation.mutants.registry import MUTANTS, mutant_named
from harness.environments.simulation.mutants.scenarios import FOLDER, scenario_plan
from harness.errors import UsageError
from harness.schedules import schedule_for
from nodeimpl.mvcc.key_index import KeyIndex
from nodeimpl.node import Node
from nodeimpl.raft import quorum, replication
from nodeimpl.raft.quorum import quorum_index
from nodeimpl.storage.recovery import replay

PATCHES = [
    pytest.param(each, id=f"{mutant.name}-{each.replaced.__name__}")
    for mutant in MUTANTS.values()
    for each in mutant.patches
]
SCENARIOS = sorted({mutant.scenario for mutant in MUTANTS.values() if mutant.scenario is not None})


def bug(*_: object) -> int:
    """Stand in for any function."""
    return -1


def planting(replaced: object) -> Mutant:
    assert isinstance(replaced, FunctionType)
    return Mutant(name="bug", breaks="nothing", patches=(patch(replaced, bug),))


def test_a_function_is_replaced_wherever_it_was_imported() -> None:
    healthy = quorum_index
    with planted(planting(quorum_index)):
        assert [vars(module)["quorum_index"] for module in (quorum, replication)] == [bug, bug]
    assert [vars(module)["quorum_index"] for module in (quorum, replication)] == [healthy] * 2


def test_a_method_is_replaced_in_its_class() -> None:
    healthy = KeyIndex.find
    with planted(planting(KeyIndex.find)):
        assert vars(KeyIndex)["find"] is bug
    assert vars(KeyIndex)["find"] is healthy


def test_the_host_recovers_the_log_with_the_planted_function() -> None:
    with planted(planting(replay)):
        assert vars(host)["replay"] is bug
    assert vars(host)["replay"] is replay


def test_an_error_during_the_trial_takes_the_bug_out_too() -> None:
    healthy = quorum_index
    with pytest.raises(ZeroDivisionError), planted(planting(quorum_index)):
        raise ZeroDivisionError
    assert vars(replication)["quorum_index"] is healthy


def test_a_function_that_the_node_does_not_hold_cannot_be_replaced() -> None:
    with pytest.raises(AssertionError, match="nothing to plant"), planted(planting(bug)):
        pass


def test_without_a_mutant_the_node_is_the_healthy_one() -> None:
    with planted(mutant_named(None)) as node_class:
        assert node_class is Node


def test_a_mutant_may_be_a_node_of_its_own() -> None:
    with planted(mutant_named("read-without-quorum-check")) as node_class:
        assert node_class is not Node
        assert issubclass(node_class, Node)


def test_a_mutant_that_does_not_exist_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="vote-not-persisted"):
        mutant_named("vote-not-persistet")


# ------------------------------------------------------------ all that are there
def test_there_are_mutants_enough() -> None:
    assert len(MUTANTS) >= 50


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_a_mutant_plants_something_and_cites_what_it_breaks(mutant: Mutant) -> None:
    assert mutant.patches or mutant.node_class is not Node
    assert re.match(r"(Raft|thesis|etcd|Alagappan|nodeimpl)\b.*: ", mutant.breaks)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.name)


@pytest.mark.parametrize("planting", PATCHES)
def test_a_replacement_takes_what_the_function_takes(planting: object) -> None:
    replaced = getattr(planting, "replaced", None)
    replacement = getattr(planting, "replacement", None)
    assert isinstance(replaced, FunctionType)
    assert isinstance(replacement, FunctionType)
    kinds = [[each.kind for each in signature(of)] for of in (replaced, replacement)]
    assert kinds[0] == kinds[1]
    assert places_of(replaced)


def signature(function: FunctionType) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_a_plan_with_a_schedule_that_waits_for_triggers(scenario: str) -> None:
    schedule = schedule_for(scenario_plan(scenario, 1, None), FOLDER)
    assert schedule.asked
    assert (FOLDER / f"{scenario}.json").read_text().count('"when"') == len(schedule.asked)
