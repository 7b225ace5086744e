"""What storage asks of encryption at rest: bytes in, bytes out, bound to where they lie."""

from typing import Protocol


class CipherError(Exception):
    """Stored bytes that cannot be read: no key fits, or they are not what was written.

    The message names the place and what was expected. Nothing is ever returned instead.
    """


class Cipher(Protocol):
    """Turns what the node knows into what a disk may see, and back.

    `place` says where the bytes lie (a row's key, a record's number). It is no secret and is not
    stored; bytes that were moved to another place cannot be read there.
    """

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return what to store."""

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was given to `encrypt`; raise `CipherError` if that cannot be told."""
