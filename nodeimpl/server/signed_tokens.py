"""Tokens that say themselves whose they are: JSON Web Tokens (RFC 7519; etcd, auth/jwt.go).

    --auth-token jwt,sign-method=RS256,pub-key=FILE,priv-key=FILE,ttl=5m

The claims are etcd's: `username`, the auth `revision` as of which the password was right, `exp`.
Whoever has the public key can tell that a token is genuine, so tokens live through restarts; rights
that change end them, as the revision in them is old then. A member without the private key gives
none out. With HS256, HS384 and HS512 the private key alone is used, whatever bytes it is.
"""

from pathlib import Path
from typing import Final, TypeAlias, cast

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.boundary import ByClaims
from nodeimpl.ids import SECOND
from nodeimpl.server.flag_text import FlagError, parse_duration_ns

TTL_DEFAULT: Final = "5m"
METHODS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "HS256", "HS384", "HS512"),
)
VERIFY_ONLY: Final = ApiError(
    GrpcCode.UNKNOWN, "auth: token signing attempted with verify-only key", definite=True
)

SigningKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | bytes


class _Claims(msgspec.Struct, frozen=True):
    """What of a token's content matters here."""

    username: str
    revision: int


class SignedTokens:
    """Makes such tokens, and reads them."""

    def __init__(
        self, method: str, signing: SigningKey | None, verifying: bytes, ttl_seconds: float
    ) -> None:
        """Without `signing` none are made."""
        self._method = method
        self._signing = signing
        self._verifying = verifying
        self._ttl_seconds = ttl_seconds

    def made_for(self, user: str, auth_revision: int, now_seconds: float) -> str | None:
        """Return a token; None if this member makes none. Times are seconds of the epoch."""
        if self._signing is None:
            return None
        claims = {
            "username": user,
            "revision": auth_revision,
            "exp": int(now_seconds + self._ttl_seconds),
        }
        return jwt.encode(claims, self._signing, algorithm=self._method)

    def claims_of(self, token: str) -> ByClaims | None:
        """Return whose token it is; None if it is not genuine, or its time is over."""
        try:
            content = cast(
                "object",
                jwt.decode(
                    token,
                    self._verifying,
                    algorithms=[self._method],
                    options={"require": ["exp"]},
                ),
            )
            claims = msgspec.convert(content, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError):
            return None
        return ByClaims(claims.username, claims.revision)


def signed_tokens(text: str) -> SignedTokens | None:
    """Return what --auth-token asks for; None for simple tokens. Raise `FlagError`."""
    kind, *parts = text.split(",")
    if kind == "simple" and not parts:
        return None
    if kind != "jwt":
        raise _error(text, "expected simple, or jwt with its options")
    options = dict(part.partition("=")[::2] for part in parts)
    unknown = sorted(options.keys() - {"sign-method", "pub-key", "priv-key", "ttl"})
    if unknown:
        raise _error(text, f"no option of jwt is called {unknown[0]!r}")
    method = options.get("sign-method", "")
    if method not in METHODS:
        raise _error(text, f"expected a sign-method, one of {', '.join(METHODS)}")
    ttl_ns = parse_duration_ns(options.get("ttl", TTL_DEFAULT))
    if not ttl_ns:
        raise _error(text, "expected a ttl, such as 5m")
    try:
        signing, verifying = _keys(method, options)
    except (OSError, ValueError, jwt.InvalidKeyError) as error:
        raise _error(text, str(error)) from error
    return SignedTokens(method, signing, verifying, ttl_ns / SECOND)


def _keys(method: str, options: dict[str, str]) -> tuple[SigningKey | None, bytes]:
    """Return what to sign with, and to verify with; raise `OSError` or `ValueError`."""
    secret = Path(options["priv-key"]).read_bytes() if "priv-key" in options else None
    if method.startswith("HS"):
        if not secret:
            raise ValueError(f"{method} needs a priv-key")
        return secret, secret
    if "pub-key" not in options:
        raise ValueError(f"{method} needs a pub-key")
    public = Path(options["pub-key"]).read_bytes()
    jwt.get_algorithm_by_name(method).prepare_key(public)
    if secret is None:
        return None, public
    key = load_pem_private_key(secret, password=None)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise ValueError(f"a priv-key of another kind than {method} needs")  # noqa: TRY004 - what a file holds
    signed = jwt.encode({}, key, algorithm=method)
    try:
        jwt.decode(signed, public, algorithms=[method])
    except jwt.InvalidSignatureError:
        raise ValueError("pub-key and priv-key do not belong together") from None
    return key, public


def _error(text: str, expected: str) -> FlagError:
    return FlagError(f"invalid value {text!r} for flag --auth-token: {expected}")
