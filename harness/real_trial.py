"""One trial on real daemons: from a plan to a verdict, by way of a cluster and a history.

The counterpart of `harness.trial`: the same plan, generators, faults and checkers, by the real
clock. Chance decides the same things, but the machine decides the rest, so a run can be driven
again and not repeated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checkers.history import History, Op
from checkers.verdict import Answer, Evidence, Verdict, invalid, merge, unknown, valid
from checkers.watch_history import WatchRecord
from harness.environments.environment import Death, Environment
from harness.environments.local.environment import LocalEnvironment
from harness.environments.progress import Progress
from harness.environments.real_time.outcome import Failure, RealOutcome
from harness.environments.real_time.trial import Script, run
from harness.environments.simulation.mutants.registry import mutant_named
from harness.environments.simulation.streams import Streams
from harness.errors import HarnessError, UsageError
from harness.plan import Plan
from harness.store import DATA, RunDirectory
from harness.suggest import did_you_mean
from harness.systems.persisted import read_logs
from harness.systems.registry import system_of
from harness.systems.system import System
from harness.trial import judge
from harness.workloads.registry import fleet_maker, workload_named
from nemesis.inject import Record
from nemesis.packages import Package
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND

REAL_ENVIRONMENTS: Final = ("local",)
"""Where daemons can run."""

DEFAULT_PACKAGES: Final = (Package.KILL, Package.PAUSE)
"""What breaks unless a plan says so: what every environment can do."""

ALL_PACKAGES: Final = (Package.KILL, Package.PAUSE, Package.COMPACT, Package.STOP)
"""What `all` means here: everything that the local environment can do."""

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


def run_real_trial(  # noqa: PLR0913 - the trial, and all who wish to hear of it
    plan: Plan,
    schedule: Schedule,
    directory: RunDirectory,
    *,
    record: Callable[[Op], None],
    record_watch: Callable[[WatchRecord], None],
    journal: Record,
    progress: Callable[[Progress], None],
) -> RealTrialResult:
    """Run the trial that `plan` describes under the faults of `schedule`, and judge it.

    Logs and data directories of the nodes go into `directory`; the data stays only if the verdict
    is not VALID. `record` is given every op as it happens, `record_watch` whatever a watcher is
    told, `journal` every attempt at a fault.
    Raises `HarnessError` if the cluster cannot be brought up or broken as asked.
    """
    if plan.mutant is not None and plan.system != NODEIMPL:
        raise UsageError(f"bugs are planted in our own node, not in {plan.system}")
    mutant_named(plan.mutant)
    workload = workload_named(plan.workload.name)
    system = system_of(plan)
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
        load=workload.generator(plan),
        final=lambda keys: workload.final_generator(plan, keys),
        stream=Streams(plan.seed).named,
        record=keep,
        fleet=fleet_maker(plan),
        record_watch=keep_watch,
        journal=journal,
        progress=progress,
    )
    environment = _environment(plan, system, directory)
    with environment:
        outcome = run(environment, script)
    _require_ports(outcome)
    history = History(ops)
    data = {node: directory.node_path(node) / DATA for node in plan.node_names}
    verdicts = [*_verdicts_of(outcome), *judge_with_logs(plan, history, watched, data)]
    verdict = merge("trial", verdicts)
    if verdict.answer is Answer.VALID:
        environment.discard_data()
    return RealTrialResult(
        plan=plan, system=system, verdict=verdict, history=history, outcome=outcome
    )


def judge_with_logs(
    plan: Plan,
    history: History,
    watched: Sequence[WatchRecord],
    data_directories: Mapping[str, Path],
) -> list[Verdict]:
    """Judge what clients saw, and the logs that daemons left in the light of it, and it of them."""
    logs = read_logs(plan.system, data_directories)
    if logs is None:
        return [judge(plan, history, watched)]
    if isinstance(logs, Verdict):
        return [logs, judge(plan, history, watched)]
    return [logs.verdict(history), judge(plan, logs.resolve(history), watched)]


def _environment(plan: Plan, system: System, directory: RunDirectory) -> Environment:
    if plan.environment not in REAL_ENVIRONMENTS:
        raise UsageError(
            f"there is no environment {plan.environment!r}"
            f"{did_you_mean(plan.environment, REAL_ENVIRONMENTS)}"
        )
    return LocalEnvironment(system, plan.node_names, directory, peer_proxy=plan.daemon.peer_proxy)


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
