"""What a mutant is: the healthy node with one planted bug, and what the bug breaks."""

from dataclasses import dataclass

from nodeimpl.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A planted bug."""

    name: str
    breaks: str
    """The rule it violates, with its source, and how, in one sentence."""
    node_class: type[Node]
    """The node that has the bug: a subclass, so that the healthy node knows nothing of it."""
