"""The key management service behind a unix socket (Kubernetes, KMS v2, gRPC).

The only module of storage that speaks to another process. Calls block: they are made at the start
and where keys rotate, not for every value (`kms`).
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message

from nodeimpl.api.kms_pb2 import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    StatusRequest,
    StatusResponse,
)
from nodeimpl.storage.encryption.configuration import (
    EncryptionConfigurationError,
    read_providers,
)
from nodeimpl.storage.encryption.kms import KeyStatus, Kms, KmsError, Wrapped
from nodeimpl.storage.encryption.provider import Entropy
from nodeimpl.storage.encryption.providers import Providers

SERVICE: Final = "/v2.KeyManagementService/"

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class KmsClient:
    """A `KeyService` on the other side of a unix socket."""

    def __init__(self, endpoint: str, timeout_seconds: float) -> None:
        """Connect when first used; `endpoint` is `unix:///path`, or `unix:///@abstract`."""
        self._endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._uids = itertools.count(1)
        self._channel = grpc.insecure_channel(_target(endpoint))
        self._status: Callable[[StatusRequest], StatusResponse] = self._method(
            "Status", StatusRequest, StatusResponse
        )
        self._encrypt: Callable[[EncryptRequest], EncryptResponse] = self._method(
            "Encrypt", EncryptRequest, EncryptResponse
        )
        self._decrypt: Callable[[DecryptRequest], DecryptResponse] = self._method(
            "Decrypt", DecryptRequest, DecryptResponse
        )

    def status(self) -> KeyStatus:
        """Say which key it wraps with now; raise `KmsError`."""
        response = self._status(StatusRequest())
        return KeyStatus(response.version, response.healthz, response.key_id)

    def wrap(self, plain: bytes) -> Wrapped:
        """Encrypt a key; raise `KmsError`."""
        response = self._encrypt(EncryptRequest(plaintext=plain, uid=self._uid()))
        return Wrapped(response.ciphertext, response.key_id, dict(response.annotations))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Return the key that was wrapped; raise `KmsError`."""
        request = DecryptRequest(
            ciphertext=wrapped.ciphertext,
            uid=self._uid(),
            key_id=wrapped.key_id,
            annotations=wrapped.annotations,
        )
        return self._decrypt(request).plaintext

    def close(self) -> None:
        """Let the connection go."""
        self._channel.close()

    def _uid(self) -> str:
        return f"quorate-{next(self._uids)}"

    def _method(
        self, name: str, request_type: type[_Request], response_type: type[_Response]
    ) -> Callable[[_Request], _Response]:
        call = self._channel.unary_unary(
            SERVICE + name,
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )

        def ask(request: _Request) -> _Response:
            try:
                return call(request, timeout=self._timeout_seconds, wait_for_ready=True)
            except grpc.RpcError as error:
                raise KmsError(f"{self._endpoint}: {name}: {_told(error)}") from error

        return ask


def open_providers(path: Path, entropy: Entropy) -> Providers:
    """Return the providers that a file names; a service that is to write must answer.

    Raises `EncryptionConfigurationError`. `entropy` makes nonces and keys.
    """
    try:
        providers = read_providers(path.read_text(), entropy, KmsClient)
        refresh(providers)
    except (OSError, UnicodeDecodeError, EncryptionConfigurationError, KmsError) as error:
        raise EncryptionConfigurationError(f"{path}: {error}") from error
    return providers


def refresh(providers: Providers) -> bool:
    """Follow the service that writes, if one does, to its newest key; return whether it moved.

    To be called every minute or so, in a thread: it blocks. Raises `KmsError`.
    """
    writer = providers.writer
    return isinstance(writer, Kms) and writer.refresh()


def _target(endpoint: str) -> str:
    """Return gRPC's name of a unix socket; `@` begins one without a file, as in Kubernetes."""
    path = endpoint.removeprefix("unix://")
    return f"unix-abstract:{path[2:]}" if path.startswith("/@") else f"unix:{path}"


def _told(error: object) -> str:
    """Return code and details of a failed call, on one line."""
    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details()}"
    return str(error)
