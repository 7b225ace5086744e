"""Other versions of etcd as Debian packages: fetched by the machine's own apt, only unpacked.

Each Debian suite has one version. A private configuration for apt is made from the machine's own
list of sources, with the suite's name rewritten; so the packages come from wherever this machine's
packages come from, and are verified as these are.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.errors import HarnessError
from harness.systems.installed import cache_directory
from harness.systems.versions import Binary, probe

SUITES: Final = ("bookworm", "trixie", "sid")
"""Suites with an etcd: 3.4.23, 3.5.16 and 3.5.30 at the time of writing."""

_PACKAGES: Final = ("etcd-server", "etcd-client")
_PROGRAMS: Final = ("etcd", "etcdctl")
_TIMEOUT_S: Final = 300
_SOURCES: Final = Path("/etc/apt")
_RELEASE: Final = Path("/etc/os-release")


def fetch(suite: str) -> Binary:
    """Put etcd and etcdctl of a Debian suite into the cache, and return that etcd.

    Raises `HarnessError` where there is no apt, no Debian source, or no such package.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise HarnessError(f"cannot fetch etcd: {tool} is missing; this needs a Debian system")
    stanzas = rewritten(_sources(), _codename(), suite)
    with TemporaryDirectory(prefix="quorate-apt-") as folder:
        work = Path(folder)
        options = _private_options(work, stanzas)
        _run(["apt-get", *options, "-q", "update"], work)
        _run(["apt-get", *options, "-q", "download", *_PACKAGES], work)
        for package in sorted(work.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), "unpacked"], work)
        return _keep(work / "unpacked" / "usr" / "bin")


def rewritten(sources: str, codename: str, suite: str) -> Sequence[str]:
    """Return the stanzas of `sources` (deb822) that are of the release, for `suite` instead.

    Raises `HarnessError` if there are none.
    """
    stanzas: list[str] = []
    for stanza in re.split(r"\n\s*\n", sources):
        fields = dict(_fields(stanza))
        if codename in fields.get("Suites", "").split():
            fields |= {"Suites": suite, "Components": "main"}
            stanzas.append("".join(f"{name}: {value}\n" for name, value in fields.items()))
    if not stanzas:
        raise HarnessError(
            f"cannot fetch etcd: no source of apt is of this machine's own release, {codename}"
        )
    return stanzas


def as_deb822(line: str) -> str:
    """Return a one-line source (`deb [options] URI suite component...`) as a stanza; else ``."""
    found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line)
    if found is None:
        return ""
    stanza = f"Types: deb\nURIs: {found[2]}\nSuites: {found[3]}\nComponents: {found[4].strip()}\n"
    signed = re.search(r"signed-by=(\S+)", found[1] or "")
    return stanza if signed is None else f"{stanza}Signed-By: {signed[1]}\n"


def _fields(stanza: str) -> Iterator[tuple[str, str]]:
    for line in stanza.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith(("#", " ", "\t")):
            yield name.strip(), value.strip()


def _sources() -> str:
    """Return all sources of apt on this machine as one deb822 text."""
    parts = sorted((_SOURCES / "sources.list.d").glob("*"))
    stanzas = [path.read_text(encoding="utf-8") for path in parts if path.suffix == ".sources"]
    one_line = [_SOURCES / "sources.list", *(path for path in parts if path.suffix == ".list")]
    for path in one_line:
        if path.exists():
            stanzas += map(as_deb822, path.read_text(encoding="utf-8").splitlines())
    return "\n\n".join(stanzas)


def _codename() -> str:
    release = _RELEASE.read_text(encoding="utf-8") if _RELEASE.exists() else ""
    found = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', release, re.MULTILINE)
    if found is None:
        raise HarnessError("cannot fetch etcd: this machine does not say which Debian it is")
    return found[1]


def _private_options(work: Path, stanzas: Sequence[str]) -> Sequence[str]:
    """Lay out a state of apt's own under `work`, and return the options that make it use that."""
    for folder in ("parts", "lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "parts" / "debian.sources").write_text("\n".join(stanzas), encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": str(work / "parts"),
        "Dir::State::lists": str(work / "lists"),
        "Dir::Cache": str(work / "cache"),
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _run(command: Sequence[str], directory: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - apt and dpkg with arguments of ours
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HarnessError(f"cannot fetch etcd: {command[0]} took over {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["it does not say why"]
        raise HarnessError(f"cannot fetch etcd: {command[0]} failed: {words[-1]}")


def _keep(programs: Path) -> Binary:
    """Move what was unpacked into the cache, named for its version."""
    version = probe(programs / "etcd").version
    target = cache_directory() / str(version)
    target.mkdir(parents=True, exist_ok=True)
    for program in _PROGRAMS:
        draft = target / f".{program}.new"
        shutil.copy2(programs / program, draft)
        draft.replace(target / program)
    return Binary(target / "etcd", version)
