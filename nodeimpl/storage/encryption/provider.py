"""One way to encrypt, one key: what the ordered list is made of.

What a provider stores begins with a mark of its own, which names the way, its version and the key:

    quorate:enc:aesgcm:v1:key1:<nonce, ciphertext, tag>

as in Kubernetes (`k8s:enc:aesgcm:v1:key1:`). So a reader knows which key it needs, and keys rotate:
add the new one in front, rewrite, remove the old one.
"""

from collections.abc import Callable
from typing import Final, Protocol

Entropy = Callable[[int], bytes]
"""Returns so many bytes that nobody can predict."""

MARK: Final = b"quorate:enc:"
"""What everything stored begins with, but plain bytes of the identity provider."""


def mark_of(way: str, name: str) -> bytes:
    """Return what bytes stored by this way and key begin with."""
    return MARK + f"{way}:{name}:".encode()


class Refused(Exception):  # noqa: N818  (it says what the provider did)
    """A provider cannot read bytes that bear its mark; the message says why."""


class Provider(Protocol):
    """Encrypts and decrypts with one key."""

    @property
    def mark(self) -> bytes:
        """What all it stores begins with; empty for the identity provider."""

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return what to store behind the mark."""

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted, given what stands behind the mark; raise `Refused` if none."""
