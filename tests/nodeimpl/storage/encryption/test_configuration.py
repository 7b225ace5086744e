"""Files of Kubernetes' form: what is read of them, and which are refused."""

import base64
import os
from pathlib import Path

import pytest

from nodeimpl.storage.encryption.configuration import (
    EncryptionConfigurationError,
    read_providers,
)
from nodeimpl.storage.encryption.kms_client import open_providers
from nodeimpl.storage.encryption.providers import Providers
from tests.nodeimpl.storage.encryption.test_providers import PretendedService

KEY16 = base64.b64encode(b"secret is secure").decode()
KEY32 = base64.b64encode(b"This is a secret of 32 bytes ok!").decode()

HEAD = """
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: ["secrets", "configmaps"]
    providers:
"""

# After the example of Kubernetes' documentation (tasks/administer-cluster/encrypt-data).
EXAMPLE = f"""{HEAD}
      - aescbc:
          keys:
            - name: key1
              secret: {KEY32}
            - name: key2
              secret: {KEY16}
      - aesgcm: {{keys: [{{name: key1, secret: {KEY16}}}]}}
      - secretbox: {{keys: [{{name: key1, secret: {KEY32}}}]}}
      - kms: {{apiVersion: v2, name: vault, endpoint: "unix:///run/kms.sock", timeout: 500ms}}
      - identity: {{}}
"""


def read(text: str) -> Providers:
    return read_providers(text, os.urandom, lambda _, __: PretendedService())


def test_the_first_key_writes_and_all_read() -> None:
    cipher = read(EXAMPLE)
    assert cipher.writer.mark == b"quorate:enc:aescbc:v1:key1:"
    assert cipher.decrypt(cipher.encrypt(b"plain", b""), b"") == b"plain"
    others = f"""{HEAD}
      - aescbc: {{keys: [{{name: key2, secret: {KEY16}}}]}}
"""
    assert cipher.decrypt(read(others).encrypt(b"plain", b""), b"") == b"plain"
    assert cipher.decrypt(b"plain", b"") == b"plain"


def test_a_service_is_connected_with_its_timeout() -> None:
    connected: list[tuple[str, float]] = []

    def connect(endpoint: str, timeout_seconds: float) -> PretendedService:
        connected.append((endpoint, timeout_seconds))
        return PretendedService()

    read_providers(EXAMPLE, os.urandom, connect)
    assert connected == [("unix:///run/kms.sock", 0.5)]


def entry(text: str) -> str:
    return HEAD + "      - " + text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [b", r"not YAML \(line 1\)"),
        ("just words", "Expected `object`, got `str`"),
        (HEAD.replace("v1", "v2") + "      - identity: {}", "expected EncryptionConfiguration of"),
        (HEAD.replace("EncryptionC", "C") + "      - identity: {}", "a Configuration of"),
        (HEAD, "got `null`"),
        (HEAD + "      []", "no providers"),
        (HEAD + "      - {}", r"providers\[0\]: expected one of aesgcm, .*not none"),
        (entry("{identity: {}, kms: {name: a, endpoint: b}}"), "not kms and identity"),
        (entry("rot13: {}"), "unknown field `rot13`"),
        (entry("aescbc: {keys: []}"), r"providers\[0\].aescbc: no keys"),
        (entry("aescbc: {keys: [{name: 'a:b', secret: ''}]}"), "have no colon"),
        (entry("aescbc: {keys: [{name: a, secret: '?'}]}"), "secret of 'a' is not base64"),
        (entry("aescbc: {keys: [{name: a, secret: YWJj}]}"), "3 bytes, expected 16 or 24 or 32"),
        (entry(f"secretbox: {{keys: [{{name: a, secret: {KEY16}}}]}}"), "16 bytes, expected 32"),
        (entry("kms: {apiVersion: v1, name: a, endpoint: unix:///a}"), "apiVersion v1"),
        (entry("kms: {name: a, endpoint: tcp://a}"), "expected unix:///path"),
        (entry("kms: {name: a, endpoint: unix:///a, timeout: soon}"), "timeout 'soon'"),
        (entry("identity: {}\n      - identity: {}"), "two providers are alike"),
        (entry("identity: {}\n  - {resources: [], providers: []}"), "2 entries in resources"),
    ],
)
def test_what_names_no_usable_providers_is_refused(text: str, message: str) -> None:
    with pytest.raises(EncryptionConfigurationError, match=message):
        read(text)


def test_no_error_shows_a_secret() -> None:
    with pytest.raises(EncryptionConfigurationError) as raised:
        read(entry(f"aescbc: {{keys: [{{name: a, secret: {KEY32}}}, {{name: b, secret: ]}}]}}"))
    assert KEY32 not in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EncryptionConfigurationError, match="No such file"):
        open_providers(tmp_path / "absent.yaml", os.urandom)
