"""The commands that change users and roles, or tell of them (etcd, auth/store.go).

Each checks, then changes, then counts one change. Whether the one who asks may is not looked at
here (see `permissions`).
"""

import base64
import binascii
from typing import TypeAlias, assert_never

from nodeimpl.api import errors
from nodeimpl.api.auth_pb2 import Permission, Role, User
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import AuthRequest, AuthResponse
from nodeimpl.api.rpc_pb2 import (
    AuthDisableRequest,
    AuthDisableResponse,
    AuthEnableRequest,
    AuthEnableResponse,
    AuthenticateResponse,
    AuthRoleAddRequest,
    AuthRoleAddResponse,
    AuthRoleDeleteRequest,
    AuthRoleDeleteResponse,
    AuthRoleGetRequest,
    AuthRoleGetResponse,
    AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse,
    AuthRoleListRequest,
    AuthRoleListResponse,
    AuthRoleRevokePermissionRequest,
    AuthRoleRevokePermissionResponse,
    AuthStatusRequest,
    AuthStatusResponse,
    AuthUserAddRequest,
    AuthUserAddResponse,
    AuthUserChangePasswordRequest,
    AuthUserChangePasswordResponse,
    AuthUserDeleteRequest,
    AuthUserDeleteResponse,
    AuthUserGetRequest,
    AuthUserGetResponse,
    AuthUserGrantRoleRequest,
    AuthUserGrantRoleResponse,
    AuthUserListRequest,
    AuthUserListResponse,
    AuthUserRevokeRoleRequest,
    AuthUserRevokeRoleResponse,
)
from nodeimpl.mvcc.auth.book import ROOT, AuthBook, user_with
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.key_ranges import key_range

AuthCommand: TypeAlias = AuthRequest | Authenticate


def apply_auth(book: AuthBook, command: AuthCommand) -> AuthResponse | ApiError:
    """Carry out one of these commands; an error has changed nothing.

    The answer's header bears no revision yet. That of `Authenticate` has no token yet: the node
    makes that from where the command stands in the log.
    """
    match command:
        case AuthEnableRequest() | AuthDisableRequest() | AuthStatusRequest():
            return _apply_switch(book, command)
        case Authenticate():
            return _authenticate(book, command)
        case (
            AuthUserAddRequest()
            | AuthUserDeleteRequest()
            | AuthUserChangePasswordRequest()
            | AuthUserGrantRoleRequest()
            | AuthUserRevokeRoleRequest()
            | AuthUserGetRequest()
            | AuthUserListRequest()
        ):
            return _apply_to_users(book, command)
        case _:
            return _apply_to_roles(book, command)


# ------------------------------------------------------------ whether anybody asks
def _apply_switch(
    book: AuthBook, command: AuthEnableRequest | AuthDisableRequest | AuthStatusRequest
) -> AuthResponse | ApiError:
    match command:
        case AuthEnableRequest():
            return _enable(book)
        case AuthDisableRequest():
            if book.enabled:
                book.enable(enabled=False)
                book.changed()
            return AuthDisableResponse()
        case AuthStatusRequest():
            return AuthStatusResponse(enabled=book.enabled, authRevision=book.revision)
        case _:
            assert_never(command)


def _enable(book: AuthBook) -> AuthEnableResponse | ApiError:
    """Ask everybody from now on, if there is one who may then do everything."""
    if not book.enabled:
        if book.user(ROOT) is None:
            return errors.ROOT_USER_NOT_FOUND
        if not book.is_root(ROOT):
            return errors.ROOT_ROLE_NOT_GRANTED
        book.enable(enabled=True)
    return AuthEnableResponse()


def _authenticate(book: AuthBook, command: Authenticate) -> AuthenticateResponse | ApiError:
    """Let a user in whose password was right as of the present auth revision.

    It was compared before the command entered the log, for that takes long; users may have changed
    since then (etcd, v3_server.go: Authenticate tries again).
    """
    if not book.enabled:
        return errors.AUTH_NOT_ENABLED
    user = book.user(command.user)
    if user is None or user.options.no_password:
        return errors.AUTH_FAILED
    if command.auth_revision != book.revision:
        return errors.AUTH_OLD_REVISION
    return AuthenticateResponse()


# ------------------------------------------------------------ users
def _apply_to_users(
    book: AuthBook,
    request: AuthUserAddRequest
    | AuthUserDeleteRequest
    | AuthUserChangePasswordRequest
    | AuthUserGrantRoleRequest
    | AuthUserRevokeRoleRequest
    | AuthUserGetRequest
    | AuthUserListRequest,
) -> AuthResponse | ApiError:
    match request:
        case AuthUserAddRequest():
            return _add_user(book, request)
        case AuthUserDeleteRequest():
            return _delete_user(book, request)
        case AuthUserChangePasswordRequest():
            return _change_password(book, request)
        case AuthUserGrantRoleRequest():
            return _grant_role(book, request)
        case AuthUserRevokeRoleRequest():
            return _revoke_role(book, request)
        case _:
            return _tell_of_users(book, request)


def _add_user(book: AuthBook, request: AuthUserAddRequest) -> AuthUserAddResponse | ApiError:
    if not request.name:
        return errors.USER_EMPTY
    if book.user(request.name) is not None:
        return errors.USER_EXISTS
    user = User(name=request.name.encode())
    user.options.CopyFrom(request.options)
    if not request.options.no_password:
        user.password = _decoded(request.hashedPassword)
    book.put_user(user)
    book.changed()
    return AuthUserAddResponse()


def _delete_user(book: AuthBook, request: AuthUserDeleteRequest) -> AuthResponse | ApiError:
    if book.enabled and request.name == ROOT:
        return errors.INVALID_AUTH_MANAGEMENT
    if book.user(request.name) is None:
        return errors.USER_NOT_FOUND
    book.remove_user(request.name)
    book.changed()
    return AuthUserDeleteResponse()


def _change_password(
    book: AuthBook, request: AuthUserChangePasswordRequest
) -> AuthResponse | ApiError:
    user = book.user(request.name)
    if user is None:
        return errors.USER_NOT_FOUND
    changed = user_with(user, roles=list(user.roles))
    changed.password = b"" if user.options.no_password else _decoded(request.hashedPassword)
    book.put_user(changed)
    book.changed()
    return AuthUserChangePasswordResponse()


def _grant_role(book: AuthBook, request: AuthUserGrantRoleRequest) -> AuthResponse | ApiError:
    """Give a user a role; the role `root` need not exist."""
    user = book.user(request.user)
    if user is None:
        return errors.USER_NOT_FOUND
    if request.role != ROOT and book.role(request.role) is None:
        return errors.ROLE_NOT_FOUND
    if request.role not in user.roles:
        book.put_user(user_with(user, roles=[*user.roles, request.role]))
        book.changed()
    return AuthUserGrantRoleResponse()


def _revoke_role(book: AuthBook, request: AuthUserRevokeRoleRequest) -> AuthResponse | ApiError:
    if book.enabled and request.name == ROOT and request.role == ROOT:
        return errors.INVALID_AUTH_MANAGEMENT
    user = book.user(request.name)
    if user is None:
        return errors.USER_NOT_FOUND
    if request.role not in user.roles:
        return errors.ROLE_NOT_GRANTED
    book.put_user(user_with(user, roles=[each for each in user.roles if each != request.role]))
    book.changed()
    return AuthUserRevokeRoleResponse()


def _tell_of_users(
    book: AuthBook, request: AuthUserGetRequest | AuthUserListRequest
) -> AuthResponse | ApiError:
    if isinstance(request, AuthUserListRequest):
        return AuthUserListResponse(users=book.user_names())
    user = book.user(request.name)
    return errors.USER_NOT_FOUND if user is None else AuthUserGetResponse(roles=user.roles)


def _decoded(hashed: str) -> bytes:
    """Return the hash that a request bears in base64; nothing that a password has, of other text.

    Whoever answers clients makes it (`boundary`); a hash that a client made up lets nobody in.
    """
    try:
        return base64.b64decode(hashed, validate=True)
    except binascii.Error:
        return b""


# ------------------------------------------------------------ roles
def _apply_to_roles(
    book: AuthBook,
    request: AuthRoleAddRequest
    | AuthRoleDeleteRequest
    | AuthRoleGetRequest
    | AuthRoleListRequest
    | AuthRoleGrantPermissionRequest
    | AuthRoleRevokePermissionRequest,
) -> AuthResponse | ApiError:
    match request:
        case AuthRoleAddRequest():
            return _add_role(book, request)
        case AuthRoleDeleteRequest():
            return _delete_role(book, request)
        case AuthRoleGetRequest():
            return _get_role(book, request)
        case AuthRoleListRequest():
            return AuthRoleListResponse(roles=book.role_names())
        case AuthRoleGrantPermissionRequest():
            return _grant_permission(book, request)
        case AuthRoleRevokePermissionRequest():
            return _revoke_permission(book, request)
        case _:
            assert_never(request)


def _add_role(book: AuthBook, request: AuthRoleAddRequest) -> AuthResponse | ApiError:
    if not request.name:
        return errors.ROLE_EMPTY
    if book.role(request.name) is not None:
        return errors.ROLE_EXISTS
    book.put_role(Role(name=request.name.encode()))
    book.changed()
    return AuthRoleAddResponse()


def _delete_role(book: AuthBook, request: AuthRoleDeleteRequest) -> AuthResponse | ApiError:
    if book.enabled and request.role == ROOT:
        return errors.INVALID_AUTH_MANAGEMENT
    if book.role(request.role) is None:
        return errors.ROLE_NOT_FOUND
    book.remove_role(request.role)
    book.changed()
    return AuthRoleDeleteResponse()


def _get_role(book: AuthBook, request: AuthRoleGetRequest) -> AuthResponse | ApiError:
    role = book.role(request.role)
    if role is None:
        return errors.ROLE_NOT_FOUND
    if request.role == ROOT:
        everything = Permission(permType=Permission.READWRITE, key=b"", range_end=b"\0")
        return AuthRoleGetResponse(perm=[everything])
    return AuthRoleGetResponse(perm=role.keyPermission)


def _grant_permission(
    book: AuthBook, request: AuthRoleGrantPermissionRequest
) -> AuthResponse | ApiError:
    """Permit a range to a role, in the place of what was permitted for exactly this range."""
    if not request.HasField("perm"):
        return errors.PERMISSION_NOT_GIVEN
    granted = request.perm
    if not granted.key or key_range(granted.key, granted.range_end).is_empty:
        return errors.INVALID_AUTH_MANAGEMENT
    role = book.role(request.name)
    if role is None:
        return errors.ROLE_NOT_FOUND
    kept = [each for each in role.keyPermission if not _is_same_range(each, granted)]
    kept.append(granted)
    kept.sort(key=lambda each: (each.key, each.range_end))
    book.put_role(Role(name=role.name, keyPermission=kept))
    book.changed()
    return AuthRoleGrantPermissionResponse()


def _revoke_permission(
    book: AuthBook, request: AuthRoleRevokePermissionRequest
) -> AuthResponse | ApiError:
    role = book.role(request.role)
    if role is None:
        return errors.ROLE_NOT_FOUND
    revoked = Permission(key=request.key, range_end=request.range_end)
    kept = [each for each in role.keyPermission if not _is_same_range(each, revoked)]
    if len(kept) == len(role.keyPermission):
        return errors.PERMISSION_NOT_GRANTED
    book.put_role(Role(name=role.name, keyPermission=kept))
    book.changed()
    return AuthRoleRevokePermissionResponse()


def _is_same_range(one: Permission, other: Permission) -> bool:
    return (one.key, one.range_end) == (other.key, other.range_end)
