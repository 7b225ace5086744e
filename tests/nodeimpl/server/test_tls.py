"""Contexts of one side's certificate, and what becomes of them when its files change."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest

from nodeimpl.server import tls
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import TlsFlags
from nodeimpl.server.tls import TlsContexts, client_credentials, tls_contexts
from tests.nodeimpl.server.certificates import make_certificates
from tests.nodeimpl.server.waiting import until

NOTHING = TlsFlags(cert_file=None, key_file=None, client_cert_auth=False, trusted_ca_file=None)


def flags_of(directory: Path, *, client_cert_auth: bool = False, name: str = "peer") -> TlsFlags:
    return TlsFlags(
        cert_file=str(directory / f"{name}.crt"),
        key_file=str(directory / f"{name}.key"),
        client_cert_auth=client_cert_auth,
        trusted_ca_file=str(directory / "ca.crt"),
    )


def agree(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """Return the certificate that the client has shown, once both ends agree; raise `SSLError`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for end in (asking, answering, asking, answering):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    asking.write(b"x")
    answering.read()
    return answering.getpeercert(binary_form=True)


def test_without_a_certificate_there_is_nothing_to_show() -> None:
    assert tls_contexts(NOTHING) is None
    assert client_credentials(NOTHING) is None


def test_members_of_one_authority_trust_each_other(tmp_path: Path) -> None:
    contexts = TlsContexts(flags_of(make_certificates(tmp_path), client_cert_auth=True))
    assert agree(contexts.server, contexts.client) is not None


def test_who_shows_no_certificate_is_refused_where_one_is_asked_for(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    contexts = TlsContexts(flags_of(tmp_path, client_cert_auth=True))
    bare = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        agree(contexts.server, bare)


def test_who_shows_no_certificate_is_welcome_where_none_is_asked_for(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    contexts = TlsContexts(flags_of(tmp_path))
    bare = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    assert agree(contexts.server, bare) is None


def test_a_stranger_is_refused(tmp_path: Path) -> None:
    ours = TlsContexts(flags_of(make_certificates(tmp_path / "a"), client_cert_auth=True))
    theirs = TlsContexts(flags_of(make_certificates(tmp_path / "b"), client_cert_auth=True))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        agree(ours.server, theirs.client)


@pytest.mark.parametrize("spoil", ["missing", "nonsense"])
def test_files_that_cannot_be_used_are_told_of(tmp_path: Path, spoil: str) -> None:
    flags = flags_of(make_certificates(tmp_path))
    if spoil == "missing":
        (tmp_path / "peer.crt").unlink()
        with pytest.raises(FlagError, match="cannot read the certificate"):
            client_credentials(flags)
    else:
        (tmp_path / "peer.crt").write_text("nonsense")
    with pytest.raises(FlagError, match="cannot use the certificate"):
        TlsContexts(flags)


def test_new_files_are_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "RELOAD_SECONDS", 0.01)
    directory = make_certificates(tmp_path / "used")
    contexts = TlsContexts(flags_of(directory))
    new = make_certificates(tmp_path / "new")
    trusting_new = ssl.create_default_context(cafile=str(new / "ca.crt"))

    def is_new() -> bool:
        try:
            agree(contexts.server, trusting_new)
        except ssl.SSLError:
            return False
        return True

    async def story() -> None:
        task = asyncio.ensure_future(contexts.keep_fresh())
        await asyncio.sleep(0.03)
        assert not is_new()
        (directory / "peer.key").write_text("half a file")
        os.utime(directory / "peer.key", ns=(1, 1))
        await asyncio.sleep(0.05)
        assert not task.done(), "what cannot be used is passed over"
        for name in ("peer.crt", "peer.key"):
            (directory / name).write_bytes((new / name).read_bytes())
        await until(is_new)
        task.cancel()

    asyncio.run(story())
