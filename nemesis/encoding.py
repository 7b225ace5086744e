"""The flat JSON form of faults, moments and records, both ways.

Durations are milliseconds (`_ms`), fractions allowed; only `at_ns` is nanoseconds. The
fields of a fault are its own part (`nemesis.faults`), those of links are explained in
`nemesis.link_choice`.
"""

from collections.abc import Sequence
from typing import assert_never

from nemesis.applied import Applied, Outcome, Phase
from nemesis.durations import TIME_NS_MAX, milliseconds
from nemesis.fault import Fault
from nemesis.faults.registry import read_fault
from nemesis.fields import FieldError, Fields
from nemesis.names import Names
from nemesis.schedule import (
    Asked,
    At,
    BecomesRole,
    Commits,
    ObservedRole,
    Starts,
    Trigger,
    When,
)
from nemesis.targets import is_symbolic

ID_MAX = 10**9


def fault_value(fault: Fault) -> dict[str, object]:
    """Return the fields of a fault."""
    return {"do": fault.do} | fault.value()


# ---------------------------------------------------------------- what is asked
def asked_value(asked: Asked) -> dict[str, object]:
    """Return the fields of one fault of a schedule."""
    value: dict[str, object] = {"id": asked.id}
    match asked.moment:
        case At(at_ns):
            value |= {"at_ms": milliseconds(at_ns)}
        case When(trigger, delay_ns):
            value |= {"when": _trigger_value(trigger), "delay_ms": milliseconds(delay_ns)}
        case _:
            assert_never(asked.moment)
    return value | fault_value(asked.fault)


def read_asked(found: object, nodes: Sequence[str]) -> Asked:
    """Return one fault of a schedule; raise `FieldError`."""
    fields = Fields(found, "the event")
    id_ = fields.integer("id", least=1, most=ID_MAX)
    if fields.has("at_ms") and fields.has("when"):
        raise FieldError("`at_ms` and `when` both say the moment: keep one of them")
    moment: At | When
    if fields.has("when"):
        trigger = _read_trigger(fields.take("when", "a trigger"), nodes)
        moment = When(trigger, fields.duration_ns("delay_ms") if fields.has("delay_ms") else 0)
    else:
        moment = At(fields.duration_ns("at_ms"))
    fault = read_fault(fields, Names(nodes=nodes, has_trigger=isinstance(moment, When)))
    fields.finish()
    return Asked(id=id_, moment=moment, fault=fault)


def _trigger_value(trigger: Trigger) -> dict[str, object]:
    value: dict[str, object] = {"event": trigger.event}
    if isinstance(trigger, BecomesRole):
        value |= {"role": trigger.role}
    if trigger.node is not None:
        value |= {"node": trigger.node}
    return value | {"nth": trigger.nth}


def _read_trigger(found: object, nodes: Sequence[str]) -> Trigger:
    fields = Fields(found, "`when`")
    event = fields.one_of("event", [kind.event for kind in (BecomesRole, Commits, Starts)])
    nth = fields.integer("nth", least=1, most=ID_MAX) if fields.has("nth") else 1
    node = (
        Names(nodes=nodes, has_trigger=False).node(fields.text("node"))
        if fields.has("node")
        else None
    )
    trigger: Trigger
    match event:
        case BecomesRole.event:
            trigger = BecomesRole(role=fields.word("role", ObservedRole), nth=nth, node=node)
        case Commits.event:
            trigger = Commits(nth=nth, node=node)
        case _:
            trigger = Starts(nth=nth, node=node)
    fields.finish()
    return trigger


# ---------------------------------------------------------------- what was applied
def applied_value(applied: Applied) -> dict[str, object]:
    """Return the fields of one record: of the schedule file, and of the history's `info` op.

    A fault of one node says `node`; a `target` stands there only where nothing was meant.
    """
    value: dict[str, object] = {
        "at_ns": applied.at_ns,
        "id": applied.id,
        "phase": applied.phase,
        "outcome": applied.outcome,
    }
    if applied.reason:
        value |= {"reason": applied.reason}
    for name, field in fault_value(applied.fault).items():
        is_node = name == "target" and isinstance(field, str) and not is_symbolic(field)
        value["node" if is_node else name] = field
    return value


def read_applied(found: object, nodes: Sequence[str]) -> Applied:
    """Return one record; raise `FieldError`."""
    fields = Fields(found, "the record")
    at_ns = fields.integer("at_ns", least=0, most=TIME_NS_MAX)
    id_ = fields.integer("id", least=0, most=ID_MAX)
    phase = fields.word("phase", Phase)
    outcome = fields.word("outcome", Outcome)
    reason = fields.text("reason") if fields.has("reason") else ""
    fields.rename("node", "target")
    fault = read_fault(fields, Names(nodes=nodes, has_trigger=True))
    fields.finish()
    return Applied(at_ns=at_ns, id=id_, phase=phase, outcome=outcome, fault=fault, reason=reason)
