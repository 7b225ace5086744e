"""TLS for clients (gRPC), for pages and between members; certificates may change while it runs.

New connections see new files: they are looked at anew for every handshake of a gRPC client, and
every few seconds for all others (asyncio).
"""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import grpc
import structlog

from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import TlsFlags

RELOAD_SECONDS: Final = 5.0

_log: Final = structlog.stdlib.get_logger("tls")


def client_credentials(flags: TlsFlags) -> grpc.ServerCredentials | None:
    """Return what the gRPC server shows clients; None without a certificate.

    Raises `FlagError` if the files cannot be read.
    """
    if flags.cert_file is None:
        return None
    try:
        files = _Files(flags)
    except OSError as error:
        raise FlagError(f"cannot read the certificate: {error}") from error

    def fetch() -> grpc.ServerCertificateConfiguration:
        """Return what to show the client that connects; asked for every handshake."""
        try:
            return files.current()
        except OSError as error:
            _log.warning("cannot reload the certificate; the old one stays", error=str(error))
            return files.last

    return grpc.dynamic_ssl_server_credentials(
        files.last, fetch, require_client_authentication=flags.client_cert_auth
    )


class _Files:
    """The files of a certificate, and when they last changed."""

    def __init__(self, flags: TlsFlags) -> None:
        assert flags.cert_file is not None, "there is a certificate"
        assert flags.key_file is not None, "a certificate comes with its key"
        self._key, self._cert = Path(flags.key_file), Path(flags.cert_file)
        self._ca = Path(flags.trusted_ca_file) if flags.trusted_ca_file is not None else None
        self._seen = self._stamps()
        self.last = self.read()

    def read(self) -> grpc.ServerCertificateConfiguration:
        self._seen = self._stamps()
        ca = self._ca.read_bytes() if self._ca is not None else None
        return grpc.ssl_server_certificate_configuration(
            [(self._key.read_bytes(), self._cert.read_bytes())], ca
        )

    def current(self) -> grpc.ServerCertificateConfiguration:
        """Return what the files hold now."""
        if self._stamps() != self._seen:
            self.last = self.read()
        return self.last

    def _stamps(self) -> list[int]:
        files = [self._key, self._cert, *([self._ca] if self._ca is not None else [])]
        return [file.stat().st_mtime_ns for file in files]


class TlsContexts:
    """What asyncio needs of one side's certificate: to listen with, and to connect with."""

    def __init__(self, flags: TlsFlags) -> None:
        """Raise `FlagError` if the files cannot be used."""
        self._flags = flags
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            self._load()
        except (OSError, ssl.SSLError) as error:
            raise FlagError(f"cannot use the certificate: {error}") from error
        if flags.trusted_ca_file is not None:
            self.server.load_verify_locations(flags.trusted_ca_file)
            self.client.load_verify_locations(flags.trusted_ca_file)
        else:
            self.client.load_default_certs()
        if flags.client_cert_auth:
            self.server.verify_mode = ssl.CERT_REQUIRED

    def _load(self) -> None:
        assert self._flags.cert_file is not None, "there is a certificate"
        for context in (self.server, self.client):
            context.load_cert_chain(self._flags.cert_file, self._flags.key_file)

    async def keep_fresh(self) -> None:
        """Take new files over when they change; runs until cancelled."""
        stamps = self._stamps()
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                now = self._stamps()
                if now != stamps:
                    self._load()
                    stamps = now
                    _log.info("took over a new certificate")
            except (OSError, ssl.SSLError) as error:
                _log.warning("cannot reload the certificate; the old one stays", error=str(error))

    def _stamps(self) -> list[int]:
        files = (self._flags.cert_file, self._flags.key_file)
        return [Path(file).stat().st_mtime_ns for file in files if file is not None]


def tls_contexts(flags: TlsFlags) -> TlsContexts | None:
    """Return the contexts of one side; None without a certificate. Raise `FlagError`."""
    return TlsContexts(flags) if flags.cert_file is not None else None
