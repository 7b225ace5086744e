"""Which states a cluster went through, seen from so far away that few are left to tell apart.

An abstract state is a short text, `L00 F00 X12 cut 3+0`: for each node its role, how many terms it
is behind the newest and how far its commit index is behind the furthest (0: level, 1: below ten
entries, 2: more); what the links between nodes suffer; voters and learners, once they are
others than the founders. Which node is which is
left out, and so are terms and indices themselves: two trials meet in a state if they differ in
nothing but names and numbers.

New states are what a further seed is good for. Once hundreds of seeds bring none, other seeds will
hardly either, and other plans may (`docs/simulation`: triggers and knobs come first).
"""

from collections.abc import Mapping
from typing import Final

from checkers.history import NEMESIS, Op
from harness.environments.simulation.trace import (
    Committed,
    Crashed,
    Members,
    Role,
    SnapshotInstalled,
    Started,
    Transition,
)
from nemesis.applied import Outcome, Phase

_LETTERS: Final[Mapping[str, str]] = {
    "leader": "L",
    "candidate": "C",
    "pre-candidate": "P",
    "follower": "F",
}
_DOWN: Final = "X"
_PAUSED: Final = "Z"

_LAG_LARGE: Final = 10
"""Entries from which on a commit index is far behind."""

_CUTTING: Final = ("partition", "hold")
"""Faults under which messages of a link do not arrive while they last."""
_IMPAIRING: Final = ("lose", "delay", "duplicate", "reorder")


class _Node:
    """What is known of one node."""

    __slots__ = ("commit_index", "letter", "term")

    def __init__(self) -> None:
        self.letter = "F"
        self.term = 0
        self.commit_index = 0


class StateCoverage:
    """Collects the abstract states of one trial; a `TraceSink`, and told of every op as well."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        self._members = "founders"
        self._members_index = -1
        self._in_force = {"cut": 0, "impaired": 0}
        self._paused: dict[str, int] = {}
        self._states: dict[str, None] = {}

    @property
    def states(self) -> tuple[str, ...]:
        """Every state there was, in the order of first sight."""
        return tuple(self._states)

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Take note of what a node did."""
        node = self._nodes.get(transition.node)
        if node is None:
            if not isinstance(transition.what, Started):
                return
            node = self._nodes[transition.node] = _Node()
        if self._changes(node, transition):
            self._look()

    def note(self, op: Op) -> None:
        """Take note of what the nemesis did; other ops are no matter here."""
        if op.process != NEMESIS or not isinstance(op.value, dict):
            return
        if op.value.get("outcome") == Outcome.DONE:
            self._count(op, 1 if op.value.get("phase") == Phase.BEGIN else -1)
            self._look()

    def _count(self, op: Op, step: int) -> None:
        if op.f in _CUTTING:
            self._in_force["cut"] += step
        elif op.f in _IMPAIRING:
            self._in_force["impaired"] += step
        elif op.f == "pause" and isinstance(op.value, dict):
            node = str(op.value.get("node"))
            self._paused[node] = max(0, self._paused.get(node, 0) + step)

    def _changes(self, node: _Node, transition: Transition) -> bool:
        """Note what happened, and say whether it can have changed the state."""
        match transition.what:
            case Committed(last_index=index) | SnapshotInstalled(last_included_index=index):
                node.commit_index = max(node.commit_index, index)
            case Role(role=role, term=term):
                node.letter, node.term = _LETTERS[role], term
            case Started(term=term, applied_index=applied_index):
                node.letter, node.term, node.commit_index = "F", term, applied_index
            case Crashed():
                node.letter = _DOWN
                self._paused.pop(transition.node, None)
            case Members(voters=voters, learners=learners, index=index):
                if index < self._members_index:
                    return False
                self._members_index = index
                self._members = f"{len(voters)}+{len(learners)}"
            case _:
                return False
        return True

    def _look(self) -> None:
        nodes = self._nodes.values()
        if not nodes:
            return
        term = max([node.term for node in nodes])
        commit_index = max([node.commit_index for node in nodes])
        seen = []
        for name, node in self._nodes.items():
            letter = node.letter
            if letter != _DOWN and self._paused.get(name):
                letter = _PAUSED
            lag = commit_index - node.commit_index
            bucket = 0 if lag == 0 else 1 if lag < _LAG_LARGE else 2
            seen.append(f"{letter}{min(2, term - node.term)}{bucket}")
        seen.sort()
        links = "cut" if self._in_force["cut"] > 0 else ""
        links += "impaired" if self._in_force["impaired"] > 0 else ""
        self._states[f"{' '.join(seen)} {links or 'whole'} {self._members}"] = None
