"""What a mutant is: the healthy node with one planted bug, and what the bug breaks.

A bug is planted from outside: by a subclass of the node, or by replacing functions while a trial
runs. Each decision of the node is one small function that is looked up in its module when it is
called, so replacing it replaces the decision, and the node itself holds no flag for any bug.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Final, ParamSpec, TypeVar

from nodeimpl.node import Node

_PLACES: Final = ("nodeimpl.", "harness.environments.simulation.host")
"""Where bugs are planted: in the node, and in the host where it plays the daemon around the node
(it recovers the log). Judges are spared, oracles and checkers alike."""


_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Patch:
    """One function of the node, or one method, and what stands in its place during a trial."""

    replaced: FunctionType
    replacement: FunctionType


def patch(
    replaced: Callable[_Parameters, _Result], replacement: Callable[_Parameters, _Result]
) -> Patch:
    """Return the patch that puts `replacement`, which may call `replaced`, in its place."""
    assert isinstance(replaced, FunctionType), f"{replaced} is no function that can be replaced"
    assert isinstance(replacement, FunctionType), f"{replacement} is no function"
    return Patch(replaced, replacement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A planted bug."""

    name: str
    breaks: str
    """The rule it violates, with its source, and how, in one sentence."""
    node_class: type[Node] = Node
    """The node that has the bug, where a subclass says it best."""
    patches: tuple[Patch, ...] = ()
    """The functions it gets wrong."""
    workloads: tuple[str, ...] = ("kv", "kv", "register")
    """The workloads whose clients ask for what it breaks: the swarm draws one of them."""
    scenario: str | None = None
    """A plan among `scenarios/` under which it is convicted, for a bug that needs more than chance;
    None if the swarm finds it."""


@contextmanager
def planted(mutant: Mutant | None) -> Iterator[type[Node]]:
    """Yield the node class to run, with the patches of `mutant` in place until the context ends.

    None plants nothing and yields the healthy node.
    """
    undo: list[tuple[ModuleType | type, str, object]] = []
    try:
        for each in () if mutant is None else mutant.patches:
            for owner, name in places_of(each.replaced):
                undo.append((owner, name, each.replaced))
                setattr(owner, name, each.replacement)
        yield Node if mutant is None else mutant.node_class
    finally:
        for owner, name, original in reversed(undo):
            setattr(owner, name, original)


def places_of(function: FunctionType) -> list[tuple[ModuleType | type, str]]:
    """Return every place of the node that holds `function`: who has it, and under which name.

    A method is held by its class; a function by its module and by all that import it.
    """
    classes = [
        value
        for value in vars(sys.modules[function.__module__]).values()
        if isinstance(value, type) and value.__module__ == function.__module__
    ]
    modules = [
        sys.modules[name]
        for name in sorted(sys.modules)
        if name.startswith(_PLACES) and name.partition(".mutants")[1] == ""
    ]
    owners: list[ModuleType | type] = [*classes, *modules]
    found = [
        (owner, name)
        for owner in owners
        for name, value in list(vars(owner).items())
        if value is function
    ]
    assert found, f"nothing of the node holds {function}: there is nothing to plant"
    return found
