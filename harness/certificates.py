"""A certificate authority for tests, and the certificates it signs: members, clients.

Everything is made anew at every call, and none of it is meant to keep a secret for long: the
authority's key lies beside its certificate. Keys are EC P-256, as short as TLS 1.3 likes them.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.errors import QuorateError

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_EARLIER: Final = timedelta(hours=1)
"""How long before it is made a certificate is valid: clocks differ."""


class CertificateError(QuorateError):
    """Certificates that cannot be written; the message says why."""


class Issued(msgspec.Struct, frozen=True):
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates."""

    def __init__(self, name: str, now: datetime, days: int) -> None:
        """Make a new authority, valid from `now` (with a time zone) for so many days."""
        self._valid = (now - _EARLIER, now + timedelta(days=days))
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        public = self._key.public_key()
        certificate = (
            self._builder(self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.issued = Issued(_pem(certificate), _key_pem(self._key))

    def issue(self, name: str, *, hosts: Sequence[str] = (), is_client: bool = False) -> Issued:
        """Return a certificate of this common name.

        With `hosts` (names and addresses) it is a server's, with `is_client` a client's; members
        need both towards each other.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] if hosts else []
        if is_client:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            self._builder(_name(name), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(authority, critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return Issued(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        start, end = self._valid
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )


def write_certificates(
    directory: Path, *, hosts: Sequence[str], client: str, now: datetime, days: int
) -> tuple[Path, ...]:
    """Make an authority and what it signs for a server, a peer and a client; return the files.

    The client's common name is that of the user it stands for (etcd, authentication). Raises
    `CertificateError` if one of the files is there already: it may be in use.
    """
    authority = Authority("quorate test CA", now, days)
    issued = {
        "ca": authority.issued,
        "server": authority.issue("server", hosts=hosts),
        "peer": authority.issue("peer", hosts=hosts, is_client=True),
        "client": authority.issue(client, is_client=True),
    }
    files = {
        directory / f"{name}{suffix}": content
        for name, each in issued.items()
        for suffix, content in ((".crt", each.certificate), (".key", each.key))
    }
    for path in files:
        if path.exists():
            raise CertificateError(f"{path} is there already")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in files.items():
            path.touch(mode=0o600 if path.suffix == ".key" else 0o644)
            path.write_bytes(content)
    except OSError as error:
        raise CertificateError(f"cannot write certificates to {directory}: {error}") from error
    return tuple(files)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
