"""Users and roles: every check, every message (etcd, auth/store.go)."""

import pytest

from nodeimpl.api import errors
from nodeimpl.api.auth_pb2 import Permission, UserAddOptions
from nodeimpl.api.errors import ApiError
from nodeimpl.api.rpc_pb2 import (
    AuthDisableRequest,
    AuthEnableRequest,
    AuthEnableResponse,
    AuthenticateResponse,
    AuthRoleAddRequest,
    AuthRoleDeleteRequest,
    AuthRoleGetRequest,
    AuthRoleGetResponse,
    AuthRoleGrantPermissionRequest,
    AuthRoleListRequest,
    AuthRoleListResponse,
    AuthRoleRevokePermissionRequest,
    AuthStatusRequest,
    AuthStatusResponse,
    AuthUserAddRequest,
    AuthUserChangePasswordRequest,
    AuthUserDeleteRequest,
    AuthUserGetRequest,
    AuthUserGetResponse,
    AuthUserGrantRoleRequest,
    AuthUserListRequest,
    AuthUserListResponse,
    AuthUserRevokeRoleRequest,
)
from nodeimpl.mvcc.auth.book import AuthBook
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.auth.management import AuthCommand, apply_auth
from nodeimpl.mvcc.facts import load_facts
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.mvcc.auth.guarded import READ, READWRITE, WRITE, granting, hashed, set_up


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def book(backend: MemoryBackend) -> AuthBook:
    """Root and alice, reader and writer, before authentication is enabled."""
    book = AuthBook(load_facts(backend))
    for command in set_up():
        assert not isinstance(command, Authenticate)
        assert not isinstance(apply_auth(book, command), ApiError)  # type: ignore[arg-type]
    return book


def enable(book: AuthBook) -> None:
    assert isinstance(apply_auth(book, AuthEnableRequest()), AuthEnableResponse)


def roles_of(book: AuthBook, user: str) -> list[str]:
    response = apply_auth(book, AuthUserGetRequest(name=user))
    assert isinstance(response, AuthUserGetResponse)
    return list(response.roles)


def permissions_of(book: AuthBook, role: str) -> list[tuple[bytes, bytes, Permission.Type]]:
    response = apply_auth(book, AuthRoleGetRequest(role=role))
    assert isinstance(response, AuthRoleGetResponse)
    return [(each.key, each.range_end, each.permType) for each in response.perm]


WRONG: list[tuple[AuthCommand, ApiError]] = [
    (AuthUserAddRequest(), errors.USER_EMPTY),
    (AuthUserAddRequest(name="alice"), errors.USER_EXISTS),
    (AuthUserDeleteRequest(name="bob"), errors.USER_NOT_FOUND),
    (AuthUserChangePasswordRequest(name="bob"), errors.USER_NOT_FOUND),
    (AuthUserGetRequest(name="bob"), errors.USER_NOT_FOUND),
    (AuthUserGrantRoleRequest(user="bob", role="reader"), errors.USER_NOT_FOUND),
    (AuthUserGrantRoleRequest(user="alice", role="king"), errors.ROLE_NOT_FOUND),
    (AuthUserRevokeRoleRequest(name="bob", role="reader"), errors.USER_NOT_FOUND),
    (AuthUserRevokeRoleRequest(name="alice", role="king"), errors.ROLE_NOT_GRANTED),
    (AuthRoleAddRequest(), errors.ROLE_EMPTY),
    (AuthRoleAddRequest(name="reader"), errors.ROLE_EXISTS),
    (AuthRoleDeleteRequest(role="king"), errors.ROLE_NOT_FOUND),
    (AuthRoleGetRequest(role="king"), errors.ROLE_NOT_FOUND),
    (AuthRoleGrantPermissionRequest(name="reader"), errors.PERMISSION_NOT_GIVEN),
    (granting("king", READ, b"a"), errors.ROLE_NOT_FOUND),
    (granting("reader", READ, b""), errors.INVALID_AUTH_MANAGEMENT),
    (granting("reader", READ, b"b", b"a"), errors.INVALID_AUTH_MANAGEMENT),
    (AuthRoleRevokePermissionRequest(role="king", key=b"a"), errors.ROLE_NOT_FOUND),
    (AuthRoleRevokePermissionRequest(role="reader", key=b"b"), errors.PERMISSION_NOT_GRANTED),
    (Authenticate("alice", 1, "x"), errors.AUTH_NOT_ENABLED),
]


@pytest.mark.parametrize(("command", "error"), WRONG)
def test_what_cannot_be_is_refused_and_changes_nothing(
    book: AuthBook, command: AuthCommand, error: ApiError
) -> None:
    before = book.revision
    assert apply_auth(book, command) == error
    assert book.revision == before


GUARDED: list[AuthCommand] = [
    AuthUserDeleteRequest(name="root"),
    AuthUserRevokeRoleRequest(name="root", role="root"),
    AuthRoleDeleteRequest(role="root"),
]


@pytest.mark.parametrize("command", GUARDED)
def test_nobody_can_saw_off_the_branch_of_root(book: AuthBook, command: AuthCommand) -> None:
    enable(book)
    assert apply_auth(book, command) == errors.INVALID_AUTH_MANAGEMENT


def test_authentication_needs_a_root_user_with_the_root_role(backend: MemoryBackend) -> None:
    book = AuthBook(load_facts(backend))
    assert apply_auth(book, AuthEnableRequest()) == errors.ROOT_USER_NOT_FOUND
    apply_auth(book, AuthUserAddRequest(name="root"))
    assert apply_auth(book, AuthEnableRequest()) == errors.ROOT_ROLE_NOT_GRANTED
    apply_auth(book, AuthUserGrantRoleRequest(user="root", role="root"))
    enable(book)
    assert book.enabled


def test_every_change_counts_once_and_telling_does_not(book: AuthBook) -> None:
    """A new store is at 1; to enable is no change of what is permitted (as etcd)."""
    assert book.revision == 1 + len(set_up())
    before = book.revision
    enable(book)
    for command in (AuthStatusRequest(), AuthUserListRequest(), AuthRoleListRequest()):
        apply_auth(book, command)
    apply_auth(book, AuthUserGrantRoleRequest(user="alice", role="reader"))  # Has it already.
    assert book.revision == before
    apply_auth(book, AuthDisableRequest())
    apply_auth(book, AuthDisableRequest())
    assert book.revision == before + 1


def test_the_status_says_what_is(book: AuthBook) -> None:
    enable(book)
    response = apply_auth(book, AuthStatusRequest())
    assert response == AuthStatusResponse(enabled=True, authRevision=book.revision)


def test_lists_are_in_order(book: AuthBook) -> None:
    users, roles = (
        apply_auth(book, command) for command in (AuthUserListRequest(), AuthRoleListRequest())
    )
    assert isinstance(users, AuthUserListResponse)
    assert isinstance(roles, AuthRoleListResponse)
    assert list(users.users) == ["alice", "root"]
    assert list(roles.roles) == ["reader", "writer"]


def test_a_role_that_is_deleted_is_taken_from_all(book: AuthBook) -> None:
    apply_auth(book, AuthRoleDeleteRequest(role="reader"))
    assert roles_of(book, "alice") == ["writer"]


def test_a_permission_replaces_that_of_exactly_its_range(book: AuthBook) -> None:
    apply_auth(book, granting("writer", READWRITE, b"b", b"d"))
    apply_auth(book, granting("writer", READ, b"b", b"c"))
    apply_auth(book, granting("writer", WRITE, b"a"))
    assert permissions_of(book, "writer") == [
        (b"a", b"", WRITE),
        (b"b", b"c", READ),
        (b"b", b"d", READWRITE),
    ]
    apply_auth(book, AuthRoleRevokePermissionRequest(role="writer", key=b"b", range_end=b"d"))
    assert permissions_of(book, "writer") == [(b"a", b"", WRITE), (b"b", b"c", READ)]


def test_the_root_role_permits_everything(book: AuthBook) -> None:
    apply_auth(book, AuthRoleAddRequest(name="root"))
    assert permissions_of(book, "root") == [(b"", b"\0", READWRITE)]


def test_the_hash_is_kept_as_it_was_made(book: AuthBook) -> None:
    apply_auth(book, AuthUserChangePasswordRequest(name="alice", hashedPassword=hashed(b"new")))
    alice = book.user("alice")
    assert alice is not None
    assert alice.password == b"hash of new"


def test_a_hash_that_is_none_lets_nobody_in(book: AuthBook) -> None:
    apply_auth(book, AuthUserChangePasswordRequest(name="alice", hashedPassword="not base64!"))
    alice = book.user("alice")
    assert alice is not None
    assert alice.password == b""


def test_a_user_without_a_password_cannot_be_let_in_by_one(book: AuthBook) -> None:
    options = UserAddOptions(no_password=True)
    apply_auth(book, AuthUserAddRequest(name="cert", options=options, hashedPassword=hashed(b"x")))
    enable(book)
    cert = book.user("cert")
    assert cert is not None
    assert cert.password == b""
    assert apply_auth(book, Authenticate("cert", book.revision, "x")) == errors.AUTH_FAILED


def test_who_is_unknown_is_not_let_in(book: AuthBook) -> None:
    enable(book)
    assert apply_auth(book, Authenticate("bob", book.revision, "x")) == errors.AUTH_FAILED


def test_a_password_that_was_right_among_other_users_is_compared_again(book: AuthBook) -> None:
    enable(book)
    old = Authenticate("alice", book.revision - 1, "x")
    assert apply_auth(book, old) == errors.AUTH_OLD_REVISION
    assert apply_auth(book, Authenticate("alice", book.revision, "x")) == AuthenticateResponse()


def test_everything_is_known_again_after_a_restart(book: AuthBook, backend: MemoryBackend) -> None:
    enable(book)
    apply_auth(book, AuthUserDeleteRequest(name="alice"))
    apply_auth(book, AuthRoleDeleteRequest(role="reader"))
    again = AuthBook(load_facts(backend))
    assert (again.enabled, again.revision) == (True, book.revision)
    assert again.user_names() == ["root"]
    assert again.role_names() == ["writer"]
    assert again.is_root("root")
    assert permissions_of(again, "writer") == permissions_of(book, "writer")
