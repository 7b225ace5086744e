"""An agent beside a node (`nemesis.host.agent`), as the harness talks to it."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

import nemesis
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 20.0
"""How long an agent may take to do one thing. Slower means that it is stuck."""

_ROOT: Final = Path(nemesis.__file__).parents[1]
_PROGRAM: Final = (
    f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
    "from nemesis.host.agent import main; main(sys.argv[1:])"
)


class Line(Protocol):
    """A connection to an agent's standard input and output."""

    def send(self, line: bytes) -> None:
        """Send one line; raises `OSError` if nobody is there."""

    def receive(self) -> bytes:
        """Return the next line, empty at the end; raises `TimeoutError` if none comes in time."""

    def close(self) -> None:
        """End the agent's input, and wait until it has undone everything and ended."""


class _Answer(msgspec.Struct, frozen=True):
    ok: object = None
    error: str | None = None


class Agent:
    """One agent. Not for two threads at once."""

    def __init__(self, about: str, line: Line) -> None:
        """Wait until it is ready; raises `SurfaceError` if it is not. `about` is for messages."""
        self.about: Final = about
        self._line = line
        self.answer()

    def ask(self, what: str, fields: Mapping[str, object] | None = None) -> object:
        """Let it do something, and return its answer; raises `SurfaceError`."""
        self.tell(what, fields)
        return self.answer()

    def tell(self, what: str, fields: Mapping[str, object] | None = None) -> None:
        """Let it begin to do something; `answer` must follow."""
        try:
            self._line.send(msgspec.json.encode({"do": what, **(fields or {})}) + b"\n")
        except OSError as error:
            raise SurfaceError(f"{self.about}: its agent has ended: {error}") from error

    def answer(self) -> object:
        """Wait for the answer to what it was told; raises `SurfaceError`."""
        try:
            line = self._line.receive()
        except TimeoutError as error:
            raise SurfaceError(f"{self.about}: its agent does not answer") from error
        if not line:
            raise SurfaceError(f"{self.about}: its agent has ended")
        answer = msgspec.json.decode(line, type=_Answer)
        if answer.error is not None:
            raise SurfaceError(f"{self.about}: {answer.error}")
        return answer.ok


class ProcessLine:
    """A line to an agent that is a process of this machine."""

    def __init__(
        self, prefix: Sequence[str], arguments: Sequence[str], variables: Mapping[str, str]
    ) -> None:
        """`prefix` is a command that enters the node's namespaces; may be empty."""
        python = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [*prefix, *python, *arguments],
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the harness' to handle.
        )
        self._received = b""

    def send(self, line: bytes) -> None:
        """See `Line`."""
        stdin = self._process.stdin
        assert stdin is not None, "it was asked for"
        stdin.write(line)
        stdin.flush()

    def receive(self) -> bytes:
        """See `Line`."""
        stdout = self._process.stdout
        assert stdout is not None, "it was asked for"
        deadline = time.monotonic() + _PATIENCE_S
        while b"\n" not in self._received:
            left_s = max(0.0, deadline - time.monotonic())
            if not select.select([stdout], [], [], left_s)[0]:
                raise TimeoutError("no answer")
            piece = os.read(stdout.fileno(), 65_536)
            if not piece:
                return b""
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line

    def abandon(self) -> None:
        """Kill the agent: what it has broken is gone anyway."""
        self._process.kill()
        self._process.communicate()

    def close(self) -> None:
        """See `Line`. One that does not end by itself is killed."""
        process = self._process
        try:
            process.communicate(timeout=_PATIENCE_S)
        except BrokenPipeError:
            process.wait()
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
