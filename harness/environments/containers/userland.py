"""An image without content: containers of it see this machine's own programs, read-only.

So what runs as a process of this machine runs in a container as well: the same etcd, this very
Python, no registry, nothing to be built. It takes an engine on this machine.
"""

import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import docker
from docker.types import Mount

import nemesis

_REPOSITORY: Final = "quorate-userland"
_LINKS: Final = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_FOLDERS: Final = ("dev", "etc", "proc", "root", "run", "sys", "tmp", "usr", "var")
_FILES: Final = ("etc/group", "etc/ld.so.cache", "etc/nsswitch.conf", "etc/passwd")


def userland_image(client: docker.DockerClient) -> str:
    """Return the name of the image, which is made unless it is there."""
    content = _archive(Path("/"))
    tag = hashlib.sha256(content).hexdigest()[:12]
    name = f"{_REPOSITORY}:{tag}"
    if not client.images.list(name=name):
        client.api.import_image_from_data(content, repository=_REPOSITORY, tag=tag)
    return name


def userland_mounts(program: str) -> Sequence[Mount]:
    """Return the mounts that show this machine's programs, `program` and this project included."""
    return [
        Mount(target=str(path), source=str(path), type="bind", read_only=True)
        for path in _shown(program)
    ]


def _shown(program: str) -> Sequence[Path]:
    """Return the fewest folders of this machine that hold all that daemons need."""
    interpreter = Path(sys.executable).resolve().parent
    wanted = [
        Path("/usr"),
        *(Path("/", name) for name in _LINKS if _is_folder(Path("/", name))),
        Path(sys.prefix),
        Path(sys.base_prefix),
        interpreter,
        Path(nemesis.__file__).resolve().parents[1],
        Path(program).resolve().parent,
        Path(program).parent,
    ]
    shown: list[Path] = []
    for path in sorted(wanted, key=lambda each: len(each.parts)):
        if not any(path.is_relative_to(seen) for seen in shown):
            shown.append(path)
    return shown


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _archive(root: Path) -> bytes:
    """Return the image's content: empty folders, links as on this machine, a few small files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry in _entries(root):
            path = root / entry.name
            content = path.read_bytes() if entry.isfile() else b""
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _entries(root: Path) -> Iterator[tarfile.TarInfo]:
    for name in _FOLDERS:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        yield entry
    for name in _LINKS:
        path = root / name
        entry = tarfile.TarInfo(name)
        if path.is_symlink():
            entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
            yield entry
        elif path.is_dir():
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            yield entry
    for name in _FILES:
        if (root / name).is_file():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            yield entry
