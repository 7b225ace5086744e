"""Every provider, and the ordered list of them: what is read, and what is refused."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.storage.cipher import CipherError
from nodeimpl.storage.encryption.aes import AesCbc, AesGcm
from nodeimpl.storage.encryption.kms import KeyStatus, Kms, KmsError, Wrapped
from nodeimpl.storage.encryption.provider import MARK, Provider, Refused
from nodeimpl.storage.encryption.providers import PLAIN, Identity, Providers
from nodeimpl.storage.encryption.secretbox import Secretbox

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


class PretendedService:
    """A key management service that wraps by turning bytes around, and counts what it is asked."""

    def __init__(self) -> None:
        self.key_id = "1"
        self.healthz = "ok"
        self.asked: list[str] = []
        self.is_down = False

    def status(self) -> KeyStatus:
        self._ask("status")
        return KeyStatus("v2", self.healthz, self.key_id)

    def wrap(self, plain: bytes) -> Wrapped:
        self._ask("wrap")
        return Wrapped(plain[::-1], self.key_id, {"kms.example.com": b"1"})

    def unwrap(self, wrapped: Wrapped) -> bytes:
        self._ask("unwrap")
        if wrapped.annotations != {"kms.example.com": b"1"}:
            raise KmsError("what was annotated is lost")
        return wrapped.ciphertext[::-1]

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.is_down:
            raise KmsError("nobody answers")


def providers_of(key: bytes) -> dict[str, Provider]:
    return {
        "aesgcm": AesGcm("key1", key, os.urandom),
        "aescbc": AesCbc("key1", key, os.urandom),
        "secretbox": Secretbox("key1", key, os.urandom),
        "kms": Kms("key1", PretendedService(), os.urandom),
    }


WITH_KEYS = ("aescbc", "aesgcm", "secretbox")
every_way = pytest.mark.parametrize("way", [*WITH_KEYS, "kms"])
every_way_with_a_key = pytest.mark.parametrize("way", WITH_KEYS)


@every_way
@given(plain=st.binary(max_size=100), place=st.binary(max_size=20))
def test_what_was_encrypted_is_decrypted(way: str, plain: bytes, place: bytes) -> None:
    cipher = Providers((providers_of(KEY)[way],))
    stored = cipher.encrypt(plain, place)
    assert stored.startswith(MARK + way.encode())
    assert cipher.decrypt(stored, place) == plain


@every_way
def test_equal_bytes_are_stored_differently(way: str) -> None:
    cipher = Providers((providers_of(KEY)[way],))
    assert cipher.encrypt(b"same", b"") != cipher.encrypt(b"same", b"")


@every_way
def test_bytes_moved_to_another_place_are_refused(way: str) -> None:
    cipher = Providers((providers_of(KEY)[way],))
    with pytest.raises(CipherError, match="b'there'"):
        cipher.decrypt(cipher.encrypt(b"plain", b"here"), b"there")


@every_way
def test_any_changed_bit_is_refused(way: str) -> None:
    provider = providers_of(KEY)[way]
    stored = provider.encrypt(b"plain", b"here")
    for number in range(8 * len(stored)):
        changed = bytearray(stored)
        changed[number // 8] ^= 1 << number % 8
        with pytest.raises(Refused):
            provider.decrypt(bytes(changed), b"here")


@every_way
def test_any_cut_is_refused(way: str) -> None:
    provider = providers_of(KEY)[way]
    stored = provider.encrypt(b"plain", b"here")
    for length in range(len(stored)):
        with pytest.raises(Refused):
            provider.decrypt(stored[:length], b"here")


@every_way_with_a_key
def test_a_wrong_key_of_the_same_name_is_refused_always(way: str) -> None:
    right, wrong = providers_of(KEY)[way], Providers((providers_of(OTHER_KEY)[way],))
    for _ in range(300):  # Padding alone would let one in 256 pass.
        stored = Providers((right,)).encrypt(b"plain", b"here")
        with pytest.raises(CipherError, match="wrong key"):
            wrong.decrypt(stored, b"here")


def test_a_missing_key_is_named() -> None:
    stored = Providers((AesGcm("old", KEY, os.urandom),)).encrypt(b"plain", b"here")
    cipher = Providers((AesCbc("new", KEY, os.urandom), Identity()))
    with pytest.raises(CipherError, match=r"aesgcm:v1:old.*only.*aescbc:v1:new.*, identity"):
        cipher.decrypt(stored, b"here")


def test_what_is_not_encrypted_is_refused_without_the_identity_provider() -> None:
    cipher = Providers((AesGcm("key1", KEY, os.urandom),))
    with pytest.raises(CipherError, match="it is not encrypted"):
        cipher.decrypt(b"plain", b"here")


def test_without_configuration_what_is_encrypted_is_refused() -> None:
    stored = Providers((AesGcm("key1", KEY, os.urandom),)).encrypt(b"plain", b"here")
    with pytest.raises(CipherError, match=r"aesgcm:v1:key1"):
        PLAIN.decrypt(stored, b"here")


@given(plain=st.binary(max_size=20) | st.binary(max_size=20).map(lambda tail: MARK + tail))
def test_plain_bytes_are_never_taken_for_encrypted_ones(plain: bytes) -> None:
    stored = PLAIN.encrypt(plain, b"")
    assert PLAIN.decrypt(stored, b"") == plain
    both = Providers((AesGcm("key1", KEY, os.urandom), Identity()))
    assert both.decrypt(stored, b"") == plain


def test_keys_rotate() -> None:
    old, new = AesGcm("old", OTHER_KEY, os.urandom), Secretbox("new", KEY, os.urandom)
    plain, encrypted = PLAIN.encrypt(b"1", b""), Providers((old,)).encrypt(b"2", b"")
    both = Providers((new, old, Identity()))
    assert (both.decrypt(plain, b""), both.decrypt(encrypted, b"")) == (b"1", b"2")
    assert not both.is_current(plain)
    assert not both.is_current(encrypted)
    rewritten = both.encrypt(b"2", b"")
    assert both.is_current(rewritten)
    assert Providers((new,)).decrypt(rewritten, b"") == b"2"


def test_a_service_is_asked_once_per_data_key() -> None:
    service = PretendedService()
    writer = Kms("vault", service, os.urandom)
    stored = [writer.encrypt(b"%d" % number, b"") for number in range(100)]
    reader = Kms("vault", service, os.urandom)
    assert [reader.decrypt(each, b"") for each in stored] == [b"%d" % n for n in range(100)]
    assert service.asked == ["wrap", "unwrap"]


def test_a_new_data_key_is_made_when_the_service_wraps_with_another() -> None:
    service = PretendedService()
    kms = Kms("vault", service, os.urandom)
    first = kms.refresh()
    again = kms.refresh()
    service.key_id = "2"
    assert (first, again, kms.refresh()) == (True, False, True)
    assert service.asked.count("wrap") == 2


def test_a_data_key_is_not_used_too_often() -> None:
    service = PretendedService()
    kms = Kms("vault", service, os.urandom, uses_max=10)
    for _ in range(25):
        kms.encrypt(b"", b"")
    assert service.asked == ["wrap"] * 3


def test_a_service_that_does_not_answer_is_told() -> None:
    service = PretendedService()
    stored = Providers((Kms("vault", service, os.urandom),)).encrypt(b"", b"")
    service.is_down = True
    with pytest.raises(CipherError, match="nobody answers"):
        Providers((Kms("vault", service, os.urandom),)).decrypt(stored, b"")


def test_a_service_that_is_not_well_is_told() -> None:
    service = PretendedService()
    service.healthz = "the module is sealed"
    with pytest.raises(KmsError, match="the module is sealed"):
        Kms("vault", service, os.urandom).refresh()
