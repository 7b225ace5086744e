"""The reference plugin over a real unix socket, and the node's client of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nodeimpl.kms_plugin import KeyFile, main, make_server
from nodeimpl.storage.cipher import CipherError
from nodeimpl.storage.encryption.configuration import EncryptionConfigurationError
from nodeimpl.storage.encryption.kms import KmsError, Wrapped
from nodeimpl.storage.encryption.kms_client import KmsClient, open_providers, refresh

CONFIGURATION = """
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: ["*.*"]
    providers:
      - kms: {{apiVersion: v2, name: vault, endpoint: "{endpoint}", timeout: 500ms}}
"""


class Machine:
    """A plugin that serves, its key file, and a node's configuration."""

    def __init__(self, directory: Path) -> None:
        self.file = KeyFile(directory / "keys.json")
        self.file.rotate()
        self.endpoint = f"unix://{directory}/kms.sock"
        self.configuration = directory / "encryption.yaml"
        self.configuration.write_text(CONFIGURATION.format(endpoint=self.endpoint))
        self.server = make_server(KeyFile(directory / "keys.json"), self.endpoint)
        self.server.start()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.server.stop(grace=None).wait()


def test_a_node_encrypts_with_a_key_that_the_plugin_keeps(machine: Machine) -> None:
    stored = open_providers(machine.configuration, os.urandom).encrypt(b"plain", b"here")
    assert b"plain" not in stored
    assert stored.startswith(b"quorate:enc:kms:v2:vault:")
    assert open_providers(machine.configuration, os.urandom).decrypt(stored, b"here") == b"plain"


def test_a_rotated_key_is_followed_and_the_old_one_still_read(machine: Machine) -> None:
    providers = open_providers(machine.configuration, os.urandom)
    old = providers.encrypt(b"old", b"")
    unchanged = refresh(providers)
    machine.file.rotate()
    assert (unchanged, refresh(providers)) == (False, True)
    new = providers.encrypt(b"new", b"")
    again = open_providers(machine.configuration, os.urandom)
    assert (again.decrypt(old, b""), again.decrypt(new, b"")) == (b"old", b"new")


def test_a_key_the_plugin_does_not_have_is_told(machine: Machine) -> None:
    client = KmsClient(machine.endpoint, 5.0)
    wrapped = client.wrap(b"a key")
    with pytest.raises(KmsError, match="NOT_FOUND: there is no key 77"):
        client.unwrap(Wrapped(wrapped.ciphertext, "77", {}))
    with pytest.raises(KmsError, match="INVALID_ARGUMENT: key 1 did not wrap this"):
        client.unwrap(Wrapped(wrapped.ciphertext[:-1], "1", {}))
    client.close()


def test_a_node_whose_plugin_does_not_answer_does_not_start(machine: Machine) -> None:
    stored = open_providers(machine.configuration, os.urandom).encrypt(b"plain", b"here")
    reading = open_providers(machine.configuration, os.urandom)
    machine.server.stop(grace=None).wait()
    with pytest.raises(EncryptionConfigurationError, match="Status: DEADLINE_EXCEEDED"):
        open_providers(machine.configuration, os.urandom)
    with pytest.raises(CipherError, match="does not unwrap the key"):
        reading.decrypt(stored, b"here")


def test_the_command_makes_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for number in ("1", "2"):
        result = CliRunner().invoke(main, ["--keys", str(path), "--rotate"])
        assert result.output == f"keys are wrapped with {number} from now on\n"
    keys = KeyFile(path).keys()
    assert [key.id for key in keys] == ["2", "1"]
    assert path.stat().st_mode & 0o077 == 0


def test_the_command_refuses_a_damaged_key_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"keys": []}')
    result = CliRunner().invoke(main, ["--keys", str(path)])
    assert (result.exit_code, "expected keys of 32 bytes" in result.output) == (1, True)
