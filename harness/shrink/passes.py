"""What can be left out of a case, one concern at a time.

Every pass leaves `attempts.case` failing, and no larger than it was.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from harness.case import Case
from harness.errors import PlanError
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from harness.plan_file import with_overrides
from harness.shrink.attempts import Attempts
from harness.shrink.ddmin import ddmin
from harness.shrink.fewer_nodes import with_fewer_nodes
from harness.shrink.start import ending_at, evidence_calls
from harness.swarm import MENUS
from nemesis.schedule import Asked, At
from nodeimpl.ids import MILLISECOND, SECOND

Pass: TypeAlias = Callable[[Attempts], None]

SIZES: Final = (1, 3, 5)
"""Clusters to try, smallest first."""

_OTHER_SEEDS: Final = 3
"""Seeds that a change is tried with which changes every draw anyway."""

_STEPS_NS: Final = (100 * MILLISECOND, 10 * MILLISECOND, MILLISECOND)
"""Times are tried as multiples of these, the roundest first."""

_THRESHOLDS: Final = {
    "node.snapshot_entries": 1,
    "node.catch_up_entries": 0,
    "node.backend_commit_entries": 1,
}
"""Settings that make a node wait for so many entries, and the least they can be: what needs a
hundred operations often needs three under these."""

_WATCHED: Final = "watch"
_UNWATCHED: Final = "kv"
"""The same clients, but none that watch."""

_MANY_OPERATIONS: Final = 12

_SETTINGS: Final = tuple(
    setting
    for menu in MENUS
    for setting in menu.settings
    if setting not in ("nodes", "workload.name", "workload.time_limit_s", "workload.concurrency")
)
"""What may go back to its default."""


def fewer_faults(attempts: Attempts) -> None:
    """Leave out faults."""
    attempts.phase = "faults"
    case = attempts.case
    ddmin(case.schedule.asked, lambda asked: attempts.fails(_with_faults(case, asked)))


def fewer_operations(attempts: Attempts) -> None:
    """Leave out operations; first all that do not contradict each other, if that can be told."""
    attempts.phase = "operations"
    case = attempts.case
    if not case.operations:
        return
    for guess in _guesses(attempts):
        if attempts.fails(_with_operations(case, guess)):
            break
    case = attempts.case
    ddmin(case.operations or (), lambda left: attempts.fails(_with_operations(case, left)))


def _guesses(attempts: Attempts) -> list[tuple[ListedOperation, ...]]:
    """Return the operations of the evidence, and these with all others on their keys."""
    operations = attempts.case.operations or ()
    calls = evidence_calls(attempts.result)
    invokes = [each.invoke for each in attempts.result.history.operations() if each.call in calls]
    told = [(invoke.time, invoke.f, invoke.key) for invoke in invokes]
    keys = [invoke.key for invoke in invokes if invoke.key is not None]
    exactly = tuple(each for each in operations if (each.at_ns, each.f, each.key) in told)
    about = tuple(each for each in operations if each in exactly or each.key in keys)
    return [guess for guess in (exactly, about) if 0 < len(guess) < len(operations)]


def lower_thresholds(attempts: Attempts) -> None:
    """Let nodes wait for fewer entries, where many operations are there for their number only."""
    attempts.phase = "thresholds"
    case = attempts.case
    if len(case.operations or ()) <= _MANY_OPERATIONS:
        return
    lower = {
        setting: least
        for setting, least in _THRESHOLDS.items()
        if _value(case.plan, setting) != least
    }
    for overrides in (lower, *({setting: least} for setting, least in lower.items())):
        if attempts.fails(replace(case, plan=with_overrides(case.plan, overrides))):
            return


def no_watchers(attempts: Attempts) -> None:
    """Do without clients that watch, where other clients' operations are enough."""
    attempts.phase = "watchers"
    case = attempts.case
    if case.plan.workload.name == _WATCHED:
        workload = replace(case.plan.workload, name=_UNWATCHED)
        attempts.fails(replace(case, plan=replace(case.plan, workload=workload)))


def fewer_nodes(attempts: Attempts) -> None:
    """Try smaller clusters. All is drawn anew there, so a few seeds are tried."""
    attempts.phase = "nodes"
    case = attempts.case
    for count in SIZES:
        if count >= case.plan.nodes:
            return
        smaller = with_fewer_nodes(case, count)
        for offset in range(_OTHER_SEEDS):
            seed = case.plan.seed + offset
            if attempts.fails(replace(smaller, plan=replace(smaller.plan, seed=seed))):
                return


def default_settings(attempts: Attempts) -> None:
    """Give the plan its defaults back, but for the settings that matter."""
    attempts.phase = "settings"
    case = attempts.case
    special = [each for each in _SETTINGS if _value(case.plan, each) != _value(Plan(), each)]

    def with_special(kept: Sequence[str]) -> bool:
        overrides = {each: _value(Plan(), each) for each in special if each not in kept}
        try:
            plan = with_overrides(case.plan, overrides)
        except PlanError:
            return False
        return attempts.fails(replace(case, plan=plan))

    ddmin(special, with_special)


def fewer_clients(attempts: Attempts) -> None:
    """Let one client do everything, or as many as it takes."""
    attempts.phase = "clients"
    case = attempts.case
    if case.operations is None:
        return
    used = sorted(dict.fromkeys(each.thread for each in case.operations))
    numbers = {thread: number for number, thread in enumerate(used)}
    for count in range(1, len(used) + 1):
        operations = tuple(
            replace(each, thread=numbers[each.thread] % count) for each in case.operations
        )
        workload = replace(case.plan.workload, concurrency=count)
        plan = replace(case.plan, workload=workload)
        if attempts.fails(replace(case, plan=plan, operations=operations)):
            return
    if not used:
        workload = replace(case.plan.workload, concurrency=1)
        attempts.fails(replace(case, plan=replace(case.plan, workload=workload)))


def shorter_times(attempts: Attempts) -> None:
    """Let faults last shorter, and the load; round what cannot be shorter."""
    attempts.phase = "times"
    for place in range(len(attempts.case.schedule.asked)):
        _shorten_fault(attempts, place)
    limit_ns = round(attempts.case.plan.workload.time_limit_s * SECOND)
    for end_ns in (limit_ns // 4, limit_ns // 2, limit_ns * 3 // 4):
        if attempts.fails(ending_at(attempts.case, max(MILLISECOND, end_ns))):
            break
    _begin_earlier(attempts)
    _round(attempts)


def _begin_earlier(attempts: Attempts) -> None:
    """Leave out the time in which nothing happens yet."""
    case = attempts.case
    times = [each.at_ns for each in case.operations or ()]
    times += [each.moment.at_ns for each in case.schedule.asked if isinstance(each.moment, At)]
    idle_ns = min(times, default=0)
    for step_ns in (idle_ns, idle_ns // 2):
        if step_ns >= MILLISECOND and attempts.fails(_earlier(case, step_ns)):
            return


def _earlier(case: Case, step_ns: int) -> Case:
    asked = tuple(
        replace(each, moment=At(each.moment.at_ns - step_ns))
        if isinstance(each.moment, At)
        else each
        for each in case.schedule.asked
    )
    operations = tuple(replace(each, at_ns=each.at_ns - step_ns) for each in case.operations or ())
    limit_ns = max(MILLISECOND, round(case.plan.workload.time_limit_s * SECOND) - step_ns)
    workload = replace(case.plan.workload, time_limit_s=limit_ns / SECOND)
    earlier = _with_faults(case, asked)
    return replace(
        earlier,
        plan=replace(case.plan, workload=workload),
        operations=None if case.operations is None else operations,
    )


def _shorten_fault(attempts: Attempts, place: int) -> None:
    case = attempts.case
    asked = case.schedule.asked[place]
    held_ns = asked.fault.held_ns()
    if not held_ns:
        return
    for shorter_ns in (MILLISECOND, held_ns // 10, held_ns // 2):
        if shorter_ns < held_ns:
            shorter = replace(asked, fault=asked.fault.lasting(shorter_ns))
            if attempts.fails(_with_fault(case, place, shorter)):
                return


def _round(attempts: Attempts) -> None:
    """Round every time of the case, as far as it goes with all of them."""
    for step_ns in _STEPS_NS:
        case = attempts.case
        asked = tuple(_rounded(each, step_ns) for each in case.schedule.asked)
        operations = case.operations
        if operations is not None:
            operations = tuple(
                replace(each, at_ns=_to_step(each.at_ns, step_ns)) for each in operations
            )
        limit_ns = round(case.plan.workload.time_limit_s * SECOND)
        rounded_ns = -(-limit_ns // step_ns) * step_ns
        workload = replace(case.plan.workload, time_limit_s=rounded_ns / SECOND)
        plan = replace(case.plan, workload=workload)
        rounded = replace(_with_faults(case, asked), plan=plan, operations=operations)
        if rounded != case and attempts.fails(rounded):
            return


def _rounded(asked: Asked, step_ns: int) -> Asked:
    fault, moment = asked.fault, asked.moment
    held_ns = fault.held_ns()
    if held_ns:
        fault = fault.lasting(max(step_ns, _to_step(held_ns, step_ns)))
    if isinstance(moment, At):
        moment = At(_to_step(moment.at_ns, step_ns))
    return replace(asked, fault=fault, moment=moment)


def _to_step(time_ns: int, step_ns: int) -> int:
    return round(time_ns / step_ns) * step_ns


def _with_faults(case: Case, asked: Sequence[Asked]) -> Case:
    return replace(case, schedule=replace(case.schedule, asked=tuple(asked)))


def _with_fault(case: Case, place: int, asked: Asked) -> Case:
    before, after = case.schedule.asked[:place], case.schedule.asked[place + 1 :]
    return _with_faults(case, (*before, asked, *after))


def _with_operations(case: Case, operations: Sequence[ListedOperation]) -> Case:
    return replace(case, operations=tuple(operations))


def _value(plan: Plan, setting: str) -> object:
    value: object = msgspec.to_builtins(plan)
    for step in setting.split("."):
        assert isinstance(value, dict), f"{setting} is a setting of a plan"
        value = value[step]
    return value
