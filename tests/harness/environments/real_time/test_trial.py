"""A whole trial in real time, on a cluster that pretends."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import msgspec
import pytest

from checkers.history import NEMESIS, History, Op, OpType
from checkers.verdict import Answer
from checkers.watch_history import Break, Create, Created, End, WatchRecord
from harness.environments.progress import Progress
from harness.environments.real_time.outcome import RealOutcome
from harness.environments.real_time.trial import Script, run
from harness.errors import HarnessError
from harness.plan import LivenessPlan, Plan, WorkloadPlan
from harness.trial import judge
from harness.workloads.registry import fleet_maker, workload_named
from nemesis.applied import Applied, Outcome
from nemesis.fault import Fault
from nemesis.faults.members import Grow, Replace
from nemesis.faults.pause import Pause
from nemesis.faults.restart import Restart, Tail
from nemesis.inject import InjectionError
from nemesis.schedule import (
    Asked,
    At,
    BecomesRole,
    ObservedRole,
    Schedule,
    Starts,
    When,
)
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import MILLISECOND, SECOND
from tests.harness.environments.real_time.fake_cluster import FakeCluster, FakeMachines

PLAN = Plan(
    environment="local",
    workload=WorkloadPlan(time_limit_s=0.5, rate=200.0, concurrency=3, values=1, timeout_ms=500.0),
    liveness=LivenessPlan(bound_s=1.0),
)


class Trial:
    """One trial and all that it told."""

    def __init__(self, cluster: FakeCluster, *asked: tuple[At | When, Fault]) -> None:
        self.cluster = cluster
        self.ops: list[Op] = []
        self.watched: list[WatchRecord] = []
        self.journal: list[Applied] = []
        self.zeros: list[datetime] = []
        self.phases: list[str] = []
        self.on_first_ok: Callable[[], None] | None = None
        numbered = enumerate(asked, start=1)
        self.schedule = Schedule(
            seed=1,
            asked=tuple(
                Asked(id=id_, moment=moment, fault=fault) for id_, (moment, fault) in numbered
            ),
        )

    def run(self, plan: Plan = PLAN) -> RealOutcome:
        workload = workload_named(plan.workload.name)
        script = Script(
            plan=plan,
            schedule=self.schedule,
            client=workload.client(plan),
            load=workload.generator(plan),
            final=lambda keys: workload.final_generator(plan, keys),
            began=self.zeros.append,
            stream=lambda name: Random(f"1/{name}"),
            record=self._record,
            fleet=fleet_maker(plan),
            record_watch=self.watched.append,
            journal=self.journal.append,
            progress=self._note,
        )
        with self.cluster:
            return run(self.cluster, script)

    def _record(self, op: Op) -> None:
        self.ops.append(op)
        if op.type is OpType.OK and self.on_first_ok is not None:
            act, self.on_first_ok = self.on_first_ok, None
            act()

    def _note(self, progress: Progress) -> None:
        if not self.phases or self.phases[-1] != progress.phase:
            self.phases.append(progress.phase)


def three() -> FakeCluster:
    return FakeCluster("n1", "n2", "n3")


def at(ms: int) -> At:
    return At(ms * MILLISECOND)


def killed(target: str, ms: int = 100, tail: Tail = Tail.KEPT) -> Restart:
    return Restart(target=target, tail=tail, down_ns=ms * MILLISECOND)


def test_a_trial_goes_through_its_phases_to_a_valid_history() -> None:
    trial = Trial(three())
    before = datetime.now(UTC)
    outcome = trial.run()

    [zero] = trial.zeros
    assert before <= zero <= datetime.now(UTC)
    assert trial.phases[:2] == ["setup", "load"]
    assert trial.phases[-1] == "readout"
    assert outcome.failure is None
    assert outcome.hashes_compared == 3
    assert judge(PLAN, History(trial.ops)).answer is Answer.VALID


def test_every_node_is_read_at_the_end() -> None:
    trial = Trial(three())
    trial.run()

    reads = [op.node for op in trial.ops if op.type is OpType.OK and op.f == "read"]
    assert {"n1", "n2", "n3"} <= set(reads[-15:])


def test_faults_are_carried_out_at_their_time_and_undone() -> None:
    trial = Trial(three(), (at(100), killed("n2")), (at(150), Pause(target="n3", hold_ns=1)))
    outcome = trial.run()

    calls = trial.cluster.calls
    assert [call for call, node in calls if node == "n2"] == ["kill", "start"]
    assert [call for call, node in calls if node == "n3"] == ["pause", "resume"]
    assert outcome.schedule.applied[0].at_ns >= 100 * MILLISECOND


def test_faults_are_in_history_journal_and_schedule() -> None:
    trial = Trial(three(), (at(100), killed("n2")))
    outcome = trial.run()

    noted = [op for op in trial.ops if op.process == NEMESIS]
    intents = [record for record in trial.journal if record.outcome is Outcome.INTENDED]
    assert [op.f for op in noted] == ["restart", "restart"]
    assert len(outcome.schedule.applied) == 2
    assert len(intents) == 2


def test_what_lasts_longer_than_the_load_ends_with_it() -> None:
    trial = Trial(three(), (at(100), killed("n2", ms=60_000)))
    outcome = trial.run()

    assert trial.cluster.calls == [("kill", "n2"), ("start", "n2")]
    assert outcome.failure is None


def test_a_daemon_may_be_stopped_in_its_own_time() -> None:
    trial = Trial(three(), (at(100), killed("n2", tail=Tail.STOPPED)))
    trial.run()

    assert trial.cluster.calls == [("stop", "n2"), ("start", "n2")]


def test_the_leader_can_be_aimed_at() -> None:
    trial = Trial(three(), (at(300), killed("leader")))
    trial.run()

    assert trial.cluster.calls[0] == ("kill", "n1")


def test_a_new_leader_triggers_a_fault() -> None:
    trigger = BecomesRole(role=ObservedRole.LEADER, nth=2)
    pause = Pause(target="$node", hold_ns=MILLISECOND)
    trial = Trial(three(), (at(150), killed("n1", ms=5_000)), (When(trigger, 0), pause))
    trial.run()

    assert ("pause", "n2") in trial.cluster.calls


def test_a_start_triggers_a_fault() -> None:
    trigger = Starts(nth=2, node="n3")
    pause = Pause(target="n1", hold_ns=MILLISECOND)
    trial = Trial(three(), (at(50), killed("n3", ms=50)), (When(trigger, 0), pause))
    trial.run()

    assert trial.cluster.calls[:3] == [("kill", "n3"), ("start", "n3"), ("pause", "n1")]


def test_nobody_can_wait_for_a_candidate() -> None:
    trigger = BecomesRole(role=ObservedRole.CANDIDATE, nth=1)
    trial = Trial(three(), (When(trigger, 0), killed("n1")))

    with pytest.raises(HarnessError, match="waits for a candidate, which nobody sees"):
        trial.run()


def test_a_fault_beyond_the_environment_is_refused_before_the_trial() -> None:
    trial = Trial(three(), (at(400), killed("n1", tail=Tail.LOST)))

    with pytest.raises(HarnessError, match="a disk that can lose unsynced writes, which the fake"):
        trial.run()

    assert trial.ops == []


def test_a_store_that_somebody_has_written_to_is_refused_before_the_trial() -> None:
    trial = Trial(three())
    trial.cluster.store.ask(PutRequest(key=b"k", value=b"v"))

    with pytest.raises(HarnessError, match=r"written to before \(it is at revision 2\)"):
        trial.run()
    assert trial.ops == []


def test_a_fault_that_cannot_be_carried_out_is_a_failure_of_the_harness() -> None:
    trial = Trial(three(), (at(100), killed("n2")))
    trial.cluster.broken.add("kill")

    with pytest.raises(InjectionError, match="kill is broken here"):
        trial.run()


def test_stores_that_differ_convict_the_cluster() -> None:
    trial = Trial(three())
    trial.cluster.hashes["n3"] = 8

    failure = trial.run().failure

    assert failure is not None
    assert failure.judge == "agreement"
    assert "n3 00000008" in failure.story


def test_stores_that_came_to_different_revisions_by_the_same_log_convict_the_cluster() -> None:
    trial = Trial(three())
    trial.cluster.ahead["n2"] = 1

    failure = trial.run().failure

    assert failure is not None
    assert failure.judge == "agreement"
    assert "and their stores have come apart" in failure.story


def test_a_cluster_that_does_not_come_back_is_convicted() -> None:
    cluster = three()
    trial = Trial(cluster, (at(100), killed("n2", ms=60_000)))
    cluster.lost.add("n2")

    failure = trial.run().failure

    assert failure is not None
    assert failure.judge == "liveness"
    assert "n2 does not answer" in failure.story


WATCHED = msgspec.structs.replace(
    PLAN, workload=msgspec.structs.replace(PLAN.workload, name="watch", time_limit_s=1.5)
)


def test_clients_that_watch_do_so_until_they_have_heard_all() -> None:
    trial = Trial(three())
    outcome = trial.run(WATCHED)

    assert outcome.failure is None
    assert "listening" in trial.phases
    assert any(isinstance(record, Created) for record in trial.watched)
    assert isinstance(trial.watched[-1], End)
    assert trial.watched[-1].waited_ns < PLAN.liveness.bound_s * SECOND


def test_a_stream_breaks_with_its_node_and_is_taken_up_again() -> None:
    trial = Trial(
        three(), (at(500), killed("n1")), (at(500), killed("n2")), (at(500), killed("n3"))
    )
    trial.run(WATCHED)

    broken = [record for record in trial.watched if isinstance(record, Break)]
    resumed = [each for each in trial.watched if isinstance(each, Create) and each.resumes]
    assert any(record.error != "broken off" for record in broken)
    assert resumed


def test_an_answer_that_no_watcher_can_get_convicts_the_node() -> None:
    trial = Trial(three())
    trial.cluster.progress_id = 77

    failure = trial.run(WATCHED).failure

    assert failure is not None
    assert failure.judge == "watch"
    assert "watcher 77 has ended or never was" in failure.story


def test_a_death_is_told() -> None:
    cluster = three()
    trial = Trial(cluster)
    trial.on_first_ok = lambda: cluster.die("n3")

    outcome = trial.run()

    assert [death.node for death in outcome.deaths] == ["n3"]
    assert ("start", "n3") in cluster.calls


def test_a_change_of_the_members_is_in_the_history_with_what_came_of_it() -> None:
    cluster = three()
    cluster.machines = FakeMachines(cluster)
    trial = Trial(cluster, (at(50), Replace(target="n2")))
    outcome = trial.run()

    noted = [op.value for op in trial.ops if op.process == NEMESIS]
    assert outcome.failure is None
    assert outcome.hashes_compared == 3
    assert [change.reason for change in outcome.member_changes] == ["n4 votes; n2 is no member"]
    assert noted[1:] == [
        {"of": "n2", "to": "n4"},
        {
            "phase": "change",
            "do": "replace",
            "asked": "n4 is to take the place of n2",
            "outcome": "done",
            "reason": "n4 votes; n2 is no member",
        },
    ]
    assert cluster.machines.switched_off == ["n2"]


def test_members_do_not_change_where_there_is_no_machine_to_spare() -> None:
    with pytest.raises(HarnessError, match=r"needs an operator who changes members.*environment"):
        Trial(three(), (at(50), Grow())).run()
