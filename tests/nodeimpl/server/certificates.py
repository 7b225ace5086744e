"""Certificates for the tests of this folder."""

from datetime import UTC, datetime
from pathlib import Path

from harness.certificates import LOCAL, write_certificates


def make_certificates(directory: Path, client: str = "client") -> Path:
    """Make ca, server, peer and client (`.crt`, `.key`) there; return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    write_certificates(directory, hosts=LOCAL, client=client, now=datetime.now(UTC), days=1)
    return directory
