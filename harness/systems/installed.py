"""Which etcds this machine has: the one on PATH, and those that `quorate fetch-etcd` unpacked."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.systems.versions import Binary, probe

ADVICE: Final = (
    "install one (apt-get install etcd-server), get one (quorate fetch-etcd --suite trixie), "
    "or name one (--etcd-binary PATH)"
)


def cache_directory(variables: Mapping[str, str] | None = None) -> Path:
    """Return where fetched etcds are kept, one directory each, named for the version.

    `QUORATE_CACHE`, or else `XDG_CACHE_HOME`, says where; usually it is under the home directory.
    """
    given = os.environ if variables is None else variables
    if own := given.get("QUORATE_CACHE"):
        return Path(own) / "etcd"
    home = given.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    return base / "quorate" / "etcd"


def installed() -> Sequence[Binary]:
    """Return every etcd found: that on PATH first, then the fetched ones, newest first."""
    on_path = shutil.which("etcd")
    found = [] if on_path is None else [probe(Path(on_path))]
    fetched = [probe(path) for path in sorted(cache_directory().glob("*/etcd"))]
    fetched.sort(key=lambda binary: binary.version, reverse=True)
    return [*found, *fetched]


def choose(wanted: str | None, named: str | None) -> Binary:
    """Return the etcd at the path `named`, or else an installed one of the version `wanted`.

    Of several the first is taken (see `installed`). Raises `HarnessError` if there is none, or
    if the one named is of another version.
    """
    if named is not None:
        binary = probe(Path(named))
        if wanted is not None and not binary.version.matches(wanted):
            raise HarnessError(f"{named}: is etcd {binary.version}, not {wanted} as asked for")
        return binary
    found = installed()
    for binary in found:
        if wanted is None or binary.version.matches(wanted):
            return binary
    if not found:
        raise HarnessError(f"no etcd is installed; {ADVICE}")
    known = ", ".join(str(binary.version) for binary in found)
    raise HarnessError(f"etcd {wanted} is not installed, only {known}; {ADVICE}")
