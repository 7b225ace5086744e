"""Whole trials in virtual time: what a healthy cluster does, and how each failure shows."""

from random import Random

import msgspec
import pytest
from typing_extensions import override

from checkers.history import NEMESIS, OpType
from checkers.verdict import Answer
from harness.environments.simulation.simulation import Failure
from harness.environments.simulation.trace import Committed, Crashed, Noted, Role, Started
from harness.plan import FaultPlan, NetworkPlan, NodePlan, Plan
from nemesis.schedule import explicit
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse, RangeResponse
from nodeimpl.boundary import Effect, Input, Receive, Reply, Wake
from nodeimpl.ids import MILLISECOND, SECOND, Instant, LogIndex, RequestId, Term
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.commands import Command
from nodeimpl.node import Node
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import RaftEffect, Send
from nodeimpl.raft.messages import ReadIndexReply
from nodeimpl.raft.state import Recovered
from nodeimpl.raft.transitions import postpone_election
from tests.simulation.trials import (
    WORKLOADS,
    Outcome,
    command_for,
    judged,
    schedule_of,
    simulate,
    small_plan,
)

pytestmark = pytest.mark.simulation


def failure_of(outcome: Outcome) -> Failure:
    assert outcome.result.failure is not None
    return outcome.result.failure


# ------------------------------------------------------------ a healthy cluster
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize(("seed", "nodes"), [(1, 3), (2, 3), (3, 1), (4, 2), (5, 5)])
def test_a_healthy_cluster_of_any_size_is_clean(workload: str, seed: int, nodes: int) -> None:
    plan = small_plan(seed, workload, nodes=nodes)
    verdict = judged(plan).verdict
    assert verdict.answer is Answer.VALID, f"{verdict.reason}\n{command_for(plan)}"


def test_a_trial_goes_through_its_phases() -> None:
    plan = small_plan(1)
    kill = '{"id":1,"at_ms":1900,"do":"restart","target":"n2","tail":"lost","down_ms":400}'
    outcome = simulate(plan, schedule_of(plan, kill))
    assert outcome.phases == ("setup", "load", "healing", "readout")


def test_a_trial_says_what_came_of_it() -> None:
    result = simulate(small_plan(1)).result
    assert result.failure is None
    assert result.recovery_ns is not None
    assert result.commit_count > 100
    assert result.message_count > result.commit_count
    assert result.election_count == 1


def test_a_leader_is_elected_before_the_load_begins() -> None:
    outcome = simulate(small_plan(1))
    leaders = [
        transition
        for transition in outcome.between(-10, 0)
        if isinstance(transition.what, Role) and transition.what.role == "leader"
    ]
    assert len(leaders) == 1


def test_without_faults_no_operation_fails_for_want_of_a_node() -> None:
    ops = simulate(small_plan(1, "kv")).ops
    assert {op.error for op in ops if op.type is OpType.INFO} == set()


def test_the_final_reads_reach_every_node() -> None:
    outcome = simulate(small_plan(1, "kv"))
    last = [op.node for op in outcome.ops if op.type is OpType.OK][-3:]
    assert last == ["n1", "n2", "n3"]


# ------------------------------------------------------------ determinism
@pytest.mark.parametrize("workload", WORKLOADS)
def test_one_seed_is_one_trial_down_to_the_digest(workload: str) -> None:
    first, second = judged(small_plan(7, workload)), judged(small_plan(7, workload))
    assert first.simulation.digest == second.simulation.digest
    assert first.simulation == second.simulation
    assert list(first.history) == list(second.history)


def test_another_seed_is_another_trial() -> None:
    assert simulate(small_plan(7)).result.digest != simulate(small_plan(8)).result.digest


class Liar(Node):
    """Answers every read of a key with 7."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        effects = super().handle(now, given)
        for effect in effects:
            if isinstance(effect, Reply) and isinstance(effect.body, RangeResponse):
                for kv in effect.body.kvs:
                    kv.value = b"7"
        return effects


def test_a_difference_in_the_history_alone_changes_the_digest() -> None:
    truth, lies = simulate(small_plan(7)), simulate(small_plan(7), node_class=Liar)
    assert lies.transitions == truth.transitions
    assert lies.result.digest != truth.result.digest


# ------------------------------------------------------------ schedules
def test_a_schedule_is_followed_to_the_nanosecond() -> None:
    plan = small_plan(1)
    kill = '{"id":1,"at_ms":500,"do":"restart","target":"n2","tail":"lost","down_ms":400}'
    outcome = simulate(plan, schedule_of(plan, kill))
    crashes = [t.at for t in outcome.of("n2") if isinstance(t.what, Crashed)]
    restarts = [t.at for t in outcome.of("n2") if isinstance(t.what, Started)][1:]
    assert crashes == [500 * MILLISECOND]
    assert len(restarts) == 1
    assert 900 * MILLISECOND < restarts[0] <= 901 * MILLISECOND
    assert outcome.result.failure is None


def test_what_was_applied_is_told_with_its_times_and_stands_in_the_history() -> None:
    plan = small_plan(1)
    pause = '{"id":1,"at_ms":300,"do":"pause","target":"n1","hold_ms":250}'
    outcome = simulate(plan, schedule_of(plan, pause))
    applied = outcome.result.schedule.applied
    assert [record.at_ns for record in applied] == [300 * MILLISECOND, 550 * MILLISECOND]
    noted = [(op.time, op.f) for op in outcome.ops if op.process == NEMESIS]
    assert noted == [(300 * MILLISECOND, "pause"), (550 * MILLISECOND, "pause")]
    words = [t.what.words for t in outcome.of("n1") if isinstance(t.what, Noted)]
    assert words == ["is paused", "resumes"]


def test_faults_in_force_at_the_end_of_the_load_are_undone_there() -> None:
    plan = small_plan(1)
    isolate = '{"id":1,"at_ms":1500,"do":"partition","groups":[["n1"]],"hold_ms":60000}'
    kill = '{"id":2,"at_ms":1600,"do":"restart","target":"n2","tail":"kept","down_ms":60000}'
    outcome = simulate(plan, schedule_of(plan, isolate, kill))
    ends = [record for record in outcome.result.schedule.applied if record.phase == "end"]
    assert [record.at_ns for record in ends] == [2_000 * MILLISECOND] * 2
    assert outcome.result.failure is None


def test_a_fault_can_wait_for_what_a_node_does() -> None:
    plan = small_plan(1)
    isolate = (
        '{"id":1,"at_ms":300,"do":"partition","topology":"isolate","target":"leader",'
        '"hold_ms":1500}'
    )
    kill = (
        '{"id":2,"when":{"event":"role","role":"leader","nth":2},"delay_ms":0.4,'
        '"do":"restart","target":"$node","tail":"torn","down_ms":100}'
    )
    outcome = simulate(plan, schedule_of(plan, isolate, kill))
    leaders = [
        t for t in outcome.transitions if isinstance(t.what, Role) and t.what.role == "leader"
    ]
    [killed] = [t for t in outcome.transitions if isinstance(t.what, Crashed)]
    assert (killed.node, killed.at) == (leaders[1].node, leaders[1].at + 400_000)


def test_a_fault_that_the_setup_triggers_waits_for_the_load() -> None:
    plan = small_plan(1)
    kill = (
        '{"id":1,"when":{"event":"role","role":"leader","nth":1},"delay_ms":0.4,'
        '"do":"restart","target":"$node","tail":"kept","down_ms":100}'
    )
    outcome = simulate(plan, schedule_of(plan, kill))
    assert outcome.result.schedule.applied[0].at_ns == 0
    assert outcome.result.failure is None


def test_what_was_applied_is_a_schedule_that_repeats_the_trial() -> None:
    plan = small_plan(3)
    leader = '{"id":5,"at_ms":400,"do":"restart","target":"leader","tail":"torn","down_ms":300}'
    halves = '{"id":9,"at_ms":900,"do":"partition","topology":"halves","hold_ms":500}'
    first = simulate(plan, schedule_of(plan, leader, halves))
    again = simulate(plan, explicit(plan.seed, first.result.schedule.applied))
    asked = [asked.fault for asked in explicit(plan.seed, first.result.schedule.applied).asked]
    assert [fault.do for fault in asked] == ["restart", "partition"]
    assert again.transitions == first.transitions


# ------------------------------------------------------------ partitions
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_majority_ring_leaves_the_cluster_able_to_commit(seed: int) -> None:
    """Every node sees a majority, no two the same (Jepsen, nemesis: majorities-ring)."""
    plan = small_plan(seed, seconds=4.0, nodes=5)
    ring = '{"id":1,"at_ms":500,"do":"partition","topology":"majority_ring","hold_ms":3000}'
    outcome = simulate(plan, schedule_of(plan, ring))
    during = [t for t in outcome.between(1.5, 3.4) if isinstance(t.what, Committed)]
    assert outcome.result.failure is None
    assert during != [], command_for(plan)


def test_an_isolated_leader_commits_nothing_and_the_others_go_on() -> None:
    plan = small_plan(1, seconds=3.0)
    isolate = (
        '{"id":1,"at_ms":500,"do":"partition","topology":"isolate","target":"leader",'
        '"hold_ms":2000}'
    )
    outcome = simulate(plan, schedule_of(plan, isolate))
    [leader] = {
        t.node
        for t in outcome.between(-10, 0.5)
        if isinstance(t.what, Role) and t.what.role == "leader"
    }
    committed_by = {t.node for t in outcome.between(0.6, 2.4) if isinstance(t.what, Committed)}
    assert committed_by == {"n1", "n2", "n3"} - {leader}


def test_without_a_majority_nothing_is_committed() -> None:
    plan = small_plan(1, seconds=3.0)
    alone = '{"id":1,"at_ms":500,"do":"partition","groups":[["n1"],["n2"],["n3"]],"hold_ms":2000}'
    outcome = simulate(plan, schedule_of(plan, alone))
    during = [t for t in outcome.between(0.6, 2.4) if isinstance(t.what, Committed)]
    assert during == []
    assert outcome.result.failure is None


# ------------------------------------------------------------ storms
class Echo(Node):
    """Sends two messages for each that it receives."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        effects = super().handle(now, given)
        if isinstance(given, Receive):
            nonsense = ReadIndexReply(Term(0), RequestId(0), LogIndex(0))
            effects += [Send(given.sender, nonsense), Send(given.sender, nonsense)]
        return effects


class Sleepless(Node):
    """Does nothing at its deadline, and leaves it where it is."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        return [] if isinstance(given, Wake) else super().handle(now, given)


def test_messages_that_breed_are_a_storm() -> None:
    failure = failure_of(simulate(small_plan(1), node_class=Echo))
    assert (failure.judge, failure.rule) == ("storm", "Storm")
    assert "events pending" in failure.story


def test_a_deadline_that_never_passes_is_a_storm() -> None:
    failure = failure_of(simulate(small_plan(1), node_class=Sleepless))
    assert failure.judge == "storm"


# ------------------------------------------------------------ liveness
class NeverStands(Raft):
    """Lets every election timeout pass."""

    @override
    def wake(self, now: Instant) -> list[RaftEffect]:
        postpone_election(self.state, now)
        return []


class Reluctant(Node):
    """Never becomes a candidate."""

    @override
    def make_raft(self, recovered: Recovered, random: Random, now: Instant) -> Raft:
        config = self.config
        return NeverStands(config.raft, config.node_id, config.voters, recovered, random, now)


class Deaf(Reluctant):
    """Node 3 hears no peer; node 1 alone stands for election."""

    @override
    def make_raft(self, recovered: Recovered, random: Random, now: Instant) -> Raft:
        if self.config.node_id == 1:
            return Node.make_raft(self, recovered, random, now)
        return super().make_raft(recovered, random, now)

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        if self.config.node_id == 3 and isinstance(given, Receive):
            return []
        return super().handle(now, given)


class Weary(Node):
    """Node 3 hears no peer any more from half a second after the load on."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        if self.config.node_id == 3 and isinstance(given, Receive) and now > 3_500 * MILLISECOND:
            return []
        return super().handle(now, given)


def test_a_cluster_that_never_elects_is_not_live() -> None:
    failure = failure_of(simulate(small_plan(1, bound_s=2.0), node_class=Reluctant))
    assert (failure.judge, failure.rule) == ("liveness", "Liveness (Raft §5.6)")
    assert failure.story == (
        "the cluster had not converged 2 s after every fault was undone: no leader"
    )
    assert failure.at_ns == 4_000 * MILLISECOND


def test_a_cluster_with_a_node_that_never_follows_is_not_live() -> None:
    failure = failure_of(simulate(small_plan(1, bound_s=2.0), node_class=Deaf))
    assert failure.judge == "liveness"
    assert failure.story.endswith("n3 is in term 0, not n1's")


def slow_plan() -> Plan:
    """Return a trial that leaves a backlog: one entry goes from the leader in a round trip."""
    plan = small_plan(1, bound_s=1.0)
    return msgspec.structs.replace(
        plan,
        workload=msgspec.structs.replace(plan.workload, concurrency=100, timeout_ms=500.0),
        network=NetworkPlan(delay_ms_min=20.0, delay_ms_max=30.0),
        node=NodePlan(append_entries_max=1, appends_in_flight_max=1),
        faults=FaultPlan(packages=()),
    )


def test_a_cluster_that_is_only_slow_is_given_time_while_its_backlog_falls() -> None:
    outcome = simulate(slow_plan())

    assert outcome.result.failure is None
    assert outcome.result.recovery_ns is not None
    assert outcome.result.recovery_ns > SECOND


def test_a_backlog_that_falls_no_more_is_not_live() -> None:
    failure = failure_of(simulate(slow_plan(), node_class=Weary))

    assert failure.judge == "liveness"
    assert failure.at_ns > 3_000 * MILLISECOND
    assert "had not converged" in failure.story


# ------------------------------------------------------------ agreement and assertions
class Forgetful(Node):
    """Node 2 drops the first put."""

    has_dropped = False

    @override
    def apply_command(
        self, request: Command, term: Term, identity: Identity | None = None
    ) -> ApiResponse | ApiError:
        if self.config.node_id == 2 and isinstance(request, PutRequest) and not self.has_dropped:
            self.has_dropped = True
            return PutResponse()
        return super().apply_command(request, term, identity)


class Doubtful(Node):
    """Asserts, when it first leads, what is not so."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        effects = super().handle(now, given)
        assert self.raft.leader != self.config.node_id, "I do not lead"
        return effects


def test_stores_that_differ_at_rest_do_not_agree() -> None:
    failure = failure_of(simulate(small_plan(1), node_class=Forgetful))
    assert (failure.judge, failure.rule) == ("agreement", "State Machine Safety (Raft §5.4.3)")
    assert failure.story.startswith("n1 and n2 have both applied")


def test_a_node_s_own_assertion_convicts_it_with_what_came_before() -> None:
    outcome = simulate(small_plan(1), node_class=Doubtful)
    failure = failure_of(outcome)
    assert (failure.judge, failure.rule) == ("raft", "Assertion")
    assert "stopped itself: I do not lead" in failure.story
    assert failure.before == outcome.transitions[-len(failure.before) :]


def test_a_trial_that_fails_leaves_no_operation_open() -> None:
    ops = simulate(small_plan(1, bound_s=2.0), node_class=Deaf).ops
    invoked = [op.process for op in ops if op.type is OpType.INVOKE]
    completed = [op.process for op in ops if op.type is not OpType.INVOKE]
    assert sorted(map(str, invoked)) == sorted(map(str, completed))
