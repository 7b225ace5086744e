"""Who was leader, follower or down, when: from the traces of nodes, or from looks at them.

Simulated nodes trace every change; of real ones the harness knows what it saw when it looked
(`results.json`, `roles_seen`), so that a change between two looks is missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harness.environments.real_time.outcome import RoleSeen
from harness.environments.simulation.trace import Crashed, Role, Started, Stopped, Transition
from harness.errors import RunDirectoryError

LEADER: Final = "leader"
DOWN: Final = "down"

_KINDS: Final = tuple(f'"type":"{kind}"'.encode() for kind in ("role", "start", "crash", "stop"))
"""Of what stands in a trace, what changes a role; most lines are passed over undecoded."""


class RoleSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A node had one role, in one term, for some time."""

    node: str
    start_ns: int
    end_ns: int
    role: str
    """`follower`, `pre-candidate`, `candidate`, `leader`; `down` without a daemon."""
    term: int


class _What(msgspec.Struct, frozen=True):
    type: str
    role: str = "follower"
    term: int = 0


class _Line(msgspec.Struct, frozen=True):
    at: int
    node: str
    what: _What


_DECODER: Final = msgspec.json.Decoder(_Line)


def traced_roles(folder: Path, end_ns: int) -> tuple[RoleSpan, ...]:
    """Return what every trace in `folder` tells, node by node; the last span ends at `end_ns`.

    A torn last line is dropped; raises `RunDirectoryError` for any other that is no transition.
    """
    found: list[RoleSpan] = []
    for path in sorted(folder.glob("*.jsonl"), key=_numbered):
        found += _spans(_changes(path), end_ns)
    return tuple(found)


class RoleSink:
    """Collects the same as a simulation goes, where no trace is written: a `TraceSink`."""

    def __init__(self) -> None:
        self._changes: dict[str, list[_Line]] = {}

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Keep `transition` if it changes a role."""
        match transition.what:
            case Role(role=role, term=term):
                what = _What("role", role, term)
            case Started(term=term):
                what = _What("start", term=term)
            case Crashed() | Stopped():
                what = _What("crash")
            case _:
                return
        changes = self._changes.setdefault(transition.node, [])
        changes.append(_Line(transition.at, transition.node, what))

    def spans(self, end_ns: int) -> tuple[RoleSpan, ...]:
        """Return what was collected, node by node; the last span ends at `end_ns`."""
        nodes = sorted(self._changes, key=_node_key)
        return tuple(span for node in nodes for span in _spans(self._changes[node], end_ns))


def seen_roles(seen: Sequence[RoleSeen], end_ns: int) -> tuple[RoleSpan, ...]:
    """Return the same of what was seen from outside."""
    found: list[RoleSpan] = []
    for node in sorted({each.node for each in seen}, key=_node_key):
        changes = [
            _Line(each.at_ns, node, _What("role", each.role, each.term))
            for each in seen
            if each.node == node
        ]
        found += _spans(changes, end_ns)
    return tuple(found)


def elections(spans: Iterable[RoleSpan]) -> tuple[RoleSpan, ...]:
    """Return the first reign of every term among `spans`, in the order in which they began.

    A term has one leader (Raft §5.2). Who looks from outside may see one twice: etcd tells of its
    leader before it tells of the new term.
    """
    reigns = sorted((span for span in spans if span.role == LEADER), key=_start)
    first: dict[int, RoleSpan] = {}
    for reign in reigns:
        first.setdefault(reign.term, reign)
    return tuple(first.values())


def restarts(spans: Iterable[RoleSpan]) -> tuple[RoleSpan, ...]:
    """Return the times that a daemon was down, in the order in which they began."""
    return tuple(sorted((span for span in spans if span.role == DOWN), key=_start))


def _start(span: RoleSpan) -> int:
    return span.start_ns


def _numbered(path: Path) -> tuple[int, str]:
    return _node_key(path.stem)


def _node_key(node: str) -> tuple[int, str]:
    """Order n2 before n10."""
    return len(node), node


def _changes(path: Path) -> Iterator[_Line]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    return
                if any(kind in text for kind in _KINDS):
                    yield _decoded(path, number, text)
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error


def _decoded(path: Path, number: int, text: bytes) -> _Line:
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"not a transition: {error}", path=path, line=number) from error


def _spans(changes: Iterable[_Line], end_ns: int) -> list[RoleSpan]:
    found: list[RoleSpan] = []
    before: _Line | None = None
    term = 0
    for line in changes:
        if before is not None:
            found.append(_span(before, line.at, term))
        term = line.what.term if line.what.type in ("role", "start") else term
        before = line
    if before is not None:
        found.append(_span(before, max(end_ns, before.at), term))
    return _joined(found)


def _span(line: _Line, end_ns: int, term: int) -> RoleSpan:
    is_up = line.what.type in ("role", "start")
    return RoleSpan(
        node=line.node,
        start_ns=line.at,
        end_ns=end_ns,
        role=line.what.role if is_up else DOWN,
        term=term,
    )


def _joined(spans: Sequence[RoleSpan]) -> list[RoleSpan]:
    """Return `spans` with neighbours of one role and term as one: a follower learns of a leader."""
    joined: list[RoleSpan] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and (last.role, last.term) == (span.role, span.term):
            joined[-1] = msgspec.structs.replace(last, end_ns=span.end_ns)
        else:
            joined.append(span)
    return joined
