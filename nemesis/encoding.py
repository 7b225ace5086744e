"""The flat JSON form of faults, moments and records, both ways.

Durations are milliseconds (`_ms`), fractions allowed; only `at_ns` is nanoseconds. The
links of a fault are given by exactly one of

- `target` alone: every link from or to the target;
- `topology`: halves, majority_ring, bridge; or, with a `target`, isolate, one_way_out, one_way_in;
- `groups`: lists of node names, `$node`, `$others`;
- `links`: pairs [sender, receiver].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import (
    FAULT_NAMES,
    OTHERS,
    TRIGGER_NODE,
    Aim,
    Aimed,
    Delay,
    Divided,
    Duplicate,
    Exactly,
    Fault,
    Groups,
    LinkChoice,
    Lose,
    Partition,
    Pause,
    Reorder,
    Restart,
    Tail,
    Topology,
    milliseconds,
)
from nemesis.fields import FieldError, Fields, shown
from nemesis.schedule import (
    TIME_NS_MAX,
    Asked,
    At,
    BecomesRole,
    Commits,
    ObservedRole,
    Starts,
    Trigger,
    When,
)
from nemesis.targets import TARGET_WORDS, is_symbolic

ID_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Names:
    """The names that mean something where a fault is read."""

    nodes: Sequence[str]
    has_trigger: bool
    """Whether `$node` does."""

    def node(self, name: str) -> str:
        """Return the name of a node; raise `FieldError` if there is no such node."""
        if name not in self.nodes:
            raise FieldError(f"no node is called `{name}`; the nodes are {', '.join(self.nodes)}")
        return name

    def target(self, name: str) -> str:
        """Return a target; raise `FieldError` if it is neither a word nor a node."""
        self.trigger(name)
        if not is_symbolic(name) and name not in self.nodes:
            raise FieldError(
                f"no node is called `{name}`; the nodes are {', '.join(self.nodes)}, "
                f"and a target may also be {', '.join(TARGET_WORDS)}"
            )
        return name

    def trigger(self, name: str) -> None:
        """Raise `FieldError` for `$node` where nothing triggers the fault."""
        if name == TRIGGER_NODE and not self.has_trigger:
            raise FieldError("`$node` needs a `when`: a fault at a time has no triggering node")


# ---------------------------------------------------------------- faults
def fault_value(fault: Fault) -> dict[str, object]:
    """Return the fields of a fault."""
    value: dict[str, object] = {"do": fault.do}
    match fault:
        case Restart(target=target, tail=tail, down_ns=down_ns):
            return value | {"target": target, "tail": tail, "down_ms": milliseconds(down_ns)}
        case Pause(target=target):
            value |= {"target": target}
        case Partition(links=links):
            value |= _links_value(links)
        case Lose(links=links, probability=chance) | Duplicate(links=links, probability=chance):
            value |= _links_value(links) | {"probability": chance}
        case Delay(links=links, latency_ns=latency, jitter_ns=jitter):
            value |= _links_value(links)
            value |= {"latency_ms": milliseconds(latency), "jitter_ms": milliseconds(jitter)}
        case Reorder(links=links, probability=chance, window_ns=window):
            value |= _links_value(links)
            value |= {"probability": chance, "window_ms": milliseconds(window)}
        case _:
            assert_never(fault)
    return value | {"hold_ms": milliseconds(fault.hold_ns)}


def read_fault(fields: Fields, names: Names) -> Fault:
    """Return the fault that `fields` describe; raise `FieldError` if they describe none."""
    match fields.one_of("do", FAULT_NAMES):
        case "restart":
            return Restart(
                target=names.target(fields.text("target")),
                tail=fields.word("tail", Tail) if fields.has("tail") else Tail.KEPT,
                down_ns=_duration(fields, "down_ms"),
            )
        case "pause":
            target = names.target(fields.text("target"))
            return Pause(target=target, hold_ns=_duration(fields, "hold_ms"))
        case name:
            links = _read_links(fields, names)
            return _read_link_fault(name, links, fields)


def _read_link_fault(name: str, links: LinkChoice, fields: Fields) -> Fault:
    hold_ns = _duration(fields, "hold_ms")
    match name:
        case "partition":
            return Partition(links=links, hold_ns=hold_ns)
        case "lose":
            probability = fields.probability("probability")
            return Lose(links=links, probability=probability, hold_ns=hold_ns)
        case "delay":
            latency = _duration(fields, "latency_ms")
            jitter = _duration(fields, "jitter_ms") if fields.has("jitter_ms") else 0
            return Delay(links=links, latency_ns=latency, jitter_ns=jitter, hold_ns=hold_ns)
        case "duplicate":
            probability = fields.probability("probability")
            return Duplicate(links=links, probability=probability, hold_ns=hold_ns)
        case _:
            assert name == "reorder", f"FAULT_NAMES has {name}, and nobody reads it"
            probability = fields.probability("probability")
            window = _duration(fields, "window_ms")
            return Reorder(links=links, probability=probability, window_ns=window, hold_ns=hold_ns)


def _duration(fields: Fields, name: str) -> int:
    return fields.milliseconds(name, most_ns=TIME_NS_MAX)


# ---------------------------------------------------------------- links
def _links_value(choice: LinkChoice) -> dict[str, object]:
    match choice:
        case Divided(topology):
            return {"topology": topology}
        case Aimed(Aim.AROUND, target):
            return {"target": target}
        case Aimed(aim, target):
            return {"topology": aim, "target": target}
        case Groups(groups):
            return {"groups": groups}
        case Exactly(links):
            return {"links": links}
        case _:
            assert_never(choice)


def _read_links(fields: Fields, names: Names) -> LinkChoice:
    given = [name for name in ("topology", "groups", "links") if fields.has(name)]
    if len(given) > 1:
        raise FieldError(f"`{given[0]}` and `{given[1]}` both choose the links: keep one of them")
    match given:
        case ["topology"]:
            return _read_topology(fields, names)
        case ["groups"]:
            return _read_groups(fields, names)
        case ["links"]:
            return _read_exactly(fields, names)
        case _:
            if not fields.has("target"):
                raise FieldError(
                    "no links are chosen: give `target`, `topology`, `groups` or `links`"
                )
            return Aimed(Aim.AROUND, names.target(fields.text("target")))


def _read_topology(fields: Fields, names: Names) -> LinkChoice:
    aims = [aim.value for aim in Aim if aim is not Aim.AROUND]
    topology = fields.one_of("topology", [*Topology, *aims])
    if topology in aims:
        return Aimed(Aim(topology), names.target(fields.text("target")))
    return Divided(Topology(topology))


def _read_groups(fields: Fields, names: Names) -> Groups:
    groups = fields.lists("groups", 'lists of node names, as [["n1"],["n2","n3"]]')
    seen: set[str] = set()
    for name in (name for group in groups for name in group):
        names.trigger(name)
        if name not in (TRIGGER_NODE, OTHERS):
            names.node(name)
        if name in seen:
            raise FieldError(f"`groups` names `{name}` twice: a node is in one group")
        seen.add(name)
    return Groups(groups)


def _read_exactly(fields: Fields, names: Names) -> Exactly:
    links: set[tuple[str, str]] = set()
    for link in fields.lists("links", 'pairs of sender and receiver, as [["n1","n2"]]'):
        if len(link) != 2 or link[0] == link[1]:
            raise FieldError(f"a link is a pair of two different nodes, not {shown(link)}")
        links.add((names.node(link[0]), names.node(link[1])))
    return Exactly(tuple(sorted(links)))


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
        moment = When(trigger, _duration(fields, "delay_ms") if fields.has("delay_ms") else 0)
    else:
        moment = At(_duration(fields, "at_ms"))
    fault = read_fault(fields, Names(nodes, has_trigger=isinstance(moment, When)))
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
    node = Names(nodes, has_trigger=False).node(fields.text("node")) if fields.has("node") else None
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
    described = fault_value(applied.fault)
    if isinstance(applied.fault, Restart | Pause) and not is_symbolic(applied.fault.target):
        del described["target"]
        value |= {"do": applied.fault.do, "node": applied.fault.target}
    return value | described


def read_applied(found: object, nodes: Sequence[str]) -> Applied:
    """Return one record; raise `FieldError`."""
    fields = Fields(found, "the record")
    at_ns = fields.integer("at_ns", least=0, most=TIME_NS_MAX)
    id_ = fields.integer("id", least=0, most=ID_MAX)
    phase = fields.word("phase", Phase)
    outcome = fields.word("outcome", Outcome)
    reason = fields.text("reason") if fields.has("reason") else ""
    fields.rename("node", "target")
    fault = read_fault(fields, Names(nodes, has_trigger=True))
    fields.finish()
    return Applied(at_ns=at_ns, id=id_, phase=phase, outcome=outcome, fault=fault, reason=reason)
