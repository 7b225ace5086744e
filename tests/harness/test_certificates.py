"""Certificates that TLS itself accepts, and refuses where it must."""

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from harness.certificates import LOCAL, CertificateError, write_certificates
from harness.cli.certs import certs

NOW = datetime.now(UTC)


def written(directory: Path, *hosts: str) -> Path:
    write_certificates(directory, hosts=(*LOCAL, *hosts), client="alice", now=NOW, days=7)
    return directory


def shake_hands(server: Path, client: Path, *, host: str, own: str | None) -> None:
    """Connect `client`, who trusts its own CA, to a server that asks for a certificate."""
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.load_cert_chain(server / "server.crt", server / "server.key")
    accepting.load_verify_locations(server / "ca.crt")
    accepting.verify_mode = ssl.CERT_REQUIRED
    connecting = ssl.create_default_context(cafile=str(client / "ca.crt"))
    if own is not None:
        connecting.load_cert_chain(client / f"{own}.crt", client / f"{own}.key")
    ours, theirs = socket.socketpair()
    failures: list[ssl.SSLError] = []

    def accept() -> None:
        try:
            with accepting.wrap_socket(theirs, server_side=True) as connection:
                connection.sendall(b"hello")
        except ssl.SSLError as error:
            failures.append(error)
            theirs.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        with connecting.wrap_socket(ours, server_hostname=host) as connection:
            connection.recv(5)
    finally:
        ours.close()
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "node-7.example"])
@pytest.mark.parametrize("own", ["client", "peer"])
def test_members_and_clients_know_each_other(tmp_path: Path, host: str, own: str) -> None:
    directory = written(tmp_path / "pki", "node-7.example")
    shake_hands(directory, directory, host=host, own=own)


def test_a_host_that_was_not_named_is_refused(tmp_path: Path) -> None:
    directory = written(tmp_path / "pki")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"node-7\.example"):
        shake_hands(directory, directory, host="node-7.example", own="client")


def test_another_authority_is_refused(tmp_path: Path) -> None:
    server, client = written(tmp_path / "one"), written(tmp_path / "another")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake_hands(server, client, host="localhost", own="client")


@pytest.mark.parametrize("own", [None, "server"])
def test_who_shows_no_clients_certificate_is_refused(tmp_path: Path, own: str | None) -> None:
    directory = written(tmp_path / "pki")
    with pytest.raises(ssl.SSLError):
        shake_hands(directory, directory, host="localhost", own=own)


def test_the_command_writes_files_whose_keys_only_their_owner_reads(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    result = CliRunner().invoke(certs, [str(directory), "--client=bob", "--host=10.0.0.7"])
    assert result.exit_code == 0
    assert f"--cacert {directory}/ca.crt" in result.output
    assert [path.name for path in directory.glob("*.key") if path.stat().st_mode & 0o077] == []
    client = x509.load_pem_x509_certificate((directory / "client.crt").read_bytes())
    assert client.subject.rfc4514_string() == "CN=bob"
    assert client.not_valid_before_utc < NOW < client.not_valid_after_utc


def test_certificates_in_use_are_not_overwritten(tmp_path: Path) -> None:
    written(tmp_path / "pki")
    with pytest.raises(CertificateError, match="is there already"):
        written(tmp_path / "pki")
