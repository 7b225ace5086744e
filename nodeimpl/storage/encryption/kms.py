"""The `kms` provider: keys of our own making, wrapped by a service that keeps the key to them.

Envelope encryption (Kubernetes, KMS v2): a random data key encrypts, with AES-GCM, whatever is
stored; the service encrypts the data key, once; what it returns stands before everything that the
data key encrypted. So the service is asked once per data key, and not once per value:

    0                 2                     2 + length
    +-----------------+---------------------+------------------------+
    | wrapped length:2 | wrapped (MessagePack) | nonce, ciphertext, tag |
    +-----------------+---------------------+------------------------+

What stands before is bound to the ciphertext as its place is.

`refresh` makes a new data key when the service has begun to wrap with another key of its own.
"""

import struct
from collections import OrderedDict
from typing import Final, Protocol

import msgspec

from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.provider import Entropy, Refused, mark_of

DATA_KEY_BYTES: Final = 32
USES_MAX: Final = 1 << 31
"""How often one data key encrypts: half of what random nonces allow (NIST SP 800-38D, 8.3)."""
UNWRAPPED_MAX: Final = 1024
"""Data keys remembered; each was asked for once."""

_LENGTH = struct.Struct(">H")


class KmsError(Exception):
    """The service cannot be asked, or refuses; the message says why."""


class KeyStatus(msgspec.Struct, frozen=True):
    """What the service says of itself."""

    version: str
    healthz: str
    key_id: str


class Wrapped(msgspec.Struct, frozen=True, array_like=True):
    """A data key as the service encrypted it, and what it wants back to decrypt it."""

    ciphertext: bytes
    key_id: str
    annotations: dict[str, bytes]


class KeyService(Protocol):
    """Wraps and unwraps keys. Every call may take long, and may raise `KmsError`."""

    def status(self) -> KeyStatus:
        """Say which key it wraps with now."""

    def wrap(self, plain: bytes) -> Wrapped:
        """Encrypt a key."""

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Return the key that was wrapped."""


class _DataKey(msgspec.Struct):
    """The key that encrypts now."""

    head: bytes
    """What stands before all it encrypts."""
    key_id: str
    aead: AesGcm
    uses: int = 0


class Kms:
    """Encrypts under data keys that a service wraps."""

    def __init__(
        self, name: str, service: KeyService, entropy: Entropy, *, uses_max: int = USES_MAX
    ) -> None:
        self.mark = mark_of("kms:v2", name)
        self._service = service
        self._entropy = entropy
        self._uses_max = uses_max
        self._current: _DataKey | None = None
        self._unwrapped: OrderedDict[bytes, AesGcm] = OrderedDict()

    def refresh(self) -> bool:
        """Ask the service how it is, and make a new data key if it wraps with another key now.

        Return whether one was made. Raises `KmsError`.
        """
        status = self._service.status()
        if status.healthz != "ok":
            raise KmsError(f"the key management service is not well: {status.healthz}")
        if status.version not in {"v2", "v2beta1"}:
            raise KmsError(f"the key management service speaks {status.version}, not v2")
        if self._current is not None and self._current.key_id == status.key_id:
            return False
        self._current = self._new_data_key()
        return True

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return the wrapped data key, and what it encrypted. May raise `KmsError`."""
        current = self._current
        if current is None or current.uses >= self._uses_max:
            current = self._current = self._new_data_key()
        current.uses += 1
        return current.head + current.aead.encrypt(plain, current.head + place)

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted; raise `Refused`, also if the service cannot help."""
        if len(stored) < _LENGTH.size:
            raise Refused(f"{len(stored)} bytes are too few")
        (length,) = _LENGTH.unpack_from(stored)
        end = _LENGTH.size + length
        return self._aead(stored[_LENGTH.size : end]).decrypt(stored[end:], stored[:end] + place)

    def _new_data_key(self) -> _DataKey:
        data_key = self._entropy(DATA_KEY_BYTES)
        wrapped = self._service.wrap(data_key)
        packed = msgspec.msgpack.encode(wrapped)
        if len(packed) >= 1 << 16:
            raise KmsError(f"a wrapped key of {len(packed)} bytes is too long")
        head = _LENGTH.pack(len(packed)) + packed
        return _DataKey(head, wrapped.key_id, AesGcm("", data_key, self._entropy))

    def _aead(self, packed: bytes) -> AesGcm:
        """Return what decrypts under a wrapped data key; raise `Refused`."""
        aead = self._unwrapped.get(packed)
        if aead is not None:
            return aead
        try:
            data_key = self._service.unwrap(msgspec.msgpack.decode(packed, type=Wrapped))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refused("the wrapped key is damaged") from None
        except KmsError as error:
            raise Refused(f"the key management service does not unwrap the key: {error}") from None
        if len(data_key) != DATA_KEY_BYTES:
            raise Refused(f"the service unwrapped a key of {len(data_key)} bytes")
        aead = self._unwrapped[packed] = AesGcm("", data_key, self._entropy)
        if len(self._unwrapped) > UNWRAPPED_MAX:
            self._unwrapped.popitem(last=False)
        return aead
