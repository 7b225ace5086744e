"""The names of nodes and targets that mean something where a fault is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from nemesis.fields import FieldError
from nemesis.targets import TARGET_WORDS, TRIGGER_NODE, is_symbolic


@dataclass(frozen=True, slots=True)
class Names:
    """What a fault may speak of."""

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
