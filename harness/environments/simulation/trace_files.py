"""Traces on disk: one JSON-lines file per node, the transition log as text, and their comparison.

trace/n1.jsonl         {"at":412309811,"node":"n1","what":{"type":"role",...}}
trace/transitions.log  the same of all nodes, one aligned line each, in order
"""

from collections.abc import Generator
from pathlib import Path
from typing import IO

import msgspec

from harness.environments.simulation.trace import Transition
from harness.errors import RunDirectoryError

TRANSITIONS_LOG = "transitions.log"


class TraceWriter:
    """Writes transitions as they happen; what is flushed survives a kill of the harness."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which must exist and be empty."""
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._log = (folder / TRANSITIONS_LOG).open("w", encoding="utf-8")

    def write(self, transition: Transition, encoded: bytes) -> None:
        """Append `transition` to its node's file and to the log."""
        file = self._files.get(transition.node)
        if file is None:
            path = self._folder / f"{transition.node}.jsonl"
            file = self._files[transition.node] = path.open("wb")
        file.write(encoded + b"\n")
        self._log.write(transition.line() + "\n")

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        for file in self._files.values():
            file.flush()
        self._log.flush()

    def close(self) -> None:
        """Flush and close the files."""
        for file in self._files.values():
            file.close()
        self._log.close()


class Divergence(msgspec.Struct, frozen=True):
    """Where a run first did something else than the recorded one."""

    at: int
    """Nanoseconds of virtual time."""
    node: str
    recorded: Transition | None
    """None: the recorded run did nothing more there."""
    now: Transition | None
    """None: this run did nothing more there."""

    def describe(self) -> str:
        """Return both sides as lines of the transition log."""
        recorded = self.recorded.line() if self.recorded else f"(nothing more of {self.node})"
        now = self.now.line() if self.now else f"(nothing more of {self.node})"
        return f"  recorded: {recorded}\n  this run: {now}"


class TraceComparer:
    """Compares a run, as it goes, with the traces of a recorded one.

    `write` and `first` raise `RunDirectoryError` for a line that is no transition. Close it when
    it has been asked for what it found.
    """

    def __init__(self, folder: Path) -> None:
        self._recorded = {path.stem: _transitions(path) for path in sorted(folder.glob("*.jsonl"))}
        self._found: dict[str, Divergence] = {}

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Compare `transition` with the next recorded one of its node."""
        node = transition.node
        if node in self._found:
            return
        recorded = next(self._recorded.get(node, iter(())), None)
        if recorded != transition:
            at = transition.at if recorded is None else min(transition.at, recorded.at)
            self._found[node] = Divergence(at, node, recorded, transition)

    def first(self) -> Divergence | None:
        """Return the earliest difference, once the run is over; None if there was none."""
        for node, recorded in self._recorded.items():
            if node not in self._found and (left := next(recorded, None)) is not None:
                self._found[node] = Divergence(left.at, node, left, None)
        return min(self._found.values(), key=lambda found: (found.at, found.node), default=None)

    def close(self) -> None:
        """Close the files of the recorded run."""
        for recorded in self._recorded.values():
            recorded.close()


def _transitions(path: Path) -> Generator[Transition, None, None]:
    """Yield what the file holds, up to a line that a kill of the harness left half written."""
    decode = msgspec.json.Decoder(Transition).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise RunDirectoryError(
                    f"not a transition: {error}", path=path, line=number
                ) from error
