"""One trial in virtual time: start the cluster, load it under faults, heal it, read it out.

    setup      every daemon starts, and they have time to elect; ends at virtual time 0
    load       clients work while the schedule breaks things, until the plan's time limit
    healing    every fault is undone; the cluster must elect and converge within the plan's bound
    readout    the workload's final reads, which must succeed
    listening  clients that watch hear of everything up to there
    agreement  nodes that applied as much must hold equal stores

The oracle judges every step on the way and ends the run at the first breach.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from checkers.history import Op, OpType
from checkers.watch_history import WatchRecord, encode_watch_record
from harness.client import Client
from harness.environments.progress import Progress
from harness.environments.simulation.clients import SimulatedClients
from harness.environments.simulation.cluster import Cluster, NodeMaker, to_ns
from harness.environments.simulation.kernel import Kernel, Storm
from harness.environments.simulation.network import NetworkCounts
from harness.environments.simulation.oracle import Breach, Oracle
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import (
    Checkpoint,
    Committed,
    Noted,
    Role,
    Started,
    Trace,
    TraceSink,
    Transition,
    event_name,
)
from harness.environments.simulation.watchers import SimulatedWatchers
from harness.generator.generator import Generator
from harness.interpreter import Interpreter
from harness.interpreter import Streams as InterpreterStreams
from harness.plan import Plan
from harness.watch_fleet import FleetMaker
from nemesis.applied import Applied
from nemesis.encoding import applied_value
from nemesis.inject import Injector
from nemesis.schedule import Observation, Schedule, When
from nodeimpl.ids import MILLISECOND, SECOND, Instant
from nodeimpl.node import Node

_SLICE_NS = 100 * MILLISECOND
"""Virtual time between two looks at the cluster: progress, convergence, checkpoints."""

_SETUP_ELECTIONS = 4
"""The setup's length, in longest election timeouts."""

_INSTANT_EVENTS_MAX = 10_000
_EVENTS_PER_SECOND_MAX = 200_000
"""A healthy node under ten times the default load stays well below both."""

EVENTS_BEFORE_A_BREACH = 25
"""Transitions that an explanation shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something the cluster did wrong that needed no history to be seen."""

    judge: str
    """`raft`, `liveness`, `agreement` or `storm`."""
    rule: str
    story: str
    at_ns: int
    before: tuple[Transition, ...]
    """What happened last before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What came of a simulation; the history went to the recorder."""

    failure: Failure | None
    digest: str
    checkpoints: tuple[Checkpoint, ...]
    schedule: Schedule
    """As asked and as applied."""
    virtual_ns: int
    event_count: int
    commit_count: int
    message_count: int
    message_fates: NetworkCounts
    election_count: int
    """Leaders that came to power."""
    recovery_ns: int | None
    """From the end of the faults until the cluster had converged; None if it did not."""


class Simulation:
    """One trial, prepared by its plan; `run` it once."""

    def __init__(  # noqa: PLR0913 - everything that a trial puts together
        self,
        plan: Plan,
        *,
        schedule: Schedule,
        streams: Streams,
        client: Client,
        node_class: type[Node],
        record: Callable[[Op], None],
        sink: TraceSink | None = None,
        fleet: FleetMaker | None = None,
        record_watch: Callable[[WatchRecord], None] | None = None,
    ) -> None:
        """`record` is given every op in the order of the history.

        `fleet` makes the clients that watch, and `record_watch` is given what they are told.
        """
        self._plan = plan
        self._load_ns = to_ns(plan.workload.time_limit_s * 1_000)
        self._bound_ns = to_ns(plan.liveness.bound_s * 1_000)
        self._setup_ns = _SETUP_ELECTIONS * to_ns(plan.node.election_timeout_ms[1])
        self._record = record
        self._encode = msgspec.json.Encoder().encode
        longest_s = plan.workload.time_limit_s + 5 * plan.liveness.bound_s
        self._kernel = Kernel(
            start=-self._setup_ns,
            events_max=round(_EVENTS_PER_SECOND_MAX * longest_s),
            instant_events_max=_INSTANT_EVENTS_MAX,
        )
        self._trace = Trace(sink)
        maker = NodeMaker(plan, streams, node_class)
        node_ids = maker.voters
        self._oracle = Oracle(node_ids)
        self._cluster = Cluster(plan, self._kernel, streams, self._trace, self._oracle, maker)
        self._interpreter = Interpreter(
            concurrency=plan.workload.concurrency,
            nodes=self._cluster.names,
            rove=plan.workload.rove,
            streams=InterpreterStreams(
                generator=streams.named("generator"), rove=streams.named("rove")
            ),
            record=self._take_op,
        )
        self._clients = SimulatedClients(
            self._kernel,
            self._interpreter,
            client,
            self._cluster.addresses,
            streams.named("client network"),
            delay_ns_min=to_ns(plan.network.delay_ms_min),
            delay_ns_max=to_ns(plan.network.delay_ms_max),
        )
        self._record_watch = record_watch
        self._watchers = None if fleet is None else self._make_watchers(fleet, streams)
        self._cluster.on_moved = self._note_move
        self._injector = Injector(self._cluster.surfaces(), schedule, streams.named)
        if any(isinstance(asked.moment, When) for asked in schedule.asked):
            self._trace.subscribe(self._observe)
        self._schedule = schedule
        self._injection_at: int | None = None
        self._recovery_ns: int | None = None
        self._op_count = 0
        self._ok_at = 0
        """When an operation last succeeded."""

    def _make_watchers(self, fleet: FleetMaker, streams: Streams) -> SimulatedWatchers:
        return SimulatedWatchers(
            self._kernel,
            fleet(streams.named("watchers"), self._take_watch, Instant(0)),
            self._cluster.addresses,
            streams.named("watchers' network"),
            delay_ns_min=to_ns(self._plan.network.delay_ms_min),
            delay_ns_max=to_ns(self._plan.network.delay_ms_max),
        )

    def run(
        self,
        load: Generator,
        final: Callable[[tuple[str, ...]], Generator],
        progress: Callable[[Progress], None],
    ) -> SimulationResult:
        """Run the trial to its end or to the first failure.

        `final` is given every key that the load used, and makes the readout's generator.
        Raises `nemesis.inject.InjectionError` when a fault could not be injected or undone.
        """
        failure: Failure | None = None
        try:
            for phase in self._phases(load, final):
                progress(self._progress(phase))
        except Breach as breach:
            failure = self._failed("raft", breach.rule, breach.story)
        except Storm as storm:
            failure = self._failed("storm", "Storm", str(storm))
        except _Stuck as stuck:
            failure = self._failed(stuck.judge, stuck.rule, stuck.story)
        self._clients.abandon()
        self._checkpoint()
        return SimulationResult(
            failure=failure,
            digest=self._trace.digest(),
            checkpoints=tuple(self._trace.checkpoints),
            schedule=msgspec.structs.replace(self._schedule, applied=tuple(self._injector.applied)),
            virtual_ns=self._kernel.now,
            event_count=self._kernel.events_count,
            commit_count=self._oracle.commit_count,
            message_count=self._cluster.network.counts.sent,
            message_fates=self._cluster.network.counts,
            election_count=self._oracle.election_count,
            recovery_ns=self._recovery_ns,
        )

    # ------------------------------------------------------------ phases
    def _phases(
        self, load: Generator, final: Callable[[tuple[str, ...]], Generator]
    ) -> Iterator[str]:
        for host in self._cluster.hosts.values():
            host.start()
        while self._kernel.now < 0:
            self._run_slice(min(0, self._kernel.now + _SLICE_NS))
            yield "setup"
        yield from self._load(load)
        yield from self._converge("healing", "after every fault was undone")
        self._recovery_ns = self._kernel.now - self._load_ns
        elections_before = self._oracle.election_count
        yield from self._read_out(final(tuple(self._interpreter.keys)))
        if self._watchers is not None:
            yield from self._listen(self._watchers)
        self._agree()
        if self._oracle.election_count == elections_before:
            undisturbed_since = self._load_ns + self._recovery_ns
            extension_ns = to_ns(self._plan.node.election_timeout_ms[1]) + SECOND
            self._cluster.leases.judge_rest(undisturbed_since, extension_ns)

    def _load(self, load: Generator) -> Iterator[str]:
        self._interpreter.follow(load)
        self._clients.step()
        if self._watchers is not None:
            self._watchers.start()
        self._arm_injection()
        while self._kernel.now < self._load_ns:
            self._run_slice(min(self._load_ns, self._kernel.now + _SLICE_NS))
            yield "load"
        for applied in self._injector.end_all(Instant(self._kernel.now)):
            self._note(applied)
        self._cluster.end_changes()

    def _converge(self, phase: str, since: str) -> Iterator[str]:
        """Run until no operation is in flight and the cluster has converged, or it is stuck.

        Past its bound it is not stuck while its backlog falls: it is only slow. As a backlog
        cannot fall for ever, a conviction is late at worst.
        """
        began = self._kernel.now
        due = began + self._bound_ns
        look_at, behind = due - self._bound_ns // 2, None
        while (lagging := self._lagging()) is not None:
            if self._kernel.now >= look_at:
                before, behind = behind, self._cluster.backlog()
                if self._kernel.now >= due and not _has_fallen(before, behind):
                    raise _Stuck(
                        "liveness",
                        "Liveness (Raft §5.6)",
                        f"the cluster had not converged {(self._kernel.now - began) / SECOND:g} s "
                        f"{since}: {lagging}",
                    )
                look_at += self._bound_ns // 2
            self._run_slice(min(look_at, self._kernel.now + _SLICE_NS))
            yield phase

    def _lagging(self) -> str | None:
        if self._interpreter.open_count:
            return f"{self._interpreter.open_count} operations are still unanswered"
        return self._cluster.lagging()

    def _read_out(self, final: Generator) -> Iterator[str]:
        self._interpreter.follow(final)
        self._clients.step()
        self._ok_at = self._kernel.now
        while not self._clients.is_exhausted:
            if self._kernel.now >= self._ok_at + self._bound_ns:
                raise _Stuck(
                    "liveness",
                    "Liveness (Raft §5.6)",
                    f"no final read of a healed cluster succeeded for "
                    f"{self._bound_ns / SECOND:g} s",
                )
            self._run_slice(self._kernel.now + _SLICE_NS)
            yield "readout"
        yield from self._converge("readout", "after the final reads")

    def _listen(self, watchers: SimulatedWatchers) -> Iterator[str]:
        """Let clients that watch hear of everything; how far they came is for a checker to say."""
        revision = watchers.fleet.revision
        began = self._kernel.now
        watchers.finish(revision)
        while not watchers.have_heard_all and self._kernel.now < began + self._bound_ns:
            self._run_slice(self._kernel.now + _SLICE_NS)
            yield "listening"
        self._take_watch(watchers.end(revision, self._kernel.now - began))

    def _agree(self) -> None:
        self._check_invariants()
        differing = self._cluster.differing_stores()
        if differing is not None:
            raise _Stuck("agreement", "State Machine Safety (Raft §5.4.3)", differing)

    def _run_slice(self, until: int) -> None:
        self._kernel.run(until)
        self._checkpoint()

    # ------------------------------------------------------------ what happens meanwhile
    def _take_op(self, op: Op) -> None:
        self._op_count += 1
        if op.type is OpType.OK:
            self._ok_at = self._kernel.now
        self._trace.mix(self._encode(op))
        self._record(op)
        if self._watchers is not None:
            self._watchers.fleet.note(op)

    def _take_watch(self, record: WatchRecord) -> None:
        self._trace.mix(encode_watch_record(record))
        if self._record_watch is not None:
            self._record_watch(record)

    def _observe(self, transition: Transition) -> None:
        what = transition.what
        if isinstance(what, Role | Started | Committed):
            role = what.role if isinstance(what, Role) else None
            self._injector.observe(
                Instant(self._kernel.now),
                Observation(event=event_name(what), node=transition.node, role=role),
            )
            self._arm_injection()

    def _arm_injection(self) -> None:
        """Keep one event pending for the next fault that is due."""
        due = self._injector.due()
        if due is not None and (self._injection_at is None or due < self._injection_at):
            self._injection_at = due
            # What the setup triggers waits for the load: a fault is something the clients meet.
            self._kernel.at(max(due, self._kernel.now, 0), self._inject, due)

    def _inject(self, due: int) -> None:
        if due != self._injection_at:
            return
        self._injection_at = None
        for applied in self._injector.step(Instant(self._kernel.now)):
            self._note(applied)
        self._arm_injection()

    def _note(self, applied: Applied) -> None:
        self._trace.add(self._kernel.now, "nemesis", Noted(applied.describe()))
        if applied.fault.do.startswith("clock_"):
            self._cluster.leases.clocks_are_bent()
        # Looking after every call would cost more than the call. What is wrong mostly stays wrong
        # for a while, and faults come when it matters.
        self._check_invariants()
        self._interpreter.note_fault(
            Instant(self._kernel.now),
            applied.fault.do,
            applied_value(applied),
        )

    def _note_move(self, founder: str, to: str) -> None:
        self._interpreter.note_move(Instant(self._kernel.now), founder, to)

    def _check_invariants(self) -> None:
        broken = self._cluster.broken_invariants()
        if broken is not None:
            raise Breach("Invariants (nodeimpl.raft.invariants)", broken)

    def _checkpoint(self) -> None:
        counts = self._cluster.network.counts
        self._trace.mix(f"{counts.sent} {counts.delivered} {counts.lost} {counts.cut}\n".encode())
        self._trace.checkpoint(self._kernel.events_count, self._kernel.now)

    def _progress(self, phase: str) -> Progress:
        return Progress(
            phase, self._kernel.now, self._load_ns, self._op_count, len(self._injector.applied)
        )

    def _failed(self, judge: str, rule: str, story: str) -> Failure:
        return Failure(
            judge=judge,
            rule=rule,
            story=story,
            at_ns=self._kernel.now,
            before=tuple(self._trace.recent(EVENTS_BEFORE_A_BREACH)),
        )


def _has_fallen(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now < before


class _Stuck(Exception):  # noqa: N818 - the cluster's failure, not an error of ours
    """The cluster does not do what it must, or its nodes disagree at rest."""

    def __init__(self, judge: str, rule: str, story: str) -> None:
        super().__init__(story)
        self.judge = judge
        self.rule = rule
        self.story = story
