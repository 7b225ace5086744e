"""One trial on real daemons: from a plan to a verdict, by way of a cluster and a history.

The counterpart of `harness.trial`: the same plan, generators, faults and checkers, by the real
clock. Chance decides the same things, but the machine decides the rest, so a run can be driven
again and not repeated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from checkers.history import History, Op
from checkers.verdict import Answer, Evidence, Verdict, invalid, merge, unknown, valid
from checkers.watch_history import WatchRecord
from harness.environments.catalog import environment_of
from harness.environments.environment import Death
from harness.environments.progress import Progress
from harness.environments.real_time.outcome import Failure, RealOutcome
from harness.environments.real_time.trial import Script, run
from harness.environments.simulation.mutants.registry import mutant_named
from harness.environments.simulation.streams import Streams
from harness.errors import HarnessError, UsageError
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from harness.schedules import excuses_in
from harness.store import DATA, RunDirectory
from harness.systems.persisted import read_logs
from harness.systems.registry import system_of
from harness.systems.system import System
from harness.trial import final_reads_of, judge, load_of
from harness.workloads.registry import fleet_maker, workload_named
from nemesis.faults.means import fills_the_store
from nemesis.inject import Record
from nemesis.packages import Package
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND

NODEIMPL: Final = "nodeimpl"
"""The system in which bugs can be planted."""

_PORT_TAKEN: Final = "address already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTrialResult:
    """What came of a trial."""

    plan: Plan
    system: System
    verdict: Verdict
    history: History
    outcome: RealOutcome


def require_known(plan: Plan) -> None:
    """Raise `UsageError` if the plan names a workload, system or planted bug that there is not."""
    workload_named(plan.workload.name)
    system_of(plan)
    if plan.mutant is not None and plan.system != NODEIMPL:
        raise UsageError(f"bugs are planted in our own node, not in {plan.system}")
    mutant_named(plan.mutant)


def run_real_trial(  # noqa: PLR0913 - the trial, and all who wish to hear of it
    plan: Plan,
    schedule: Schedule,
    directory: RunDirectory,
    *,
    record: Callable[[Op], None],
    record_watch: Callable[[WatchRecord], None],
    journal: Record,
    progress: Callable[[Progress], None],
    operations: Sequence[ListedOperation] | None = None,
) -> RealTrialResult:
    """Run the trial that `plan` describes under the faults of `schedule`, and judge it.

    `operations` are those that the plan lists, None if it lists none.

    Logs and data directories of the nodes go into `directory`; the data stays only if the verdict
    is not VALID. `record` is given every op as it happens, `record_watch` whatever a watcher is
    told, `journal` every attempt at a fault.
    Raises `HarnessError` if the cluster cannot be brought up or broken as asked.
    """
    workload = workload_named(plan.workload.name)
    system = system_of(started_for(plan, schedule))
    ops: list[Op] = []
    watched: list[WatchRecord] = []

    def keep(op: Op) -> None:
        ops.append(op)
        record(op)

    def keep_watch(told: WatchRecord) -> None:
        watched.append(told)
        record_watch(told)

    script = Script(
        plan=plan,
        schedule=schedule,
        client=workload.client(plan),
        load=load_of(plan, operations),
        final=lambda keys: final_reads_of(plan, keys),
        began=directory.note_zero,
        stream=Streams(plan.seed).named,
        record=keep,
        fleet=fleet_maker(plan),
        record_watch=keep_watch,
        journal=journal,
        progress=progress,
    )
    environment = environment_of(plan, system, directory, schedule)
    with environment:
        outcome = run(environment, script)
    _require_ports(outcome)
    history = History(ops)
    data = data_directories(directory.path, plan)
    judged = judge_with_logs(plan, history, watched, schedule, data)
    verdict = merge("trial", [*_verdicts_of(outcome), *judged])
    if verdict.answer is Answer.VALID:
        environment.discard_data()
    return RealTrialResult(
        plan=plan, system=system, verdict=verdict, history=history, outcome=outcome
    )


def started_for(plan: Plan, schedule: Schedule) -> Plan:
    """Return the plan as daemons are started that are to meet the faults of `schedule`.

    Where the quota is to be exhausted, it is a small one, unless the plan's own flags say another.
    """
    if not any(fills_the_store(asked.fault) for asked in schedule.asked):
        return plan
    daemon = plan.daemon
    flags = (f"--quota-backend-bytes={daemon.quota_bytes}", *daemon.flags)
    return replace(plan, daemon=replace(daemon, flags=flags))


def data_directories(path: Path, plan: Plan) -> dict[str, Path]:
    """Return those of the nodes that left one in the run at `path`, who joined included."""
    folders = {node: path / "nodes" / node / DATA for node in plan.node_names_ever}
    return {node: folder for node, folder in folders.items() if folder.is_dir()}


def judge_with_logs(
    plan: Plan,
    history: History,
    watched: Sequence[WatchRecord],
    schedule: Schedule | None,
    data_directories: Mapping[str, Path],
) -> list[Verdict]:
    """Judge what clients saw, and the logs that daemons left in the light of it, and it of them."""
    logs = read_logs(plan.system, data_directories)
    if logs is None:
        return [judge(plan, history, watched, schedule)]
    if isinstance(logs, Verdict):
        return [logs, judge(plan, history, watched, schedule)]
    excuses = plan.faults.packages if schedule is None else excuses_in(schedule)
    if Package.RESTORE in excuses:
        logs = logs.begun_anew()
    of_logs = logs.verdict(history, disks_lie=Package.LYING_DISK in excuses)
    return [of_logs, judge(plan, logs.resolve(history), watched, schedule)]


def _require_ports(outcome: RealOutcome) -> None:
    """Raise `HarnessError` if a daemon ended because somebody else on the machine has its port."""
    for death in outcome.deaths:
        if _PORT_TAKEN in death.last_words:
            raise HarnessError(f"{death.node} could not listen: its port was taken meanwhile")


def _verdicts_of(outcome: RealOutcome) -> list[Verdict]:
    """Return one verdict for each thing that was seen of the cluster itself."""
    verdicts = [_daemons(outcome.deaths)]
    failure = outcome.failure
    if failure is not None:
        return [*verdicts, _conviction(failure)]
    recovered = f"{(outcome.recovery_ns or 0) / SECOND:.1f} s"
    verdicts.append(valid("liveness", {"recovered after": recovered}))
    if outcome.hashes_compared:
        verdicts.append(valid("agreement", {"nodes": outcome.hashes_compared}))
    else:
        verdicts.append(
            unknown("agreement", "the nodes' hashes of their stores were not to be had")
        )
    return verdicts


def _daemons(deaths: tuple[Death, ...]) -> Verdict:
    """Judge whether daemons ended only when they were ended: no fault offered here excuses more."""
    if not deaths:
        return valid("daemons")
    first = deaths[0]
    return invalid(
        "daemons",
        f"{first.node} ended by itself with {first.how}",
        Evidence(
            operations=(),
            story="\n".join(
                f"{death.node} ended by itself with {death.how}. The end of its log:\n"
                f"{death.last_words}"
                for death in deaths
            ),
            facts={"deaths": len(deaths)},
        ),
    )


def _conviction(failure: Failure) -> Verdict:
    return invalid(
        failure.judge,
        f"{failure.rule}: {failure.story}",
        Evidence(operations=(), story=failure.story, facts={"rule": failure.rule}),
    )
