"""A reference key management service: `python -m nodeimpl.kms_plugin`.

It keeps its keys in a file, which is no better kept than the data it protects: it is for tests and
as an example. A real one asks a hardware module or a cloud's service.

    {"keys": [{"id": "2", "secret": "<base64, 32 bytes>"}, {"id": "1", "secret": "..."}]}

The first key wraps, each unwraps what it wrapped. The file is read anew whenever it has changed.
"""

import secrets
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

import click
import grpc
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import Message

from nodeimpl.api.kms_pb2 import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    StatusRequest,
    StatusResponse,
)
from nodeimpl.storage.directories import write_durably

SERVICE: Final = "v2.KeyManagementService"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_THREADS: Final = 4

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that wraps keys."""

    id: str
    secret: bytes


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    keys: tuple[Key, ...]


class KeyFile:
    """The keys in a file, as they are now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = -1
        self._keys: tuple[Key, ...] = ()

    def keys(self) -> tuple[Key, ...]:
        """Return the keys, at least one; raise `OSError` or `ValueError` if there are none."""
        stamp = self._path.stat().st_mtime_ns
        if stamp != self._stamp:
            keys = msgspec.json.decode(self._path.read_bytes(), type=Keys).keys
            if not keys or any(len(key.secret) != KEY_BYTES for key in keys):
                raise ValueError(f"{self._path}: expected keys of {KEY_BYTES} bytes")
            self._keys, self._stamp = keys, stamp
        return self._keys

    def rotate(self) -> str:
        """Put a new key in front, making the file if there is none; return its id."""
        old = self.keys() if self._path.exists() else ()
        new = Key(str(len(old) + 1), secrets.token_bytes(KEY_BYTES))
        write_durably(self._path, msgspec.json.encode(Keys((new, *old))))
        self._path.chmod(0o600)
        return new.id


class Plugin:
    """The service's three calls."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file

    def status(self, _: StatusRequest, context: grpc.ServicerContext) -> StatusResponse:
        """Say which key wraps now."""
        return StatusResponse(version="v2", healthz="ok", key_id=self._keys(context)[0].id)

    def encrypt(self, request: EncryptRequest, context: grpc.ServicerContext) -> EncryptResponse:
        """Wrap a key with the first of ours."""
        key = self._keys(context)[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        wrapped = AESGCM(key.secret).encrypt(nonce, request.plaintext, key.id.encode())
        return EncryptResponse(ciphertext=nonce + wrapped, key_id=key.id)

    def decrypt(self, request: DecryptRequest, context: grpc.ServicerContext) -> DecryptResponse:
        """Unwrap a key with the one of ours that wrapped it."""
        key = next((key for key in self._keys(context) if key.id == request.key_id), None)
        if key is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"there is no key {request.key_id}")
        nonce, wrapped = request.ciphertext[:_NONCE_BYTES], request.ciphertext[_NONCE_BYTES:]
        try:
            plain = AESGCM(key.secret).decrypt(nonce, wrapped, key.id.encode())
        except (InvalidTag, ValueError):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"key {key.id} did not wrap this")
        return DecryptResponse(plaintext=plain)

    def _keys(self, context: grpc.ServicerContext) -> tuple[Key, ...]:
        try:
            return self._file.keys()
        except (OSError, ValueError) as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def make_server(file: KeyFile, endpoint: str) -> grpc.Server:
    """Return a server, not started yet, that serves at `unix:///path`."""
    plugin = Plugin(file)
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    handlers = {
        "Status": _handler(plugin.status, StatusRequest),
        "Encrypt": _handler(plugin.encrypt, EncryptRequest),
        "Decrypt": _handler(plugin.decrypt, DecryptRequest),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"unix:{endpoint.removeprefix('unix://')}")
    return server


def _handler(
    call: Callable[[_Request, grpc.ServicerContext], _Response], request_type: type[_Request]
) -> "grpc.RpcMethodHandler[Message, Message]":
    return grpc.unary_unary_rpc_method_handler(
        call,
        request_deserializer=request_type.FromString,
        response_serializer=_serialized,
    )


def _serialized(response: Message) -> bytes:
    return response.SerializeToString()


@click.command()
@click.option(
    "--keys", "path", required=True, type=click.Path(path_type=Path), help="The key file."
)
@click.option("--listen", "endpoint", help="Serve here: unix:///path.")
@click.option("--rotate", is_flag=True, help="Put a new key in front of the others first.")
def main(path: Path, endpoint: str | None, rotate: bool) -> None:  # noqa: FBT001 - click's way
    """Serve Kubernetes' KMS v2 API, with keys from a file."""
    file = KeyFile(path)
    try:
        if rotate:
            click.echo(f"keys are wrapped with {file.rotate()} from now on")
        file.keys()
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if endpoint is None:
        return
    if not endpoint.startswith("unix:///"):
        raise click.UsageError(f"--listen {endpoint}: expected unix:///path")
    server = make_server(file, endpoint)
    server.start()
    click.echo(f"serving at {endpoint}")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
