"""The ordered list of providers: the first one writes, each reads what bears its mark."""

from collections.abc import Sequence
from typing import Final

from nodeimpl.storage.cipher import CipherError
from nodeimpl.storage.encryption.provider import MARK, Provider, Refused

_ESCAPE: Final = MARK + b"identity:v1:"
"""Stands before plain bytes that begin with the mark, so that nobody takes them for encrypted."""
_MARK_SHOWN_MAX: Final = 80


class Identity:
    """Stores bytes as they are (Kubernetes, identity)."""

    mark: Final = b""

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return `plain`, escaped if it begins as something encrypted does."""
        del place  # Plain bytes can be moved by anybody.
        return _ESCAPE + plain if plain.startswith(MARK) else plain

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was given to `encrypt`; raise `Refused` for what other providers wrote."""
        del place
        if not stored.startswith(MARK):
            return stored
        if stored.startswith(_ESCAPE):
            return stored[len(_ESCAPE) :]
        raise Refused("these bytes are encrypted")


class Providers:
    """A `Cipher` over providers in the order of the configuration.

    A mark names one key. Should several providers bear the same, each is tried: all of them detect
    a wrong key.
    """

    def __init__(self, providers: Sequence[Provider]) -> None:
        assert providers, "somebody must write"
        self._providers = tuple(providers)
        self._writer = self._providers[0]
        self._writes_plain = not self._writer.mark

    @property
    def writer(self) -> Provider:
        """The provider that writes."""
        return self._writer

    @property
    def reads_others(self) -> bool:
        """Whether something may be stored that the first provider did not write."""
        return len(self._providers) > 1

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Return what the first provider makes of `plain`, behind its mark."""
        return self._writer.mark + self._writer.encrypt(plain, place)

    def decrypt(self, stored: bytes, place: bytes) -> bytes:
        """Return what was encrypted, by whichever provider; raise `CipherError` if none can."""
        if self._writes_plain and not stored.startswith(MARK):
            return stored  # The common case without encryption.
        reasons: list[str] = []
        for provider in self._providers:
            if _bears(stored, provider.mark):
                try:
                    return provider.decrypt(stored[len(provider.mark) :], place)
                except Refused as refused:
                    reasons.append(f"{_shown(provider.mark)}: {refused}")
        if reasons:
            raise CipherError(f"cannot read what is stored at {place!r}: {'; '.join(reasons)}")
        raise CipherError(
            f"cannot read what is stored at {place!r}: it begins with {_shown(stored)}, and no "
            f"provider for that is configured, only "
            f"{', '.join(_shown(provider.mark) for provider in self._providers)}"
        )

    def is_current(self, stored: bytes) -> bool:
        """Return whether `stored` is as the first provider would write it."""
        mark = self._writer.mark
        return stored.startswith(mark) if mark else not stored.startswith(MARK)


PLAIN: Final = Providers((Identity(),))
"""No encryption; and a clear error for what was encrypted."""


def _bears(stored: bytes, mark: bytes) -> bool:
    """Return whether `stored` was written by the provider of this mark."""
    if mark:
        return stored.startswith(mark)
    return not stored.startswith(MARK) or stored.startswith(_ESCAPE)


def _shown(stored: bytes) -> str:
    """Return the mark that `stored` begins with, for messages; no byte of what stands behind."""
    if not stored:
        return "identity"
    if not stored.startswith(MARK):
        return "no mark (it is not encrypted)"
    parts = stored[:_MARK_SHOWN_MAX].split(b":")
    mark = b":".join(parts[:5]) if parts[2:3] != [b"identity"] else b":".join(parts[:3])
    return repr(mark.decode("ascii", "backslashreplace"))
