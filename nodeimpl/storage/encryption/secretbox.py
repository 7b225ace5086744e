"""The `secretbox` provider: XSalsa20 and Poly1305 (Kubernetes, EncryptionConfiguration; NaCl)."""

import hashlib
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from nodeimpl.storage.encryption.provider import Entropy, Refused, mark_of

KEY_BYTES: Final = SecretBox.KEY_SIZE
"""The length of a key: 32."""

_PLACE_BYTES: Final = 16


class Secretbox:
    """NaCl's secretbox with random nonces, which are long enough for any number of writes.

    A secretbox authenticates only what is in it, so a digest of the place is put in first.
    """

    def __init__(self, name: str, key: bytes, entropy: Entropy) -> None:
        self.mark = mark_of("secretbox:v1", name)
        self._box = SecretBox(key)
        self._entropy = entropy

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return nonce, tag and ciphertext."""
        nonce = self._entropy(SecretBox.NONCE_SIZE)
        return bytes(self._box.encrypt(_digest(place) + plain, nonce))

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted; raise `Refused` if tag or place do not fit."""
        if len(stored) < SecretBox.NONCE_SIZE + SecretBox.MACBYTES + _PLACE_BYTES:
            raise Refused(f"{len(stored)} bytes are too few")
        try:
            opened = self._box.decrypt(stored)
        except CryptoError:
            raise Refused("wrong key, or not what was written here") from None
        if opened[:_PLACE_BYTES] != _digest(place):
            raise Refused("these bytes were written at another place")
        return opened[_PLACE_BYTES:]


def _digest(place: bytes) -> bytes:
    return hashlib.sha256(place).digest()[:_PLACE_BYTES]
