"""etcd's Auth service.

Passwords end here: the node is given their bcrypt hashes, and told whom it may let in. Hashing
takes a tenth of a second, on purpose, and so is done in threads.
"""

import asyncio
import base64
import time
from secrets import token_hex
from typing import Final

import bcrypt
from google.protobuf.message import Message

from nodeimpl.api.errors import AUTH_FAILED, AUTH_NOT_ENABLED, AUTH_OLD_REVISION, USER_EMPTY
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    AuthDisableRequest,
    AuthEnableRequest,
    AuthenticateRequest,
    AuthenticateResponse,
    AuthRoleAddRequest,
    AuthRoleDeleteRequest,
    AuthRoleGetRequest,
    AuthRoleGrantPermissionRequest,
    AuthRoleListRequest,
    AuthRoleRevokePermissionRequest,
    AuthStatusRequest,
    AuthUserAddRequest,
    AuthUserChangePasswordRequest,
    AuthUserDeleteRequest,
    AuthUserGetRequest,
    AuthUserGrantRoleRequest,
    AuthUserListRequest,
    AuthUserRevokeRoleRequest,
)
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.grpc_serving import Context, Service, unary
from nodeimpl.server.reception import Reception
from nodeimpl.server.signed_tokens import VERIFY_ONLY

TOKEN_PREFIX_BYTES: Final = 16
PASSWORD_BYTES_MAX: Final = 72
"""What bcrypt looks at; the rest of a longer one counts for nothing (as etcd's bcrypt did)."""


def auth_service(reception: Reception, bcrypt_cost: int) -> Service:
    """Return the service."""
    auth = _Auth(reception, bcrypt_cost)

    async def ask(request: ApiRequest, context: Context) -> Message:
        return await reception.ask(request, context)

    return "etcdserverpb.Auth", {
        "AuthEnable": unary(ask, AuthEnableRequest),
        "AuthDisable": unary(ask, AuthDisableRequest),
        "AuthStatus": unary(ask, AuthStatusRequest),
        "Authenticate": unary(auth.authenticate, AuthenticateRequest),
        "UserAdd": unary(auth.add_user, AuthUserAddRequest),
        "UserGet": unary(ask, AuthUserGetRequest),
        "UserList": unary(ask, AuthUserListRequest),
        "UserDelete": unary(ask, AuthUserDeleteRequest),
        "UserChangePassword": unary(auth.change_password, AuthUserChangePasswordRequest),
        "UserGrantRole": unary(ask, AuthUserGrantRoleRequest),
        "UserRevokeRole": unary(ask, AuthUserRevokeRoleRequest),
        "RoleAdd": unary(ask, AuthRoleAddRequest),
        "RoleGet": unary(ask, AuthRoleGetRequest),
        "RoleList": unary(ask, AuthRoleListRequest),
        "RoleDelete": unary(ask, AuthRoleDeleteRequest),
        "RoleGrantPermission": unary(ask, AuthRoleGrantPermissionRequest),
        "RoleRevokePermission": unary(ask, AuthRoleRevokePermissionRequest),
    }


class _Auth:
    def __init__(self, reception: Reception, bcrypt_cost: int) -> None:
        self._reception = reception
        self._cost = bcrypt_cost

    async def authenticate(self, request: AuthenticateRequest, context: Context) -> Message:
        """Let the user in if the password is right, as of what the whole cluster knows."""
        self._reception.admit(context)
        driver = self._reception.driver
        await driver.barrier()
        while True:
            revision = await _check_password(driver, request)
            command = Authenticate(request.name, revision, token_hex(TOKEN_PREFIX_BYTES))
            try:
                response = await driver.ask(command)
                return self._signed(request.name, revision, response)
            except ApiFailure as failure:
                if failure.error != AUTH_OLD_REVISION:
                    raise

    def _signed(self, user: str, revision: int, response: ApiResponse) -> Message:
        """Return the answer, with a token that says whose it is if such are given out here."""
        signed = self._reception.signed
        if signed is not None:
            assert isinstance(response, AuthenticateResponse), "the answer to that"
            token = signed.made_for(user, revision, time.time())
            if token is None:
                raise ApiFailure(VERIFY_ONLY)
            response.token = token
        return response

    async def add_user(self, request: AuthUserAddRequest, context: Context) -> Message:
        if not request.name:
            raise ApiFailure(USER_EMPTY)
        if not request.options.no_password:
            await self._hash(request)
        return await self._reception.ask(request, context)

    async def change_password(
        self, request: AuthUserChangePasswordRequest, context: Context
    ) -> Message:
        if request.password:
            await self._hash(request)
        return await self._reception.ask(request, context)

    async def _hash(self, request: AuthUserAddRequest | AuthUserChangePasswordRequest) -> None:
        """Put the password's hash in the place of the password, unless the client did."""
        if not request.hashedPassword:
            salt = bcrypt.gensalt(self._cost)
            password = request.password.encode()[:PASSWORD_BYTES_MAX]
            hashed = await asyncio.to_thread(bcrypt.hashpw, password, salt)
            request.hashedPassword = base64.b64encode(hashed).decode()
        request.password = ""


async def _check_password(driver: Driver, request: AuthenticateRequest) -> int:
    """Return the auth revision as of which the password is right; raise `ApiFailure` if it is not.

    Who does not exist is found out no sooner than who has another password.
    """
    book = driver.node.store.auth
    if not book.enabled:
        raise ApiFailure(AUTH_NOT_ENABLED)
    revision = book.revision
    user = book.user(request.name)
    has_password = user is not None and not user.options.no_password and bool(user.password)
    hashed = user.password if user is not None and has_password else _NOBODYS_HASH
    password = request.password.encode()[:PASSWORD_BYTES_MAX]
    is_right = await asyncio.to_thread(bcrypt.checkpw, password, hashed)
    if not has_password or not is_right:
        raise ApiFailure(AUTH_FAILED)
    return revision


_NOBODYS_HASH: Final = b"$2b$10$CjKUMm87D3ipTl0ejPZSEO35i8Qbh33kSWeLEtnJKWIVqtmh.ujBK"
"""Compared with when there is no user, or no password, to compare with."""
