"""The ordered providers from a file of Kubernetes' form (apiserver.config.k8s.io/v1).

    apiVersion: apiserver.config.k8s.io/v1
    kind: EncryptionConfiguration
    resources:
      - resources: ["*.*"]
        providers:
          - aesgcm:
              keys:
                - {name: key2, secret: <base64>}
                - {name: key1, secret: <base64>}
          - kms: {apiVersion: v2, name: vault, endpoint: unix:///run/kms.sock, timeout: 3s}
          - identity: {}

The first key of the first provider writes, every other one reads. There is one list: a node has no
resources that could be encrypted each in its own way, and what `resources` names is not looked at.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import yaml

from nodeimpl.storage.encryption import aes, secretbox
from nodeimpl.storage.encryption.aes import AesCbc, AesGcm
from nodeimpl.storage.encryption.kms import KeyService, Kms
from nodeimpl.storage.encryption.provider import Entropy, Provider
from nodeimpl.storage.encryption.providers import Identity, Providers
from nodeimpl.storage.encryption.secretbox import Secretbox

API_VERSION: Final = "apiserver.config.k8s.io/v1"
KIND: Final = "EncryptionConfiguration"
KMS_TIMEOUT_DEFAULT: Final = "3s"

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)")
_UNITS_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}

Connect = Callable[[str, float], KeyService]
"""Returns the key management service at an endpoint, with a timeout in seconds."""


class EncryptionConfigurationError(Exception):
    """A file that names no usable providers; the message says where and why, and no secret."""


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    secret: str


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[_Key]


class _Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Kms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    endpoint: str
    api_version: str = "v2"
    timeout: str = KMS_TIMEOUT_DEFAULT


class _Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    aesgcm: _Keys | None = None
    aescbc: _Keys | None = None
    secretbox: _Keys | None = None
    kms: _Kms | None = None
    identity: _Identity | None = None


class _Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resources: list[str]
    providers: list[_Provider]


class _Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    api_version: str
    kind: str
    resources: list[_Resource]


def read_providers(text: str, entropy: Entropy, connect: Connect) -> Providers:
    """Return the providers that the text of a file names, in its order.

    Services are connected to, and not asked yet. Raises `EncryptionConfigurationError`.
    """
    providers: list[Provider] = []
    for position, entry in enumerate(_parsed(text).providers):
        providers += _providers_of(entry, f"providers[{position}]", entropy, connect)
    if not providers:
        raise EncryptionConfigurationError("no providers")
    marks = [provider.mark for provider in providers]
    for mark in marks:
        if marks.count(mark) > 1:
            raise EncryptionConfigurationError(f"two providers are alike: {mark.decode()!r}")
    return Providers(providers)


def _parsed(text: str) -> _Resource:
    """Return the one list of providers that the text holds."""
    try:
        configuration = msgspec.convert(yaml.safe_load(text), _Configuration)
    except yaml.YAMLError as error:
        # Its own message would show the line, and the secret that may stand there.
        raise EncryptionConfigurationError(f"not YAML{_position(error)}") from None
    except msgspec.ValidationError as error:
        raise EncryptionConfigurationError(str(error)) from None
    if (configuration.api_version, configuration.kind) != (API_VERSION, KIND):
        raise EncryptionConfigurationError(
            f"a {configuration.kind} of {configuration.api_version}, expected {KIND} of "
            f"{API_VERSION}"
        )
    if len(configuration.resources) != 1:
        raise EncryptionConfigurationError(
            f"{len(configuration.resources)} entries in resources, expected one: there is one "
            "list of providers for everything"
        )
    return configuration.resources[0]


def _providers_of(
    entry: _Provider, where: str, entropy: Entropy, connect: Connect
) -> Sequence[Provider]:
    """Return a provider for each key of one entry."""
    given = [name for name in entry.__struct_fields__ if getattr(entry, name) is not None]
    if len(given) != 1:
        raise EncryptionConfigurationError(
            f"{where}: expected one of {', '.join(entry.__struct_fields__)}, not "
            f"{' and '.join(given) or 'none'}"
        )
    if entry.aesgcm is not None:
        keys = _keys(entry.aesgcm, aes.KEY_BYTES, f"{where}.aesgcm")
        return [AesGcm(name, secret, entropy) for name, secret in keys]
    if entry.aescbc is not None:
        keys = _keys(entry.aescbc, aes.KEY_BYTES, f"{where}.aescbc")
        return [AesCbc(name, secret, entropy) for name, secret in keys]
    if entry.secretbox is not None:
        keys = _keys(entry.secretbox, (secretbox.KEY_BYTES,), f"{where}.secretbox")
        return [Secretbox(name, secret, entropy) for name, secret in keys]
    if entry.kms is not None:
        return [_kms(entry.kms, f"{where}.kms", entropy, connect)]
    return [Identity()]


def _keys(given: _Keys, lengths: tuple[int, ...], where: str) -> list[tuple[str, bytes]]:
    """Return names and secrets."""
    if not given.keys:
        raise EncryptionConfigurationError(f"{where}: no keys")
    found: list[tuple[str, bytes]] = []
    for position, key in enumerate(given.keys):
        _check_name(key.name, f"{where}.keys[{position}]")
        try:
            secret = base64.b64decode(key.secret, validate=True)
        except binascii.Error:
            raise EncryptionConfigurationError(
                f"{where}.keys[{position}]: the secret of {key.name!r} is not base64"
            ) from None
        if len(secret) not in lengths:
            raise EncryptionConfigurationError(
                f"{where}.keys[{position}]: the secret of {key.name!r} has {len(secret)} bytes, "
                f"expected {' or '.join(map(str, lengths))}"
            )
        found.append((key.name, secret))
    return found


def _kms(given: _Kms, where: str, entropy: Entropy, connect: Connect) -> Kms:
    _check_name(given.name, where)
    if given.api_version != "v2":
        raise EncryptionConfigurationError(f"{where}: apiVersion {given.api_version}, expected v2")
    if not given.endpoint.startswith("unix:///"):
        raise EncryptionConfigurationError(
            f"{where}: endpoint {given.endpoint}, expected unix:///path"
        )
    duration = _DURATION.fullmatch(given.timeout)
    if duration is None:
        raise EncryptionConfigurationError(f"{where}: timeout {given.timeout!r}, expected e.g. 3s")
    seconds = float(duration[1]) * _UNITS_SECONDS[duration[2]]
    return Kms(given.name, connect(given.endpoint, seconds), entropy)


def _check_name(name: str, where: str) -> None:
    if not name or ":" in name or not name.isascii() or not name.isprintable():
        raise EncryptionConfigurationError(
            f"{where}: the name {name!r} must be printable ASCII, and have no colon"
        )


def _position(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f" (line {error.problem_mark.line + 1})"
    return ""
