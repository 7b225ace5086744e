"""Tokens that say whose they are."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nodeimpl.boundary import ByClaims
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.signed_tokens import SignedTokens, signed_tokens

LONG_AGO, LATER = 1_000_000.0, 32_503_680_000.0


def write_keys(
    directory: Path, name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> str:
    """Write a pair of keys; return the flag's options that name them."""
    private, public = directory / f"{name}.key", directory / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return f"pub-key={public},priv-key={private}"


def options(directory: Path, method: str, name: str = "own") -> str:
    """Return the flag for a method, with new keys of the right kind."""
    match method[:2]:
        case "HS":
            (directory / name).write_bytes(b"a secret of more bytes than its hash has: " * 2)
            keys = f"priv-key={directory / name}"
        case "ES":
            keys = write_keys(directory, name, ec.generate_private_key(ec.SECP256R1()))
        case _:
            keys = write_keys(directory, name, rsa.generate_private_key(65537, 2048))
    return f"jwt,sign-method={method},{keys}"


def made(flag: str) -> SignedTokens:
    tokens = signed_tokens(flag)
    assert tokens is not None
    return tokens


@pytest.mark.parametrize("method", ["RS256", "PS512", "ES256", "HS256"])
def test_who_is_given_a_token_is_known_by_it(tmp_path: Path, method: str) -> None:
    tokens = made(options(tmp_path, method))
    token = tokens.made_for("alice", 7, LATER)
    assert token is not None
    assert tokens.claims_of(token) == ByClaims("alice", 7)
    assert jwt.get_unverified_header(token)["alg"] == method


def test_the_time_of_a_token_ends(tmp_path: Path) -> None:
    tokens = made(options(tmp_path, "HS256") + ",ttl=10m")
    token = tokens.made_for("alice", 7, LONG_AGO)
    assert token is not None
    assert tokens.claims_of(token) is None
    told: dict[str, int] = jwt.decode(token, options={"verify_signature": False})
    assert told["exp"] == LONG_AGO + 600


def test_a_token_of_another_key_is_worth_nothing(tmp_path: Path) -> None:
    ours = made(options(tmp_path, "ES256", "ours"))
    theirs = made(options(tmp_path, "ES256", "theirs"))
    token = theirs.made_for("root", 7, LATER)
    assert token is not None
    assert ours.claims_of(token) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"username": "root", "revision": 7},  # for ever
        {"username": "root", "exp": int(LATER)},
        {"revision": 7, "exp": int(LATER)},
        {"username": 5, "revision": 7, "exp": int(LATER)},
    ],
)
def test_a_token_that_says_too_little_is_worth_nothing(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    tokens = made(options(tmp_path, "HS256"))
    secret = (tmp_path / "own").read_bytes()
    assert tokens.claims_of(jwt.encode(claims, secret, algorithm="HS256")) is None


@pytest.mark.parametrize("token", ["", "chance.17", "a.b.c"])
def test_what_is_no_such_token_is_worth_nothing(tmp_path: Path, token: str) -> None:
    assert made(options(tmp_path, "HS256")).claims_of(token) is None


def test_an_unsigned_token_is_worth_nothing(tmp_path: Path) -> None:
    claims = {"username": "root", "revision": 7, "exp": int(LATER)}
    unsigned = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]  # it takes none
    assert made(options(tmp_path, "RS256")).claims_of(unsigned) is None


def test_without_the_private_key_tokens_are_read_and_not_made(tmp_path: Path) -> None:
    flag = options(tmp_path, "RS256")
    token = made(flag).made_for("alice", 7, LATER)
    reading = made(flag.partition(",priv-key=")[0])
    assert token is not None
    assert reading.claims_of(token) == ByClaims("alice", 7)
    assert reading.made_for("alice", 7, LATER) is None


def test_simple_tokens_are_not_signed() -> None:
    assert signed_tokens("simple") is None


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("magic", "expected simple, or jwt"),
        ("simple,ttl=5m", "expected simple, or jwt"),
        ("jwt", "expected a sign-method"),
        ("jwt,sign-method=none", "expected a sign-method"),
        ("jwt,sign-method=RS256", "RS256 needs a pub-key"),
        ("jwt,sign-method=HS256", "HS256 needs a priv-key"),
        ("jwt,sign-method=RS256,pub-key=/nowhere", "No such file"),
        ("jwt,sign-method=HS256,ttl=soon", "expected a ttl"),
        ("jwt,sign-method=HS256,colour=red", "no option of jwt is called 'colour'"),
    ],
)
def test_a_flag_that_means_nothing_is_refused(flag: str, reason: str) -> None:
    with pytest.raises(FlagError, match=reason):
        signed_tokens(flag)


def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    options(tmp_path, "ES256", "one")
    options(tmp_path, "ES256", "two")
    keys = f"pub-key={tmp_path / 'one.pub'},priv-key={tmp_path / 'two.key'}"
    with pytest.raises(FlagError, match="do not belong together"):
        signed_tokens(f"jwt,sign-method=ES256,{keys}")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    keys = options(tmp_path, "ES256").removeprefix("jwt,sign-method=ES256,")
    with pytest.raises(FlagError, match="invalid value"):
        signed_tokens(f"jwt,sign-method=RS256,{keys}")
