"""The same case in a smaller cluster: who is left takes over the names that are left.

Nodes are kept by how much they have to do with what happens, so that a fault of n5 becomes one of
n1 rather than none.
"""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from msgspec.structs import replace

from harness.case import Case
from nemesis.encoding import asked_value, read_asked
from nemesis.fields import FieldError
from nemesis.schedule import Asked, Schedule


def with_fewer_nodes(case: Case, count: int) -> Case:
    """Return the case in a cluster of `count` nodes, less than it has.

    Operations of a node that is gone go to another. Links of one that is gone are left out of the
    faults, and so are faults that nothing is left of.
    """
    names = case.plan.node_names
    ranked = sorted(names, key=lambda name: (-_mentions(case, name), names.index(name)))
    kept = [name for name in names if name in ranked[:count]]
    new_names = {old: f"n{number}" for number, old in enumerate(kept, 1)}
    plan = replace(case.plan, nodes=count)
    asked = [_renamed(each, new_names, plan.node_names_ever) for each in case.schedule.asked]
    operations = None
    if case.operations is not None:
        operations = tuple(
            replace(each, node=_new_name(each.node, names, new_names)) for each in case.operations
        )
    schedule = Schedule(
        seed=case.schedule.seed, asked=tuple(each for each in asked if each is not None)
    )
    return Case(plan=plan, schedule=schedule, operations=operations)


def _mentions(case: Case, name: str) -> int:
    """Return how many faults name a node."""
    return sum(_names(asked_value(each), name) for each in case.schedule.asked)


def _names(value: object, name: str) -> bool:
    if isinstance(value, dict):
        return any(_names(inner, name) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_names(inner, name) for inner in value)
    return value == name


def _new_name(node: str | None, names: Sequence[str], new_names: Mapping[str, str]) -> str | None:
    if node is None or node in new_names:
        return None if node is None else new_names[node]
    new = list(new_names.values())
    return new[names.index(node) % len(new)] if node in names else new[0]


def _renamed(asked: Asked, new_names: Mapping[str, str], nodes: Sequence[str]) -> Asked | None:
    """Return a fault with its nodes renamed; None if nothing is left of it."""
    value = asked_value(asked)
    renamed: dict[str, object] = {}
    for name, field in value.items():
        if name == "target" and isinstance(field, str) and field.startswith("n"):
            if field not in new_names:
                return None
            renamed[name] = new_names[field]
        elif name in ("links", "groups") and _is_list_of_lists(field):
            lists = [_left_of(each, new_names, whole=name == "links") for each in field]
            renamed[name] = [each for each in lists if each]
            if not renamed[name]:
                return None
        else:
            renamed[name] = field
    try:
        return read_asked(renamed, nodes)
    except FieldError:
        return None


def _left_of(names: Sequence[str], new_names: Mapping[str, str], *, whole: bool) -> list[str]:
    """Return those of `names` that are left; none, if it takes the `whole` and one is gone."""
    left = [new_names.get(name, "" if name.startswith("n") else name) for name in names]
    return [] if whole and "" in left else [name for name in left if name]


def _is_list_of_lists(value: object) -> TypeGuard[Sequence[Sequence[str]]]:
    return isinstance(value, list | tuple) and all(isinstance(each, list | tuple) for each in value)
