"""Programs that pretend, for tests that must run where no etcd is."""

from pathlib import Path


def program(path: Path, script: str) -> Path:
    """Write an executable shell script, and return where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def fake_etcd(path: Path, version: str) -> Path:
    """Write a program that says it is an etcd of this version."""
    return program(path, f"echo 'etcd Version: {version}'")
