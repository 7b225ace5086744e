"""The choice of links as fields of a schedule file, both ways (see `nemesis.link_choice`)."""

from typing import assert_never

from nemesis.fields import FieldError, Fields, shown
from nemesis.link_choice import (
    OTHERS,
    Aim,
    Aimed,
    Divided,
    Exactly,
    Groups,
    LinkChoice,
    Topology,
)
from nemesis.names import Names
from nemesis.targets import TRIGGER_NODE


def links_value(choice: LinkChoice) -> dict[str, object]:
    """Return the fields that choose the links."""
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


def read_links(fields: Fields, names: Names) -> LinkChoice:
    """Return the links chosen; raise `FieldError` unless exactly one way is used."""
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
