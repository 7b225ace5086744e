"""Our node in operation: quotas, compaction of itself, TLS, corruption, monitoring."""

import datetime as dt
import http.client
import signal
import ssl
import urllib.error
import urllib.request
from ipaddress import ip_address
from pathlib import Path

import lmdb
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.local.our_cluster import (
    ETCD,
    OUR_NODE,
    Cluster,
    free_ports,
    running,
    wait_until,
)
from tests.local.test_our_node import leader_of, member_id, revision_now

pytestmark = pytest.mark.local


def test_a_full_member_refuses_writes_until_room_is_made(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 1, flags=("--quota-backend-bytes=200000",))) as cluster:
        value = "x" * 20_000
        refused = None
        for number in range(20):
            refused = cluster.ctl("put", f"k{number % 3}", value, check=False)
            if refused.returncode != 0:
                break
        assert refused is not None
        assert "database space exceeded" in refused.stderr
        wait_until(lambda: "alarm:NOSPACE" in cluster.out("alarm", "list"))
        cluster.out("del", "k0")
        cluster.out("compact", str(revision_now(cluster)), "--physical")
        cluster.out("defrag")
        assert "alarm:NOSPACE" in cluster.out("alarm", "disarm")
        assert cluster.out("put", "k", "small again") == "OK\n"


def test_defragmentation_really_shrinks_the_file(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 1, flags=("--snapshot-count=10",))) as cluster:
        for number in range(60):
            cluster.out("put", f"k{number % 5}", "x" * 50_000)
        cluster.out("compact", str(revision_now(cluster)), "--physical")
        for number in range(11):
            cluster.out("put", "settle", str(number))
        file = cluster.members[0].directory / "member" / "db"
        before = file.stat().st_size
        cluster.out("defrag")
        assert file.stat().st_size < before / 3
        assert cluster.out("get", "k4", "--print-value-only") == "x" * 50_000 + "\n"


def test_a_leader_compacts_of_itself(tmp_path: Path) -> None:
    flags = ("--auto-compaction-mode=periodic", "--auto-compaction-retention=2s")
    with running(Cluster(tmp_path, 1, flags=flags)) as cluster:
        cluster.out("put", "k", "1")
        first = revision_now(cluster)
        cluster.out("put", "k", "2")
        wait_until(
            lambda: (
                "has been compacted"
                in cluster.ctl("get", "k", f"--rev={first}", check=False).stderr
            )
        )
        assert cluster.out("get", "k", "--print-value-only") == "2\n"


def test_monitoring_finds_health_and_series(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    with running(Cluster(tmp_path, 1, flags=(f"--listen-metrics-urls={base}",))) as cluster:
        cluster.out("put", "k", "v")
        assert read(f"{base}/health") == '{"health":"true","reason":""}'
        series = read(f"{base}/metrics")
        for name in (
            "etcd_server_has_leader 1.0",
            "etcd_server_is_leader 1.0",
            "etcd_disk_wal_fsync_duration_seconds_count",
            "etcd_mvcc_db_total_size_in_bytes",
            "process_resident_memory_bytes",
            'grpc_server_handled_total{grpc_code="OK",grpc_method="Put",',
        ):
            assert name in series
        assert "etcdserver" in read(f"{base}/version")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(f"{base}/nothing")


def test_pages_are_served_where_clients_come_as_etcd_does(tmp_path: Path) -> None:
    answers = []
    for name, program in (("etcd", ETCD), ("ours", OUR_NODE)):
        with running(Cluster(tmp_path_of(tmp_path, name), 1, program=program)) as cluster:
            base = cluster.members[0].client
            assert "etcd_server_has_leader 1" in read(f"{base}/metrics")
            answers.append(
                (
                    # 3.4 says no reason
                    msgspec.json.decode(read(f"{base}/health"))["health"],
                    msgspec.json.decode(read(f"{base}/health?serializable=true"))["health"],
                    status_of(f"{base}/nothing"),
                    status_of(f"{base}/health", "POST"),
                    sorted(msgspec.json.decode(read(f"{base}/version"))),
                )
            )
            assert cluster.out("put", "k", "v") == "OK\n"
    assert answers[0] == answers[1]


def test_pages_move_to_an_address_of_their_own_if_told_to(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    with running(Cluster(tmp_path, 1, flags=(f"--listen-client-http-urls={base}",))) as cluster:
        assert read(f"{base}/health") == '{"health":"true","reason":""}'
        assert cluster.out("put", "k", "v") == "OK\n"
        with pytest.raises((http.client.HTTPException, OSError)):
            read(f"{cluster.members[0].client}/health")


def test_a_member_without_a_quorum_is_not_healthy(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 3)) as cluster:
        last, *others = cluster.members
        for member in others:
            member.end(signal.SIGKILL)
        wait_until(lambda: status_of(f"{last.client}/health") == 503)
        assert status_of(f"{last.client}/health?serializable=true") in {200, 503}
        assert "etcd_server_has_leader" in read(f"{last.client}/metrics")


def test_a_spoilt_store_is_found(tmp_path: Path) -> None:
    flags = ("--experimental-corrupt-check-time=1s", "--snapshot-count=5")
    with running(Cluster(tmp_path, 3, flags=flags)) as cluster:
        for number in range(20):
            cluster.out("put", f"k{number}", "truth")
        leader = leader_of(cluster)
        victim = next(member for member in cluster.members if member is not leader)
        identity = member_id(cluster, victim)
        victim.end(signal.SIGTERM)
        spoil(victim.directory / "member" / "db")
        victim.start(cluster.initial)
        wait_until(lambda: "alarm:CORRUPT" in cluster.out("alarm", "list", at=leader))
        assert f"memberID:{identity}" in cluster.out("alarm", "list", at=leader)
        refused = cluster.ctl("put", "k", "v", at=leader, check=False)
        assert "corrupt cluster" in refused.stderr


def test_a_spoilt_member_does_not_even_start_if_it_compares_first(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 3, flags=("--snapshot-count=5",))) as cluster:
        for number in range(20):
            cluster.out("put", f"k{number}", "truth")
        leader = leader_of(cluster)
        victim = next(member for member in cluster.members if member is not leader)
        victim.end(signal.SIGTERM)
        spoil(victim.directory / "member" / "db")
        victim.flags = (*victim.flags, "--experimental-initial-corrupt-check")
        victim.start(cluster.initial)
        assert victim.wait() == 1
        assert "is not that of" in victim.log


class Authority:
    """Makes certificates for 127.0.0.1."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = directory / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a new certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(subject, key)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        cert_file, key_file = self._directory / f"{name}.pem", self._directory / f"{name}-key.pem"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return cert_file, key_file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )


def test_members_and_clients_show_each_other_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("member")
    flags = (
        f"--cert-file={cert}",
        f"--key-file={key}",
        f"--trusted-ca-file={authority.file}",
        "--client-cert-auth",
        f"--peer-cert-file={cert}",
        f"--peer-key-file={key}",
        f"--peer-trusted-ca-file={authority.file}",
        "--peer-client-cert-auth",
    )
    cluster = Cluster(tmp_path, 3, flags=flags, scheme="https")
    metrics = f"https://127.0.0.1:{free_ports(1)[0]}"
    cluster.members[0].flags = (*flags, f"--listen-metrics-urls={metrics}")
    client_cert, client_key = authority.issue("client")
    cluster.ctl_flags = (
        f"--cacert={authority.file}",
        f"--cert={client_cert}",
        f"--key={client_key}",
    )
    with running(cluster):
        assert cluster.out("put", "secret", "kept") == "OK\n"
        assert cluster.out("get", "secret", at=cluster.members[2]) == "secret\nkept\n"
        trusting = ssl.create_default_context(cafile=str(authority.file))
        with pytest.raises((ssl.SSLError, OSError)):
            read(f"{cluster.members[0].client}/health", trusting)
        trusting.load_cert_chain(client_cert, client_key)
        for url in (cluster.members[0].client, metrics):
            assert read(f"{url}/health", trusting) == '{"health":"true","reason":""}'
        cluster.ctl_flags = (f"--cacert={authority.file}",)
        assert cluster.ctl("get", "secret", check=False).returncode != 0
        stranger = Authority(tmp_path_of(tmp_path, "stranger"))
        other_cert, other_key = stranger.issue("stranger")
        cluster.ctl_flags = (
            f"--cacert={authority.file}",
            f"--cert={other_cert}",
            f"--key={other_key}",
        )
        assert cluster.ctl("get", "secret", check=False).returncode != 0


def test_a_new_certificate_is_taken_over_without_a_restart(tmp_path: Path) -> None:
    old = Authority(tmp_path_of(tmp_path, "old"))
    cert, key = old.issue("member")
    flags = (f"--cert-file={cert}", f"--key-file={key}")
    cluster = Cluster(tmp_path, 1, flags=flags, scheme="https")
    for member in cluster.members:
        member.peer = member.peer.replace("https", "http")
    cluster.initial = cluster.initial.replace("https", "http")
    cluster.ctl_flags = (f"--cacert={old.file}",)
    with running(cluster):
        new = Authority(tmp_path_of(tmp_path, "new"))
        new_cert, new_key = new.issue("member")
        cert.write_bytes(new_cert.read_bytes())
        key.write_bytes(new_key.read_bytes())
        cluster.ctl_flags = (f"--cacert={new.file}",)
        wait_until(lambda: cluster.ctl("get", "k", check=False).returncode == 0)


def read(url: str, trusting: ssl.SSLContext | None = None) -> str:
    with urllib.request.urlopen(url, timeout=10, context=trusting) as response:  # noqa: S310 (our own page)
        body: bytes = response.read()
    return body.decode()


def status_of(url: str, method: str = "GET") -> int:
    asked = urllib.request.Request(url, method=method)  # noqa: S310 (our own page)
    try:
        with urllib.request.urlopen(asked, timeout=10) as response:  # noqa: S310
            code: int = response.status
            return code
    except urllib.error.HTTPError as error:
        return error.code


def spoil(file: Path) -> None:
    """Change one value in a member's backend, as a bad disk might; checksums stay right."""
    environment = lmdb.open(str(file), subdir=False, max_dbs=4, map_size=1 << 30)
    spoilt = 0
    with environment.begin(write=True) as transaction:
        cursor = transaction.cursor()
        for row, record in cursor:
            if b"truth" in record:
                transaction.put(row, record.replace(b"truth", b"false"))
                spoilt += 1
                break
    environment.close()
    assert spoilt == 1, "there was something to spoil"


def tmp_path_of(parent: Path, name: str) -> Path:
    directory = parent / name
    directory.mkdir()
    return directory
