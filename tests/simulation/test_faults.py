"""Every fault in whole trials: it bites, it is undone, and it convicts no healthy node."""

import msgspec
import pytest

from checkers.verdict import Answer
from harness.environments.simulation.trace import Noted, Role, Started, Stopped
from harness.plan import Plan
from harness.schedules import schedule_for
from nemesis.applied import Outcome, Phase, outstanding
from nemesis.packages import REAL_ONLY, Package
from nemesis.schedule import explicit
from tests.simulation.trials import Outcome as Trial
from tests.simulation.trials import judged, schedule_of, simulate, small_plan

pytestmark = pytest.mark.simulation

ALL = tuple(package.value for package in Package if package not in REAL_ONLY)
NEW = ALL[ALL.index("clock") :]


AT_NS = 500_000_000
"""When the one fault of `one` begins."""


def plan_with(seed: int, packages: tuple[str, ...], *, nodes: int = 3) -> Plan:
    plan = small_plan(seed, "kv", seconds=3.0, nodes=nodes, fault_every_s=0.5)
    faults = msgspec.structs.replace(plan.faults, packages=packages)
    return msgspec.structs.replace(plan, faults=faults)


def one(event: str, *, nodes: int = 3) -> Trial:
    """Run a trial with a single fault, 500 ms after the load began."""
    plan = small_plan(2, "kv", seconds=2.0, nodes=nodes)
    return simulate(plan, schedule_of(plan, f'{{"id":1,"at_ms":500,{event}}}'))


def times(trial: Trial, kind: type[Started | Stopped | Noted], node: str) -> list[int]:
    """Return when `node` did this, in whole milliseconds of the load."""
    return [t.at // 1_000_000 for t in trial.of(node) if isinstance(t.what, kind) and t.at > 0]


@pytest.mark.parametrize("package", NEW)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_package_alone_is_undone_and_convicts_nobody(package: str, seed: int) -> None:
    plan = plan_with(seed, (package,))
    result = judged(plan)
    assert result.verdict.answer is not Answer.INVALID, result.verdict.reason
    assert any(
        record.phase is Phase.BEGIN and record.outcome is Outcome.DONE
        for record in result.simulation.schedule.applied
    )
    assert outstanding(result.simulation.schedule.applied) == []


@pytest.mark.parametrize("nodes", [1, 3, 5])
def test_all_packages_together_are_undone_and_convict_nobody(nodes: int) -> None:
    result = judged(plan_with(nodes, ALL, nodes=nodes))
    assert result.verdict.answer is not Answer.INVALID, result.verdict.reason
    assert outstanding(result.simulation.schedule.applied) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_was_applied_is_a_schedule_that_repeats_the_trial(seed: int) -> None:
    plan = plan_with(seed, NEW)
    first = simulate(plan, schedule_for(plan, None))
    again = simulate(plan, explicit(plan.seed, first.result.schedule.applied))
    assert without_notes(again) == without_notes(first)


def without_notes(trial: Trial) -> list[object]:
    """Return all transitions but those that name a fault's id."""
    return [t for t in trial.transitions if t.node != "nemesis"]


def test_a_held_answer_arrives_when_the_fault_ends() -> None:
    trial = one(
        '"do":"hold","target":"leader","kinds":["AppendEntriesReply"],"count":1,"hold_ms":300'
    )
    assert trial.result.message_fates.held == 2
    assert trial.result.schedule.applied[-1].reason == "2 messages let go"


def test_a_clock_far_ahead_makes_a_follower_stand_for_election_at_once() -> None:
    trial = one('"do":"clock_bump","target":"followers","offset_ms":60000,"hold_ms":100')
    roles = [t.what.role for t in trial.transitions if t.at == AT_NS and isinstance(t.what, Role)]
    assert len(roles) == 2
    assert {"follower", "leader"}.isdisjoint(roles)


def test_a_daemon_whose_fsync_fails_is_down_until_the_fault_ends() -> None:
    trial = one('"do":"failing_fsync","target":"n1","hold_ms":400')
    [stopped] = times(trial, Stopped, "n1")
    [started] = times(trial, Started, "n1")
    assert 500 <= stopped < 600
    assert 900 <= started < 910


def test_a_daemon_whose_disk_is_full_is_down_until_the_fault_ends() -> None:
    trial = one('"do":"full_disk","target":"n1","hold_ms":400')
    [stopped] = times(trial, Stopped, "n1")
    [started] = times(trial, Started, "n1")
    assert 500 <= stopped < 600
    assert 900 <= started < 910


def test_a_slow_disk_slows_down_what_clients_wait_for() -> None:
    slow = one('"do":"slow_fsync","target":"all","extra_ms":200,"hold_ms":1000')
    calm = one('"do":"slow_fsync","target":"all","extra_ms":0,"hold_ms":1000')
    assert slow.result.commit_count < calm.result.commit_count


def test_a_rotten_node_refuses_to_start_until_its_disk_is_restored() -> None:
    trial = one('"do":"bitrot","target":"n1","bits":1,"hold_ms":400')
    [refused] = times(trial, Stopped, "n1")
    [started] = times(trial, Started, "n1")
    assert 500 <= refused < 510
    assert 900 <= started < 910


def test_a_node_whose_disk_lied_is_out_until_what_was_lost_is_put_back() -> None:
    trial = one('"do":"lying_fsync","target":"n1","power_cut_after_ms":200,"hold_ms":600')
    [started] = times(trial, Started, "n1")
    assert 1_100 <= started < 1_110
    assert "lost bytes put back" in trial.result.schedule.applied[-2].reason


def test_a_storm_restarts_a_daemon_as_often_as_it_says() -> None:
    trial = one(
        '"do":"restart_storm","target":"n1","tail":"torn","count":5,"down_ms":20,"hold_ms":500'
    )
    assert len(times(trial, Started, "n1")) == 5


def test_a_compaction_is_answered_and_the_answer_is_in_the_trace() -> None:
    trial = one('"do":"compact","target":"leader","keep":5')
    answers = [t.what.text() for t in trial.of("nemesis")]
    assert any("answers the compaction to revision" in answer for answer in answers)
    assert any(answer.endswith(": done") for answer in answers)
