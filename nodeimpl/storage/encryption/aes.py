"""AES providers: `aesgcm` and `aescbc` (Kubernetes, EncryptionConfiguration).

Both bind what they store to its place. Deviation: Kubernetes' aescbc authenticates nothing, so a
wrong key gives garbage once in 256 times. Ours computes an HMAC-SHA-256 over place, IV and
ciphertext (encrypt-then-MAC); both keys are derived from the configured one (RFC 5869).
"""

import hmac
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nodeimpl.storage.encryption.provider import Entropy, Refused, mark_of

KEY_BYTES: Final = (16, 24, 32)
"""Lengths of an AES key."""

_GCM_NONCE_BYTES: Final = 12
_GCM_TAG_BYTES: Final = 16
_BLOCK_BYTES: Final = 16
_MAC_BYTES: Final = 32
_WRONG_KEY: Final = "wrong key, or not what was written here"


class AesGcm:
    """AES in Galois/counter mode with random nonces.

    One key must not write more than 2^32 times (NIST SP 800-38D, section 8.3).
    """

    def __init__(self, name: str, key: bytes, entropy: Entropy) -> None:
        self.mark = mark_of("aesgcm:v1", name)
        self._aead = AESGCM(key)
        self._entropy = entropy

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return nonce, ciphertext and tag."""
        nonce = self._entropy(_GCM_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, place)

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted; raise `Refused` if the tag does not fit."""
        if len(stored) < _GCM_NONCE_BYTES + _GCM_TAG_BYTES:
            raise Refused(f"{len(stored)} bytes are too few")
        try:
            return self._aead.decrypt(stored[:_GCM_NONCE_BYTES], stored[_GCM_NONCE_BYTES:], place)
        except InvalidTag:
            raise Refused(_WRONG_KEY) from None


class AesCbc:
    """AES in cipher block chaining mode with PKCS #7 padding, and a MAC over it."""

    def __init__(self, name: str, key: bytes, entropy: Entropy) -> None:
        self.mark = mark_of("aescbc:v1", name)
        derived = HKDF(
            hashes.SHA256(), len(key) + _MAC_BYTES, salt=None, info=b"quorate aescbc v1"
        ).derive(key)
        self._algorithm = algorithms.AES(derived[: len(key)])
        self._mac_key = derived[len(key) :]
        self._entropy = entropy

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return IV, ciphertext and MAC."""
        iv = self._entropy(_BLOCK_BYTES)
        padding = _BLOCK_BYTES - len(plain) % _BLOCK_BYTES
        encryptor = Cipher(self._algorithm, modes.CBC(iv)).encryptor()
        body = iv + encryptor.update(plain + bytes((padding,)) * padding) + encryptor.finalize()
        return body + self._mac(body, place)

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted; raise `Refused` if the MAC does not fit."""
        if len(stored) < 2 * _BLOCK_BYTES + _MAC_BYTES:
            raise Refused(f"{len(stored)} bytes are too few")
        body = stored[:-_MAC_BYTES]
        if not hmac.compare_digest(self._mac(body, place), stored[-_MAC_BYTES:]):
            raise Refused(_WRONG_KEY)
        decryptor = Cipher(self._algorithm, modes.CBC(body[:_BLOCK_BYTES])).decryptor()
        padded = decryptor.update(body[_BLOCK_BYTES:]) + decryptor.finalize()
        return padded[: -padded[-1]]  # Ours: the MAC fits.

    def _mac(self, body: bytes, place: bytes) -> bytes:
        head = struct.pack(">I", len(place)) + place
        return hmac.digest(self._mac_key, head + body, "sha256")
