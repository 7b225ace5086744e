"""The engine that carries out a schedule: time and observations in, calls to surfaces out.

It never sleeps and never asks what time it is, so the simulation drives it in virtual time
and real drivers by a clock:

    while (at := injector.due()) is not None:
        ...  # wait until `at`, handing over what is observed meanwhile; then ask `due` again
        injector.step(now)
    injector.end_all(now)

At one instant, ends come before beginnings, in the order of `nemesis.fault.ending`;
otherwise what was planned first comes first.
What a fault does, and how several compose, is the faults' own part (`nemesis.faults`).
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Attempt, Begun, Done, Fault, Skipped, Strike, ending
from nemesis.faults.restart import Restart, Tail
from nemesis.in_force import InForce
from nemesis.schedule import Asked, At, Observation, Schedule, Stream, When
from nemesis.surface import SurfaceError, Surfaces
from nemesis.targets import Situation, is_symbolic

Record: TypeAlias = Callable[[Applied], None]
"""Called before each attempt (with outcome `intended`) and after it."""

NOBODY: Final = 0
"""The id in records of what no asked fault began."""


class InjectionError(Exception):
    """A surface could not do its part: the harness failed; it says nothing of the store."""

    def __init__(self, failed: Applied) -> None:
        super().__init__(f"fault {failed.id} at {failed.at_ns} ns {failed.describe()}")
        self.failed = failed
        """The first record of outcome `failed`."""


@dataclass(frozen=True, slots=True)
class _Begin:
    """A fault is to begin; `trigger_node` as in `Situation`."""

    asked: Asked
    trigger_node: str | None


@dataclass(frozen=True, slots=True)
class _Later:
    """An explicit fault that an asked one resolved to is to begin."""

    id: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class _End:
    """An explicit fault is to end."""

    begun: Begun


_Task: TypeAlias = _Begin | _Later | _End


@dataclass(slots=True)
class _Waiting:
    """A fault that waits for its trigger, and how often that was observed so far."""

    asked: Asked
    moment: When
    seen_count: int = 0


class Injector:
    """Carries out one schedule against one environment's surfaces."""

    def __init__(
        self,
        surfaces: Surfaces,
        schedule: Schedule,
        stream: Stream,
        *,
        record: Record | None = None,
    ) -> None:
        """Take what `schedule` asks; its `applied` is not looked at.

        What a fault leaves open is drawn from `stream("inject/<id>")`. `record` is a
        journal: from what it was given, a successor can undo this injector's faults
        (`nemesis.applied.outstanding`, `adopt`). None: no journal is kept.
        """
        self._surfaces = surfaces
        assert not any(map(is_symbolic, self._nodes())), "no node is named like a symbolic target"
        self._stream = stream
        self._record = record
        self._in_force = InForce(surfaces)
        self._begun_count = 0
        self._agenda: list[tuple[int, int, int, _Task]] = []
        self._agenda_count = 0
        self._waiting: list[_Waiting] = []
        self.applied: list[Applied] = []
        """Everything done, skipped or failed so far, in order."""
        for asked in schedule.asked:
            match asked.moment:
                case At(at_ns):
                    self._plan(at_ns, _Begin(asked, None))
                case When() as moment:
                    self._waiting.append(_Waiting(asked, moment))
                case _:
                    assert_never(asked.moment)

    def due(self) -> int | None:
        """Return when `step` next has something to do; None if nothing is planned.

        A time already past means at once. `observe` and `step` may change the answer.
        """
        return self._agenda[0][0] if self._agenda else None

    def observe(self, now: int, observation: Observation) -> None:
        """Take note of what a node did at `now`; plans the faults it triggers.

        Carries out nothing itself, so it may be called at any time, even while a surface
        works on behalf of `step`.
        """
        for waiting in tuple(self._waiting):
            if waiting.moment.trigger.matches(observation):
                waiting.seen_count += 1
                if waiting.seen_count == waiting.moment.trigger.nth:
                    self._waiting.remove(waiting)
                    begin = _Begin(waiting.asked, observation.node)
                    self._plan(now + waiting.moment.delay_ns, begin)

    def step(self, now: int) -> list[Applied]:
        """Carry out everything due at `now` or before, and return its records.

        Raises `InjectionError` at the first surface that fails; `applied` tells what was
        done until then, and `end_all` still undoes it.
        """
        first = len(self.applied)
        while self._agenda and self._agenda[0][0] <= now:
            task = heapq.heappop(self._agenda)[-1]
            match task:
                case _Begin():
                    self._begin(now, task)
                case _Later(id_, fault):
                    self._strike(now, id_, fault)
                case _End(begun):
                    self._end(now, begun)
                case _:
                    assert_never(task)
        return self.applied[first:]

    def end_all(self, now: int) -> list[Applied]:
        """Undo everything in force at `now`, begin nothing more, and return the records.

        Goes through `nemesis.fault.ending` whole even if a surface fails, and only then
        raises `InjectionError` for the first failure. Otherwise no link is impaired and
        every daemon runs, those that died by themselves included; nothing is due.
        """
        unended = self._unended()
        self._agenda.clear()
        self._waiting.clear()
        first = len(self.applied)
        failures: list[InjectionError] = []
        for remedy in ending():
            for begun in unended:
                if begun.fault.remedy is remedy:
                    self._end_despite(now, begun, failures)
        for node in self._nodes():
            if not self._is_running(node):
                self._end_despite(now, self._dead_by_itself(node), failures)
        if failures:
            raise failures[0]
        return self.applied[first:]

    def adopt(self, begun: Iterable[Applied]) -> None:
        """Count these beginnings as in force, for `end_all` to undo.

        They are what `outstanding` finds in the journal of an injector that was killed.
        """
        for record in begun:
            self._in_force.adopt(self._numbered(record.id, record.fault))

    def _nodes(self) -> tuple[str, ...]:
        """Return the nodes there are now."""
        return tuple(self._surfaces.daemons.node_names())

    def _plan(self, at_ns: int, task: _Task) -> None:
        self._agenda_count += 1
        heapq.heappush(self._agenda, (at_ns, _rank(task), self._agenda_count, task))

    def _numbered(self, id_: int, fault: Fault) -> Begun:
        self._begun_count += 1
        return Begun(self._begun_count, id_, fault)

    def _unended(self) -> list[Begun]:
        """Return the faults whose end was not recorded, voided ones included, as they began."""
        by_number = {begun.number: begun for begun in self._in_force.faults()}
        for *_, task in self._agenda:
            if isinstance(task, _End):
                by_number[task.begun.number] = task.begun
        return [by_number[number] for number in sorted(by_number)]

    def _begin(self, now: int, begin: _Begin) -> None:
        asked = begin.asked
        whole = self._numbered(asked.id, asked.fault)
        try:
            leader = self._surfaces.roles.leader()
        except SurfaceError as error:
            failed = _applied(now, Phase.BEGIN, whole, Outcome.FAILED, str(error))
            self._finish(failed)
            raise InjectionError(failed) from error
        situation = Situation(nodes=self._nodes(), leader=leader, trigger_node=begin.trigger_node)
        strikes = asked.fault.resolve(situation, self._stream(f"inject/{asked.id}"))
        if not strikes:
            reason = f"it means nothing in a cluster of {len(self._nodes())}"
            self._finish(_applied(now, Phase.BEGIN, whole, Outcome.SKIPPED, reason))
        for strike in strikes:
            match strike:
                case Strike(fault, after_ns=0):
                    self._strike(now, asked.id, fault)
                case Strike(fault, after_ns):
                    self._plan(now + after_ns, _Later(asked.id, fault))

    def _strike(self, now: int, id_: int, fault: Fault) -> None:
        begun = self._numbered(id_, fault)
        attempt = self._attempt(now, Phase.BEGIN, begun, self._in_force.begin)
        held_ns = fault.held_ns()
        if isinstance(attempt, Done) and held_ns is not None:
            self._plan(now + held_ns, _End(begun))

    def _end(self, now: int, begun: Begun) -> None:
        self._attempt(now, Phase.END, begun, self._in_force.end)

    def _end_despite(self, now: int, begun: Begun, failures: list[InjectionError]) -> None:
        try:
            self._end(now, begun)
        except InjectionError as failure:
            failures.append(failure)

    def _attempt(
        self, now: int, phase: Phase, begun: Begun, action: Callable[[Begun], Attempt]
    ) -> Attempt:
        """Journal the intent, act, and record what came of it."""
        if self._record is not None:
            self._record(_applied(now, phase, begun, Outcome.INTENDED))
        try:
            attempt = action(begun)
        except SurfaceError as error:
            failed = _applied(now, phase, begun, Outcome.FAILED, str(error))
            self._finish(failed)
            raise InjectionError(failed) from error
        match attempt:
            case Done(note):
                self._finish(_applied(now, phase, begun, Outcome.DONE, self._noted(note)))
            case Skipped(reason):
                self._finish(_applied(now, phase, begun, Outcome.SKIPPED, reason))
            case _:
                assert_never(attempt)
        return attempt

    def _noted(self, note: str) -> str:
        """Return the note with what the surfaces have to tell of what they did."""
        take_note = self._surfaces.take_note
        told = "" if take_note is None else take_note()
        return ", ".join(part for part in (note, told) if part)

    def _finish(self, applied: Applied) -> None:
        self.applied.append(applied)
        if self._record is not None:
            self._record(applied)

    def _is_running(self, node: str) -> bool:
        """Say whether the daemon is known to run; the attempt to start it tells of trouble."""
        try:
            return self._surfaces.daemons.is_running(node)
        except SurfaceError:
            return False

    def _dead_by_itself(self, node: str) -> Begun:
        """Return a restart whose beginning no fault asked for, ready to be ended."""
        fault = Restart(target=node, tail=Tail.KEPT, down_ns=0)
        begun = self._numbered(NOBODY, fault)
        self._in_force.adopt(begun)
        return begun


def _applied(now: int, phase: Phase, begun: Begun, outcome: Outcome, reason: str = "") -> Applied:
    return Applied(
        at_ns=now, id=begun.id, phase=phase, outcome=outcome, fault=begun.fault, reason=reason
    )


def _rank(task: _Task) -> int:
    """Return the place of a task among those of one instant, from 0."""
    remedies = ending()
    return remedies.index(task.begun.fault.remedy) if isinstance(task, _End) else len(remedies)
