"""Flags of one etcd for another: what they are called there, and which of them it has.

etcd's flags begin as `--experimental-NAME` and lose the prefix when they are settled (3.6 settled
most), and older versions lack newer flags. So plans name a flag as one version does:

- a flag that the version knows by the other of its two names is given by that;
- one that begins with `?` is left out where the version knows neither (`?--flag=value`);
- every other is given as it is: there are flags that `etcd --help` does not tell of.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.errors import HarnessError

OPTIONAL: Final = "?"
_EXPERIMENTAL: Final = "--experimental-"
_LISTED: Final = re.compile(r"^\s*(--[a-z0-9-]+)", re.MULTILINE)
_HELP_TIMEOUT_S: Final = 10


def known_flags(path: Path) -> frozenset[str]:
    """Return the flags that the etcd at `path` lists; raises `HarnessError` if it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - the program that is to be put under test
            [str(path), "--help"],
            capture_output=True,
            text=True,
            timeout=_HELP_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{path}: cannot be asked for its flags: {error}") from error
    return frozenset(_LISTED.findall(done.stdout + done.stderr))


def fitted(flags: Sequence[str], known: frozenset[str]) -> tuple[str, ...]:
    """Return the flags, in their order, for a version that knows `known`."""
    return tuple(_fitted(flags, known))


def _fitted(flags: Sequence[str], known: frozenset[str]) -> Iterator[str]:
    for flag in flags:
        plain = flag.removeprefix(OPTIONAL)
        name, equals, value = plain.partition("=")
        if name in known:
            yield plain
        elif (other := _other_name(name)) in known:
            yield f"{other}{equals}{value}"
        elif plain == flag:
            yield flag


def _other_name(name: str) -> str:
    if name.startswith(_EXPERIMENTAL):
        return f"--{name.removeprefix(_EXPERIMENTAL)}"
    return f"{_EXPERIMENTAL}{name.removeprefix('--')}"
