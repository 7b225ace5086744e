"""Our node keeps secrets: nothing in the clear on its disk, in its backups, or on the wire."""

import base64
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.certificates import LOCAL, write_certificates
from tests.local.our_cluster import Cluster, running

pytestmark = pytest.mark.local

SECRET = b"nobody else may read this"
KEYS = {name: base64.b64encode(name.encode() * 8).decode() for name in ("key1", "key2", "key3")}


def configure(path: Path, *names: str) -> None:
    """Write a configuration of these keys, the first of which writes."""
    keys = "".join(f"            - {{name: {name}, secret: {KEYS[name]}}}\n" for name in names)
    path.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\n"
        "kind: EncryptionConfiguration\n"
        "resources:\n"
        '  - resources: ["*.*"]\n'
        "    providers:\n"
        "      - secretbox:\n"
        f"          keys:\n{keys}"
    )


def who_shows(secret: bytes, directory: Path) -> list[str]:
    """Return the files in which something stands in the clear."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return [path.name for path in files if secret in path.read_bytes()]


def snapctl(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "nodeimpl.snapctl", *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_an_encrypted_cluster_shows_nothing_and_is_restored_from_its_backup(
    tmp_path: Path,
) -> None:
    configuration = tmp_path / "encryption.yaml"
    configure(configuration, "key1")
    flag = f"--encryption-provider-config={configuration}"
    backup = str(tmp_path / "backup.db")
    with running(Cluster(tmp_path, 1, flags=(flag,))) as cluster:
        for number in range(10):
            cluster.out("put", f"k{number}", SECRET.decode())
        cluster.out("snapshot", "save", backup)
        cluster.members[0].end(signal.SIGKILL)
        assert who_shows(SECRET, tmp_path) == []
        cluster.start()
        assert cluster.out("get", "k7", "--print-value-only").encode() == SECRET + b"\n"
    assert "11, " in snapctl("status", backup, flag)
    (tmp_path / "restored").mkdir()
    restored = Cluster(tmp_path / "restored", 3, flags=(flag,))
    for member in restored.members:
        snapctl(
            "restore",
            backup,
            f"--name={member.name}",
            f"--data-dir={member.directory}",
            f"--initial-cluster={restored.initial}",
            f"--initial-advertise-peer-urls={member.peer}",
            "--bump-revision=1000",
            "--mark-compacted",
            flag,
        )
    with running(restored) as cluster:
        for member in cluster.members:
            assert cluster.out("get", "k7", "--print-value-only", at=member).encode() == (
                SECRET + b"\n"
            )
        assert len(cluster.out("member", "list").splitlines()) == 3
        past = cluster.ctl("get", "k7", "--rev=500", check=False)
        assert "has been compacted" in past.stderr
    assert who_shows(SECRET, tmp_path) == []


def test_keys_rotate_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    configuration = tmp_path / "encryption.yaml"
    flag = f"--encryption-provider-config={configuration}"
    configure(configuration, "key1")
    with running(Cluster(tmp_path, 1, flags=(flag, "--snapshot-count=5"))) as cluster:
        member = cluster.members[0]
        for number in range(20):
            cluster.out("put", f"k{number}", SECRET.decode())
        member.end(signal.SIGTERM)
        configure(configuration, "key2", "key1")
        cluster.start()
        cluster.out("defrag")
        assert cluster.out("get", "k7", "--print-value-only").encode() == SECRET + b"\n"
        member.end(signal.SIGTERM)
        database = (member.directory / "member" / "db").read_bytes()
        assert b"secretbox:v1:key1" not in database
        assert b"secretbox:v1:key2" in database
        configure(configuration, "key3")
        member.start(cluster.initial)
        assert member.wait() == 1
        assert "no provider for that is configured" in member.log


def test_members_and_clients_of_one_authority_talk(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    write_certificates(pki, hosts=LOCAL, client="root", now=datetime.now(UTC), days=1)
    flags = (
        f"--trusted-ca-file={pki}/ca.crt",
        f"--cert-file={pki}/server.crt",
        f"--key-file={pki}/server.key",
        "--client-cert-auth",
        f"--peer-trusted-ca-file={pki}/ca.crt",
        f"--peer-cert-file={pki}/peer.crt",
        f"--peer-key-file={pki}/peer.key",
        "--peer-client-cert-auth",
    )
    cluster = Cluster(tmp_path, 3, flags=flags, scheme="https")
    cluster.ctl_flags = (
        f"--cacert={pki}/ca.crt",
        f"--cert={pki}/client.crt",
        f"--key={pki}/client.key",
    )
    with running(cluster):
        assert cluster.out("put", "k", "v") == "OK\n"
        cluster.ctl_flags = (f"--cacert={pki}/ca.crt",)
        assert cluster.ctl("get", "k", check=False).returncode != 0
