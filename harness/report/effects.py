"""What each fault did: how long the store was silent, how much slower, how many elections.

A fault that nobody felt tested nothing, so each is set against the same run when nothing was
broken. Faults overlap; what is said of one may be another's doing, and then that is said.

Everything is measured from the beginning of a fault to its end and `AFTER_NS` beyond it, for a
cluster may notice late: a killed leader is missed when an election timeout has passed. If another
fault begins in that second, it is measured up to there.
"""

import bisect
import enum
import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from checkers.history import CAS_MISMATCH, History, OpType
from harness.environments.real_time.outcome import CHANGE
from harness.report.roles import RoleSpan, elections, restarts
from nemesis.applied import Applied, Outcome, Phase
from nemesis.encoding import fault_value
from nemesis.faults.restart import Restart
from nodeimpl.ids import MILLISECOND, SECOND

AFTER_NS: Final = SECOND
"""How long after its end a fault may still be felt."""

CALM_OPERATIONS_MIN: Final = 20
"""With fewer operations in quiet times, the whole run is what is compared with."""

OPERATIONS_MIN: Final = 5
"""With fewer operations under a fault, nothing is said of latency and errors."""

SILENCE_FACTOR: Final = 2.0
SILENCE_NS_MIN: Final = 20 * MILLISECOND
LATENCY_FACTOR: Final = 1.5
LATENCY_MS_MIN: Final = 0.5
ERROR_SHARE_MIN: Final = 0.1
"""A figure is a difference if it exceeds the calm one by the factor, and by no less than this."""


class Felt(enum.StrEnum):
    """Who noticed a fault."""

    CLIENTS = "clients"
    """They waited, or were refused, longer or more often; or there was an election."""
    NODE = "node"
    """Its daemon was down, or the members became others, and clients did not notice."""
    NOBODY = "nobody"
    TOO_SHORT = "too short to tell"
    """Hardly an operation was asked for meanwhile."""
    NOT_DONE = "not done"
    """It was skipped, or could not be carried out; or the store refused it to the end."""


class Calm(msgspec.Struct, frozen=True, kw_only=True):
    """The run when nothing was broken."""

    silence_ns: int
    """The longest time between two ok answers but for one in a hundred."""
    latency_ms: float
    """The median time to an ok."""
    error_share: float
    """The share of answers that were no ok."""
    is_whole_run: bool
    """Whether there was too little quiet time, so that these are figures of the whole run."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one fault did."""

    id: int
    """Of the asked fault; one may be applied to several nodes or links."""
    do: str
    what: str
    """In words."""
    begin_ns: int
    end_ns: int | None
    """None: it has no end, or none was recorded."""
    over_ns: int
    """When it was over: at its end, at once if it has none, and where one that lasts was still in
    force when the run was cut short, when the last thing happened."""
    outcome: Outcome
    felt: Felt
    silence_ns: int
    """The longest time without an ok answer that touched it, counted from its beginning."""
    recovery_ns: int | None
    """From its end to the first ok answer; None without an end, or an answer."""
    latency_ms: float | None
    """The median of ok operations asked for meanwhile; None if too few."""
    error_share: float | None
    """None if too few operations ended meanwhile."""
    election_count: int | None
    """None if nothing is known of leaders."""
    down_count: int
    """Times that the daemon it struck was seen to go down; of a real one, that it was killed."""
    operation_count: int
    """Asked for meanwhile."""
    together_with: tuple[int, ...]
    """Faults in force at the same time, by id."""


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What all faults of a run did."""

    calm: Calm
    each: tuple[Effect, ...]
    """In the order in which they began."""

    def count(self, felt: Felt) -> int:
        """Return how many were felt so."""
        return sum(effect.felt is felt for effect in self.each)

    def worst(self) -> Effect | None:
        """Return the fault with the longest silence, the earliest of equals; None without any."""
        done = [effect for effect in self.each if effect.felt is not Felt.NOT_DONE]
        return max(done, key=lambda effect: effect.silence_ns, default=None)


def effects_of(history: History, applied: Sequence[Applied], roles: Sequence[RoleSpan]) -> Effects:
    """Return what the `applied` faults did to the run of this history.

    Of leaders and daemons is known what `roles` says; empty, if nothing is.
    """
    last_ns = history.ops[-1].time if history.ops else 0
    strikes = _strikes(applied, _changes(history), last_ns)
    run = _Run(history)
    calm = run.calm([(strike.begin_ns, strike.until_ns) for strike in strikes if strike.is_done])
    reigns = [span.start_ns for span in elections(roles)] if roles else None
    downs = restarts(roles)
    return Effects(
        calm=calm,
        each=tuple(_effect(strike, strikes, run, calm, (reigns, downs)) for strike in strikes),
    )


class _Strike(msgspec.Struct, frozen=True):
    """One fault as applied: its beginning, and its end if there was one."""

    begin: Applied
    end: Applied | None
    over_ns: int
    """When it was over, as far as that was seen."""
    until_ns: int
    """Until when what is felt may be its doing."""
    is_cut: bool
    """Whether that is because another fault begins."""
    change: "_Change | None"
    """What came of it if it asked for other members, as far as that is known."""

    @property
    def begin_ns(self) -> int:
        return self.begin.at_ns

    @property
    def is_done(self) -> bool:
        return self.begin.outcome is Outcome.DONE

    def is_beside(self, other: "_Strike") -> bool:
        """Say whether both were felt at one time."""
        return self.begin_ns < other.until_ns and other.begin_ns < self.until_ns


class _Change(msgspec.Struct, frozen=True):
    """What came of a change of the members."""

    at_ns: int
    is_done: bool


def _changes(history: History) -> Mapping[tuple[str, str], _Change]:
    """Return what came of each change of the members, by fault and what was promised."""
    found: dict[tuple[str, str], _Change] = {}
    for op in history.nemesis_ops():
        if isinstance(op.value, dict) and op.value.get("phase") == CHANGE:
            asked = str(op.value.get("asked"))
            found[op.f, asked] = _Change(op.time, op.value.get("outcome") == Outcome.DONE)
    return found


def _strikes(
    applied: Sequence[Applied], changes: Mapping[tuple[str, str], _Change], last_ns: int
) -> list[_Strike]:
    strikes: list[_Strike] = []
    begun = [record for record in applied if record.phase is Phase.BEGIN]
    begins_ns = sorted(record.at_ns for record in begun if record.outcome is Outcome.DONE)
    for record in begun:
        end = _end_of(record, applied) if record.outcome is Outcome.DONE else None
        change = changes.get((record.fault.do, record.reason.partition(",")[0]))
        over_ns = _over_ns(record, end, last_ns)
        if change is not None and change.is_done:
            over_ns = change.at_ns
        place = bisect.bisect_right(begins_ns, over_ns)
        until_ns = over_ns + AFTER_NS
        is_cut = place < len(begins_ns) and begins_ns[place] < until_ns
        until_ns = begins_ns[place] if is_cut else until_ns
        strikes.append(_Strike(record, end, over_ns, until_ns, is_cut, change))
    return strikes


def _over_ns(begun: Applied, end: Applied | None, last_ns: int) -> int:
    if end is not None:
        return end.at_ns
    lasts = begun.outcome is Outcome.DONE and begun.fault.held_ns() is not None
    return max(begun.at_ns, last_ns) if lasts else begun.at_ns


def _end_of(begun: Applied, applied: Sequence[Applied]) -> Applied | None:
    ends = (
        record
        for record in applied
        if record.phase is Phase.END
        and record.at_ns >= begun.at_ns
        and (record.id, record.fault) == (begun.id, begun.fault)
    )
    return next(ends, None)


class _Run:
    """A history, arranged by time."""

    def __init__(self, history: History) -> None:
        ops = history.client_ops()
        self.first_ns: Final = ops[0].time if ops else 0
        self.last_ns: Final = ops[-1].time if ops else 0
        self.ok_ns: Final = [op.time for op in ops if op.type is OpType.OK]
        ends = [
            (op.time, is_error(op.type, op.error)) for op in ops if op.type is not OpType.INVOKE
        ]
        self._end_ns: Final = [at for at, _ in ends]
        self._is_error: Final = [error for _, error in ends]
        operations = history.operations()
        self._call_ns: Final = [operation.invoke.time for operation in operations]
        self._latency_ns: Final = [
            operation.completion.time - operation.invoke.time
            if operation.completion is not None and operation.completion.type is OpType.OK
            else None
            for operation in operations
        ]

    def calm(self, broken: Sequence[tuple[int, int]]) -> Calm:
        """Return how it was outside the times that are `broken`."""
        quiet = _complement(broken, self.first_ns, self.last_ns)
        latencies = [each for start, end in quiet for each in self.latencies(start, end)]
        is_whole_run = len(latencies) < CALM_OPERATIONS_MIN
        if is_whole_run:
            quiet = [(self.first_ns, self.last_ns)]
            latencies = self.latencies(self.first_ns, self.last_ns)
        silences = sorted(gap for start, end in quiet for gap in self._gaps(start, end))
        errors = [error for start, end in quiet for error in self.errors(start, end)]
        return Calm(
            silence_ns=silences[len(silences) * 99 // 100] if silences else 0,
            latency_ms=statistics.median(latencies) / MILLISECOND if latencies else 0.0,
            error_share=sum(errors) / len(errors) if errors else 0.0,
            is_whole_run=is_whole_run,
        )

    def call_count(self, start_ns: int, end_ns: int) -> int:
        """Return how many operations were asked for in this time."""
        first, last = _within(self._call_ns, start_ns, end_ns)
        return last - first

    def latencies(self, start_ns: int, end_ns: int) -> list[int]:
        """Return how long those took that were asked for in this time and ended with ok."""
        first, last = _within(self._call_ns, start_ns, end_ns)
        return [each for each in self._latency_ns[first:last] if each is not None]

    def errors(self, start_ns: int, end_ns: int) -> list[bool]:
        """Return, for each answer of this time, whether it was an error."""
        first, last = _within(self._end_ns, start_ns, end_ns)
        return self._is_error[first:last]

    def silence_ns(self, start_ns: int, end_ns: int) -> int:
        """Return the longest time without an ok within this time."""
        first, last = _within(self.ok_ns, start_ns, end_ns)
        moments = [start_ns, *self.ok_ns[first:last], end_ns]
        return max(b - a for a, b in itertools.pairwise(moments))

    def first_ok_ns(self, after_ns: int) -> int | None:
        """Return when the first ok from this moment on came."""
        place = bisect.bisect_left(self.ok_ns, after_ns)
        return self.ok_ns[place] if place < len(self.ok_ns) else None

    def _gaps(self, start_ns: int, end_ns: int) -> list[int]:
        first, last = _within(self.ok_ns, start_ns, end_ns)
        moments = self.ok_ns[first:last]
        return [b - a for a, b in itertools.pairwise(moments)]


def is_error(outcome: OpType, error: str | None) -> bool:
    """Say whether an answer is no answer: a comparison that failed is one."""
    return outcome is not OpType.OK and error != CAS_MISMATCH


def _within(moments: Sequence[int], start_ns: int, end_ns: int) -> tuple[int, int]:
    return bisect.bisect_left(moments, start_ns), bisect.bisect_right(moments, end_ns)


def _complement(
    broken: Iterable[tuple[int, int]], first_ns: int, last_ns: int
) -> list[tuple[int, int]]:
    """Return the times from `first_ns` to `last_ns` that no interval of `broken` covers."""
    quiet: list[tuple[int, int]] = []
    at = first_ns
    for start, end in sorted(broken):
        if start > at:
            quiet.append((at, start))
        at = max(at, end)
    if at < last_ns:
        quiet.append((at, last_ns))
    return quiet


def _effect(
    strike: _Strike,
    strikes: Sequence[_Strike],
    run: _Run,
    calm: Calm,
    nodes: tuple[Sequence[int] | None, Sequence[RoleSpan]],
) -> Effect:
    begin_ns, until_ns = strike.begin_ns, strike.until_ns
    reigns, downs = nodes
    latencies = run.latencies(begin_ns, until_ns)
    errors = run.errors(begin_ns, until_ns)
    first_ok_ns = None if strike.end is None else run.first_ok_ns(strike.end.at_ns)
    begun = strike.begin
    effect = Effect(
        id=begun.id,
        do=begun.fault.do,
        what=begun.describe(),
        begin_ns=begin_ns,
        end_ns=None if strike.end is None else strike.end.at_ns,
        over_ns=strike.over_ns,
        outcome=begun.outcome,
        felt=Felt.NOT_DONE,
        silence_ns=run.silence_ns(begin_ns, _silent_until(strike, run)),
        recovery_ns=None
        if strike.end is None or first_ok_ns is None
        else first_ok_ns - strike.end.at_ns,
        latency_ms=statistics.median(latencies) / MILLISECOND
        if len(latencies) >= OPERATIONS_MIN
        else None,
        error_share=sum(errors) / len(errors) if len(errors) >= OPERATIONS_MIN else None,
        election_count=None
        if reigns is None
        else sum(begin_ns <= reign <= until_ns for reign in reigns),
        down_count=_down_count(strike, downs),
        operation_count=run.call_count(begin_ns, until_ns),
        together_with=tuple(
            sorted(
                {other.begin.id for other in strikes if other.is_done and strike.is_beside(other)}
            )
        ),
    )
    together = tuple(each for each in effect.together_with if each != begun.id)
    return msgspec.structs.replace(
        effect, felt=_felt(effect, calm, strike.change), together_with=together
    )


def _silent_until(strike: _Strike, run: _Run) -> int:
    """Return up to when a silence is this fault's: to its own end, if no other comes first."""
    if strike.is_cut:
        return strike.until_ns
    next_ok_ns = run.first_ok_ns(strike.until_ns)
    return max(strike.begin_ns, run.last_ns) if next_ok_ns is None else next_ok_ns


def _down_count(strike: _Strike, downs: Sequence[RoleSpan]) -> int:
    fault = strike.begin.fault
    if not downs:  # nobody saw into the nodes, but whoever kills makes sure of it
        return int(fault.do == Restart.do and strike.is_done)
    target = fault_value(fault).get("target")
    return sum(
        down.node == target and strike.begin_ns <= down.start_ns <= strike.until_ns
        for down in downs
    )


def _felt(effect: Effect, calm: Calm, change: _Change | None) -> Felt:
    if effect.outcome is not Outcome.DONE or (change is not None and not change.is_done):
        return Felt.NOT_DONE
    if _clients_felt(effect, calm):
        return Felt.CLIENTS
    if effect.down_count or change is not None:
        return Felt.NODE
    return Felt.TOO_SHORT if effect.operation_count < OPERATIONS_MIN else Felt.NOBODY


def _clients_felt(effect: Effect, calm: Calm) -> bool:
    is_silent = effect.silence_ns > max(
        SILENCE_FACTOR * calm.silence_ns, calm.silence_ns + SILENCE_NS_MIN
    )
    is_slow = effect.latency_ms is not None and effect.latency_ms > max(
        LATENCY_FACTOR * calm.latency_ms, calm.latency_ms + LATENCY_MS_MIN
    )
    is_refused = (
        effect.error_share is not None and effect.error_share > calm.error_share + ERROR_SHARE_MIN
    )
    return is_silent or is_slow or is_refused or bool(effect.election_count)
