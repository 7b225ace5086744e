"""The Auth service: passwords end here."""

from collections.abc import Callable, Sequence
from pathlib import Path

import bcrypt
import grpc

from nodeimpl.api.auth_pb2 import UserAddOptions
from nodeimpl.api.rpc_pb2 import (
    AuthEnableRequest,
    AuthenticateRequest,
    AuthenticateResponse,
    AuthUserAddRequest,
    AuthUserAddResponse,
    AuthUserChangePasswordRequest,
    AuthUserChangePasswordResponse,
    AuthUserGrantRoleRequest,
    RangeRequest,
    RangeResponse,
)
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_auth import auth_service
from nodeimpl.server.grpc_kv import kv_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from nodeimpl.server.signed_tokens import SignedTokens, signed_tokens
from tests.nodeimpl.server.rigs import Calls, serving

AUTH, RANGE = "/etcdserverpb.Auth/", "/etcdserverpb.KV/Range"
COST = 4


def services(signed: SignedTokens | None = None) -> Callable[[Driver], Sequence[Service]]:
    def made(driver: Driver) -> Sequence[Service]:
        reception = Reception(driver, by_certificate=False, signed=signed)
        return [auth_service(reception, COST), kv_service(reception)]

    return made


async def enable(calls: Calls) -> None:
    """Make root, whose password is secret, and have everybody say who they are."""
    root = AuthUserAddRequest(name="root", password="secret")  # noqa: S106
    await calls.ask(f"{AUTH}UserAdd", root, AuthUserAddResponse)
    await calls.driver.ask(AuthUserGrantRoleRequest(user="root", role="root"))
    await calls.driver.ask(AuthEnableRequest())


async def let_in(calls: Calls, name: str, password: str) -> str:
    request = AuthenticateRequest(name=name, password=password)
    return (await calls.ask(f"{AUTH}Authenticate", request, AuthenticateResponse)).token


def test_the_store_is_given_a_hash_and_never_the_password() -> None:
    async def story(calls: Calls) -> None:
        await enable(calls)
        user = calls.driver.node.store.auth.user("root")
        assert user is not None
        assert bcrypt.checkpw(b"secret", user.password)
        assert user.password.startswith(b"$2b$04$")

    serving(services(), story)


def test_who_has_the_password_is_let_in_and_known_again() -> None:
    async def story(calls: Calls) -> None:
        await enable(calls)
        token = await let_in(calls, "root", "secret")
        question = RangeRequest(key=b"k")
        await calls.ask(RANGE, question, RangeResponse, (("token", token),))
        unknown = (("token", "other.1"),)
        assert await calls.error(RANGE, question, unknown) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "etcdserver: invalid auth token",
        )

    serving(services(), story)


def test_whoever_has_not_is_told_no_more_than_that() -> None:
    refused = (
        grpc.StatusCode.INVALID_ARGUMENT,
        "etcdserver: authentication failed, invalid user ID or password",
    )

    async def story(calls: Calls) -> None:
        await enable(calls)
        machine = AuthUserAddRequest(name="machine", options=UserAddOptions(no_password=True))
        await calls.error(f"{AUTH}UserAdd", machine)  # Nobody may any more, but root.
        for name, password in (("root", "wrong"), ("nobody", "secret"), ("root", "")):
            request = AuthenticateRequest(name=name, password=password)
            assert await calls.error(f"{AUTH}Authenticate", request) == refused

    serving(services(), story)


def test_nobody_is_let_in_while_nobody_need_be() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(f"{AUTH}Authenticate", AuthenticateRequest(name="root"))

    expected = "etcdserver: authentication is not enabled"
    assert serving(services(), story) == (grpc.StatusCode.FAILED_PRECONDITION, expected)


def test_a_changed_password_counts_from_then_on() -> None:
    async def story(calls: Calls) -> None:
        await enable(calls)
        metadata = (("token", await let_in(calls, "root", "secret")),)
        change = AuthUserChangePasswordRequest(name="root", password="new")  # noqa: S106
        path = f"{AUTH}UserChangePassword"
        await calls.ask(path, change, AuthUserChangePasswordResponse, metadata)
        assert await let_in(calls, "root", "new")
        old = AuthenticateRequest(name="root", password="secret")  # noqa: S106
        assert (await calls.error(f"{AUTH}Authenticate", old))[0].name == "INVALID_ARGUMENT"

    serving(services(), story)


def test_a_user_without_a_name_is_refused() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(f"{AUTH}UserAdd", AuthUserAddRequest(password="x"))  # noqa: S106

    assert serving(services(), story)[1] == "etcdserver: user name is empty"


def test_signed_tokens_are_given_out_where_they_are_wished(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"a secret that is long enough for its hash")
    signed = signed_tokens(f"jwt,sign-method=HS256,priv-key={tmp_path / 'secret'}")
    assert signed is not None

    async def story(calls: Calls) -> None:
        await enable(calls)
        token = await let_in(calls, "root", "secret")
        claims = signed.claims_of(token)
        assert claims is not None
        assert claims.user == "root"
        assert claims.auth_revision == calls.driver.node.store.auth.revision
        await calls.ask(RANGE, RangeRequest(key=b"k"), RangeResponse, (("token", token),))

    serving(services(signed), story)


def test_a_member_that_cannot_sign_says_so() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        await enable(calls)
        request = AuthenticateRequest(name="root", password="secret")  # noqa: S106
        return await calls.error(f"{AUTH}Authenticate", request)

    reading_only = SignedTokens("RS256", None, b"", 300)
    assert serving(services(reading_only), story) == (
        grpc.StatusCode.UNKNOWN,
        "auth: token signing attempted with verify-only key",
    )
