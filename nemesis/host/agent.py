"""A program beside a node that breaks things there, told line by line.

    python -m nemesis.host.agent door SEED      packets that come into a network namespace
    python -m nemesis.host.agent clocks         the clocks that processes read
    python -m nemesis.host.agent disk SEED BELOW MOUNT
    python -m nemesis.host.agent groups CLUSTER what processes may use of the machine
    python -m nemesis.host.agent warden MARK    ends processes when everything else has ended
    python -m nemesis.host.agent leftovers      what other agents left that were killed

It prints `{}` when it is ready. Each line of its standard input is a JSON object with `do` and
fields; each gets one line in answer: `{"ok": ...}`, or `{"error": "why"}`. When its input ends, for
whatever reason, everything it did is undone.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nemesis.host.clock import Clocks
from nemesis.host.disk import Disk
from nemesis.host.door import Door
from nemesis.host.groups import Groups
from nemesis.host.leftovers import Leftovers
from nemesis.host.request import HostError, Request
from nemesis.host.warden import Warden


class Part(Protocol):
    """One thing that can be broken."""

    def answer(self, what: str, request: Request) -> object:
        """Do what is asked, and return what there is to tell; raises `HostError`."""

    def close(self) -> None:
        """Undo everything."""


def part_named(arguments: Sequence[str]) -> Part:
    """Return the part that the command line asks for."""
    match arguments:
        case ["door", seed]:
            return Door(seed)
        case ["disk", seed, below, mount]:
            return Disk(seed, Path(below), Path(mount))
        case ["clocks"]:
            return Clocks()
        case ["groups", cluster]:
            return Groups(cluster)
        case ["warden", mark]:
            return Warden(mark)
        case ["leftovers"]:
            return Leftovers()
        case _:
            raise HostError(f"no agent is called {' '.join(arguments)!r}")


def main(arguments: Sequence[str]) -> None:
    """Serve until the input ends."""
    # Whoever interrupts the harness interrupts it alone: it ends this line in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        part = part_named(arguments)
    except (HostError, OSError) as error:
        _tell({"error": str(error)})
        return
    try:
        _tell({})
        for line in sys.stdin.buffer:
            _tell(_answer(part, line))
    except BrokenPipeError:
        sys.stdout = None
    finally:
        part.close()


def _answer(part: Part, line: bytes) -> dict[str, object]:
    try:
        request = Request.parse(line)
        return {"ok": part.answer(request.text("do"), request)}
    except (HostError, OSError) as error:
        return {"error": str(error)}


def _tell(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
