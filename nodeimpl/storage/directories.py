"""Names that survive a crash: what a file system keeps only when its directory was synced."""

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make durable which names `directory` holds: after creating, renaming, deleting in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make durable what a file holds, whoever wrote it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(source: Path, target: Path) -> None:
    """Put `source`, whose content is durable, in the place of `target`; durable on return."""
    source.replace(target)
    sync_directory(target.parent)


def write_durably(target: Path, content: bytes) -> None:
    """Put a file with this content at `target`; a crash leaves all of it, or what was there."""
    temporary = target.with_name(target.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    replace_durably(temporary, target)


def create_directory(directory: Path) -> None:
    """Create a directory that only its owner may look into, durably; its parent must be there."""
    directory.mkdir(mode=0o700)
    sync_directory(directory.parent)
