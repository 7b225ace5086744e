"""Versions of etcd: read from what the program prints, compared, matched with what is wanted."""

import re
import subprocess
from pathlib import Path
from typing import Final, NamedTuple, Self

from typing_extensions import override

from harness.errors import HarnessError

_PRINTED: Final = re.compile(r"^etcd Version: (\d+)\.(\d+)\.(\d+)", re.MULTILINE)
_PROBE_TIMEOUT_S: Final = 10


class Version(NamedTuple):
    """A release of etcd; later ones are greater."""

    major: int
    minor: int
    patch: int

    @classmethod
    def read(cls, printed: str) -> Self | None:
        """Return the version in the output of `etcd --version`; None if there is none."""
        found = _PRINTED.search(printed)
        return None if found is None else cls(int(found[1]), int(found[2]), int(found[3]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version that `text` spells, as in `3.5.16`."""
        major, minor, patch = text.split(".")
        return cls(int(major), int(minor), int(patch))

    def matches(self, wanted: str) -> bool:
        """Say whether this is `wanted`, or one of it: 3.5.16 is `3.5.16`, and one of `3.5`."""
        return str(self) == wanted or str(self).startswith(f"{wanted}.")

    @override
    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class Binary(NamedTuple):
    """An etcd program and its version."""

    path: Path
    version: Version


def probe(path: Path) -> Binary:
    """Ask the program at `path` for its version; raises `HarnessError` if it is not an etcd."""
    try:
        done = subprocess.run(  # noqa: S603 - the program that is to be put under test
            [str(path), "--version"],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{path}: cannot be run as etcd: {error}") from error
    version = Version.read(done.stdout)
    if version is None:
        raise HarnessError(f"{path}: is not an etcd: it prints no version when asked")
    return Binary(path, version)
