"""One trial in real time: start the cluster, load it under faults, heal it, read it out.

    setup      every daemon starts and must serve; then the trial's clock starts at 0
    load       clients work while the schedule breaks things, until the plan's time limit
    healing    every fault is undone; the cluster must elect and converge within the plan's bound
    readout    the workload's final reads, which must succeed
    listening  clients that watch hear of everything up to there
    agreement  nodes at rest must hold equal stores

The same phases, generators, interpreter and faults as in simulation; what differs is who waits.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from checkers.history import Op, OpType
from checkers.watch_history import WatchRecord
from harness.client import Client
from harness.environments.environment import Environment, Restorer
from harness.environments.progress import Progress
from harness.environments.real_time.admin import RealAdmin
from harness.environments.real_time.backup import RealBackup
from harness.environments.real_time.clients import RealTimeClients
from harness.environments.real_time.clock import TrialClock
from harness.environments.real_time.convergence import (
    compare_stores,
    lagging,
    require_empty,
    serves,
)
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.excuses import Excuses
from harness.environments.real_time.members import MemberChanges, RealMembers
from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.nemesis import RealTimeNemesis
from harness.environments.real_time.operator import Crew, Operator
from harness.environments.real_time.outcome import (
    CHANGE,
    MemberChange,
    RealOutcome,
    RoleSeen,
    Stuck,
)
from harness.environments.real_time.quota import StoreKeeper
from harness.environments.real_time.roster import Roster
from harness.environments.real_time.rot import RotJudge
from harness.environments.real_time.watchers import RealTimeWatchers
from harness.errors import HarnessError
from harness.generator.generator import Generator
from harness.interpreter import Interpreter, Streams
from harness.plan import Plan
from harness.watch_fleet import FleetMaker
from nemesis.applied import Applied, Outcome, Phase
from nemesis.encoding import applied_value
from nemesis.faults.means import lacking
from nemesis.faults.restart import Restart
from nemesis.inject import Injector, Record
from nemesis.schedule import (
    BecomesRole,
    Observation,
    ObservedRole,
    Schedule,
    Starts,
    Stream,
    Trigger,
    When,
)
from nemesis.surface import Daemons, SurfaceError, Surfaces
from nodeimpl.ids import SECOND, Instant

_SLICE_S: Final = 0.05
"""Between two looks at how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything that is to happen in one trial."""

    plan: Plan
    schedule: Schedule
    client: Client
    load: Generator
    final: Callable[[tuple[str, ...]], Generator]
    """Given every key that the load used, makes the readout's generator."""
    began: Callable[[datetime], None]
    """Is told at which time of day the clock of the trial was 0."""
    stream: Stream
    """The named streams of chance of the plan's seed."""
    record: Callable[[Op], None]
    """Is given every op in the order of the history."""
    fleet: FleetMaker | None
    """Makes the clients that watch; None if nobody does."""
    record_watch: Callable[[WatchRecord], None]
    """Is given whatever a watcher is told."""
    journal: Record
    """Is given every attempt at a fault, before and after it."""
    progress: Callable[[Progress], None]


def run(environment: Environment, script: Script) -> RealOutcome:
    """Run the trial in an environment that has been entered; returns when it is over.

    Raises `HarnessError` if the cluster could not be brought up or a fault is beyond the
    environment, and `nemesis.inject.InjectionError` if one could not be carried out or undone.
    """
    return asyncio.run(_run(environment, script))


async def _run(environment: Environment, script: Script) -> RealOutcome:
    async with AsyncExitStack() as stack:
        endpoints = {
            member.name: await stack.enter_async_context(Endpoint(member.client_address))
            for member in environment.members
        }
        trial = RealTrial(environment, script, endpoints)
        stack.push_async_callback(trial.close)
        return await trial.run()


class RealTrial:
    """One trial under way; `run` it once."""

    def __init__(
        self, environment: Environment, script: Script, endpoints: Mapping[str, Endpoint]
    ) -> None:
        plan = script.plan
        self._environment = environment
        self._script = script
        self._roster = Roster(environment.members, endpoints, self._note_move)
        self._load_ns = round(plan.workload.time_limit_s * SECOND)
        self._bound_ns = round(plan.liveness.bound_s * SECOND)
        self._clock = TrialClock()
        self._op_count = 0
        self._ok_at = 0
        """When an operation last succeeded."""
        self._interpreter = Interpreter(
            concurrency=plan.workload.concurrency,
            nodes=tuple(endpoints),
            rove=plan.workload.rove,
            streams=Streams(generator=script.stream("generator"), rove=script.stream("rove")),
            record=self._take_op,
        )
        self._monitor = Monitor(endpoints, self._observe)
        self._keeper = StoreKeeper(
            asyncio.get_running_loop(), self._roster, self._monitor, self._note_change
        )
        self._clients = RealTimeClients(
            self._clock,
            self._interpreter,
            script.client,
            self._roster.clients,
            lambda: self._keeper.episode,
        )
        self._roles_seen: list[RoleSeen] = []
        self._excuses = Excuses(environment.deaths)
        self._rot_judge = RotJudge(self._monitor, environment.means().wrong_bits)
        self._member_changes: list[MemberChange] = []
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="nemesis")
        self._operator = self._make_operator()
        surfaces = self._surfaces()
        _require_means(script.schedule, surfaces, environment)
        self._injector = Injector(surfaces, script.schedule, script.stream, record=self._journal)
        self._nemesis = RealTimeNemesis(self._clock, self._injector, self._note, self._executor)
        self._watchers = self._make_watchers()
        self._recovery_ns: int | None = None
        self._operating: list[asyncio.Task[None]] = []
        """The operators' work."""
        self._setup_ns = 0
        self._first_applied = 0

    async def close(self) -> None:
        """Give up what is in flight."""
        if self._watchers is not None:
            await self._watchers.close()
        await self._clients.abandon()
        await self._nemesis.close()
        await self._roster.close()

    async def run(self) -> RealOutcome:
        """Run the trial to its end or to the first failure."""
        failure, hashes_compared = None, 0
        await self._set_up()
        try:
            async with self._monitored(), self._operated():
                await self._load()
                await self._heal()
                await self._read_out()
                if self._watchers is not None:
                    await self._listen(self._watchers)
            hashes_compared = await compare_stores(self._roster.voters())
        except Stuck as stuck:
            failure = stuck.failure
        await self._clients.abandon()
        statuses = [status for status in self._monitor.statuses.values() if status is not None]
        last_applied = max((status.applied_index for status in statuses), default=0)
        applied = tuple(self._injector.applied)
        return RealOutcome(
            failure=failure or self._rot_judge.failure,
            deaths=self._excuses.unexcused(),
            schedule=msgspec.structs.replace(self._script.schedule, applied=applied),
            setup_ns=self._setup_ns,
            wall_ns=self._clock.now(),
            election_count=self._monitor.election_count,
            roles_seen=tuple(self._roles_seen),
            commit_count=max(0, last_applied - self._first_applied),
            recovery_ns=self._recovery_ns,
            member_changes=tuple(self._member_changes),
            hashes_compared=hashes_compared,
        )

    def _make_watchers(self) -> RealTimeWatchers | None:
        script = self._script
        if script.fleet is None:
            return None
        fleet = script.fleet(script.stream("watchers"), script.record_watch, Instant(0))
        return RealTimeWatchers(self._clock, fleet, self._roster.addresses)

    def _make_operator(self) -> Operator | None:
        means = self._environment.means()
        if means.machines is None:
            return None
        loop = asyncio.get_running_loop()

        async def in_turn(work: Callable[[], None]) -> None:
            await loop.run_in_executor(self._executor, work)

        crew = Crew(
            roster=self._roster,
            monitor=self._monitor,
            machines=means.machines,
            daemons=means.daemons,
            excuses=self._excuses,
            in_turn=in_turn,
            ready_s=self._script.plan.daemon.ready_s,
            tell=self._note_change,
        )
        return Operator(loop, crew)

    def _surfaces(self) -> Surfaces:
        means = self._environment.means()
        loop, endpoints = asyncio.get_running_loop(), self._roster.endpoints
        changes = None
        if self._operator is not None and means.machines is not None:
            changes = MemberChanges(self._roster, means.machines, self._operator)
        return Surfaces(
            daemons=means.daemons,
            roles=self._monitor,
            links=means.links,
            bandwidth=means.bandwidth,
            clocks=means.clocks,
            disks=means.disks,
            pressure=means.pressure,
            admin=RealAdmin(loop, endpoints),
            members=RealMembers(loop, endpoints, self._monitor, changes),
            quota=None if self._script.plan.daemon.attach else self._keeper,
            backup=self._backup(means.daemons, means.restorer),
            take_note=means.take_note,
        )

    def _backup(self, daemons: Daemons, restorer: Restorer | None) -> RealBackup | None:
        if restorer is None:
            return None
        loop = asyncio.get_running_loop()
        return RealBackup(loop, self._roster, self._monitor, daemons, restorer, self._note_change)

    # ------------------------------------------------------------ phases
    async def _set_up(self) -> None:
        """Start every daemon, and wait until each serves."""
        self._tell("setup")
        started = time.monotonic_ns()
        await asyncio.to_thread(self._environment.start)
        deadline = started + round(self._script.plan.daemon.ready_s * SECOND)
        for node, endpoint in self._roster.endpoints.items():
            while not await serves(endpoint):
                self._require_alive(node)
                if time.monotonic_ns() > deadline:
                    raise HarnessError(
                        f"{node} did not serve {self._script.plan.daemon.ready_s:g} s after its "
                        f"start; its log is in the run's directory"
                    )
                await asyncio.sleep(_SLICE_S)
        await require_empty(next(iter(self._roster.endpoints.values())))
        statuses = await self._monitor.look_at_all()
        self._first_applied = max(
            (status.applied_index for status in statuses.values() if status is not None), default=0
        )
        self._setup_ns = time.monotonic_ns() - started
        self._clock.restart()
        self._script.began(datetime.now(UTC))
        # What was seen by the clock of the setup is how it was at the start.
        self._roles_seen = [msgspec.structs.replace(each, at_ns=0) for each in self._roles_seen]
        for node in self._roster.names:
            self._observe(Observation(event=Starts.event, node=node))

    def _require_alive(self, node: str) -> None:
        """Raise `HarnessError` if the daemon ended before it ever served: nothing was tested."""
        for death in self._environment.deaths():
            if death.node == node:
                lines = death.last_words.splitlines()
                words = lines[-1] if lines else "it printed nothing"
                raise HarnessError(f"{node} ended at its start with {death.how}: {words}")

    @asynccontextmanager
    async def _monitored(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._monitor.run())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    @asynccontextmanager
    async def _operated(self) -> AsyncIterator[None]:
        """Let the operators work; what they cannot do is a failure of the harness."""
        self._operating.append(asyncio.create_task(self._keeper.run()))
        if self._operator is not None:
            self._operating.append(asyncio.create_task(self._operator.run()))
        try:
            yield
        finally:
            for operating in self._operating:
                operating.cancel()
            await asyncio.gather(*self._operating, return_exceptions=True)

    async def _load(self) -> None:
        self._interpreter.follow(self._script.load)
        self._clients.step()
        if self._watchers is not None:
            self._watchers.start()
        breaking = asyncio.create_task(self._nemesis.run())
        try:
            while self._clock.now() < self._load_ns:
                if breaking.done():
                    breaking.result()
                left_s = (self._load_ns - self._clock.now()) / SECOND
                await self._pass_time("load", min(_SLICE_S, max(0.0, left_s)))
        finally:
            self._nemesis.end()
        await breaking

    async def _heal(self) -> None:
        healing_from = self._clock.now()
        await self._nemesis.end_all()
        if self._operator is not None:
            await self._operator.end_changes()
            while self._operator.is_busy:  # He is patient, and needs no bound but his own.
                await self._pass_time("healing", _SLICE_S)
        await self._converge("healing", "after every fault was undone")
        self._recovery_ns = self._clock.now() - healing_from

    async def _converge(self, phase: str, since: str) -> None:
        """Wait until no operation is in flight and the cluster has converged, or it is stuck."""
        deadline = self._clock.now() + self._bound_ns
        while (missing := await self._missing()) is not None:
            if self._clock.now() >= deadline:
                raise Stuck(
                    "liveness",
                    "Liveness (Raft §5.6)",
                    f"the cluster had not converged {self._bound_ns / SECOND:g} s {since}: "
                    f"{missing}",
                )
            await self._pass_time(phase, _SLICE_S)

    async def _missing(self) -> str | None:
        if self._interpreter.open_count:
            return f"{self._interpreter.open_count} operations are still unanswered"
        if self._keeper.missing is not None:
            return self._keeper.missing
        if self._operator is not None:
            disagreement = await self._operator.disagreement()
            if disagreement is not None:
                return disagreement
        return lagging(await self._monitor.look_at_all())

    async def _read_out(self) -> None:
        self._interpreter.follow(self._script.final(tuple(self._interpreter.keys)))
        self._clients.step()
        self._ok_at = self._clock.now()
        while not self._clients.is_exhausted:
            if self._clock.now() >= self._ok_at + self._bound_ns:
                raise Stuck(
                    "liveness",
                    "Liveness (Raft §5.6)",
                    "no final read of a healed cluster succeeded for "
                    f"{self._bound_ns / SECOND:g} s",
                )
            await self._pass_time("readout", _SLICE_S)
        await self._converge("readout", "after the final reads")

    async def _listen(self, watchers: RealTimeWatchers) -> None:
        """Let clients that watch hear of everything; how far they came is for a checker to say."""
        revision = watchers.fleet.revision
        began = self._clock.now()
        watchers.finish(revision)
        while not watchers.have_heard_all and self._clock.now() < began + self._bound_ns:
            await self._pass_time("listening", _SLICE_S)
        waited_ns = self._clock.now() - began
        await watchers.close()  # Nothing may be told after the end has been noted.
        self._script.record_watch(watchers.end(revision, waited_ns))

    async def _pass_time(self, phase: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._clients.raise_error()
        for operating in self._operating:
            if operating.done():
                try:
                    operating.result()
                except SurfaceError as error:
                    raise HarnessError(f"the members could not be changed: {error}") from error
        if self._watchers is not None:
            self._watchers.raise_error()
        self._tell(phase)

    # ------------------------------------------------------------ what happens meanwhile
    def _take_op(self, op: Op) -> None:
        self._op_count += 1
        if op.type is OpType.OK:
            self._ok_at = op.time
        self._script.record(op)
        if self._watchers is not None:
            self._watchers.fleet.note(op)

    def _observe(self, observation: Observation) -> None:
        self._nemesis.observe(observation)
        status = self._monitor.statuses.get(observation.node)
        if observation.role is not None and status is not None:
            self._roles_seen.append(
                RoleSeen(
                    at_ns=self._clock.now(),
                    node=observation.node,
                    role=observation.role,
                    term=status.term,
                )
            )

    def _journal(self, applied: Applied) -> None:
        self._excuses.note(applied)
        self._rot_judge.note(applied)
        self._script.journal(applied)

    def _note(self, applied: Applied) -> None:
        self._interpreter.note_fault(self._clock.now(), applied.fault.do, applied_value(applied))
        fault = applied.fault
        is_done = applied.outcome is Outcome.DONE and not applied.reason
        if isinstance(fault, Restart) and applied.phase is Phase.END and is_done:
            self._observe(Observation(event=Starts.event, node=fault.target))

    def _note_change(self, change: MemberChange) -> None:
        """Write down what came of what a fault asked an operator for."""
        self._member_changes.append(change)
        value = {"phase": CHANGE, **msgspec.to_builtins(change)}
        self._interpreter.note_fault(self._clock.now(), change.do, value)

    def _note_move(self, founder: str, to: str) -> None:
        self._interpreter.note_move(self._clock.now(), founder, to)

    def _tell(self, phase: str) -> None:
        self._script.progress(
            Progress(
                phase,
                self._clock.now(),
                self._load_ns,
                self._op_count,
                len(self._injector.applied),
            )
        )


def _require_means(schedule: Schedule, surfaces: Surfaces, environment: Environment) -> None:
    """Raise `HarnessError` if the schedule asks for what the environment cannot do or see."""
    for asked in schedule.asked:
        need = lacking(asked.fault, surfaces)
        if need is not None:
            raise HarnessError(
                f"fault {asked.id}, {asked.fault.do}, needs {need}, which the {environment.name} "
                f"environment does not have here; {_remedy(environment)}"
            )
        if isinstance(asked.moment, When) and _is_invisible(asked.moment.trigger):
            raise HarnessError(
                f"fault {asked.id} waits for a candidate, which nobody sees from outside a node; "
                f"in the {environment.name} environment wait for a leader instead"
            )


def _remedy(environment: Environment) -> str:
    return environment.means().lack or "choose other --faults (quorate list)"


def _is_invisible(trigger: Trigger) -> bool:
    return isinstance(trigger, BecomesRole) and trigger.role is ObservedRole.CANDIDATE
