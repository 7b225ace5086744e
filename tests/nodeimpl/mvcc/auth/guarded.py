"""A store whose users must say who they are, and what to ask of it."""

import base64
from dataclasses import dataclass, field

from nodeimpl.api.auth_pb2 import Permission
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    AuthEnableRequest,
    AuthRoleAddRequest,
    AuthRoleGrantPermissionRequest,
    AuthUserAddRequest,
    AuthUserGrantRoleRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
)
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.commands import Command
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

READ, WRITE, READWRITE = Permission.READ, Permission.WRITE, Permission.READWRITE


def hashed(password: bytes) -> str:
    """Stand in for bcrypt, which the store never looks into."""
    return base64.b64encode(b"hash of " + password).decode()


def set_up(*, users: bool = True) -> list[Command]:
    """Return the commands that make root, and alice, who reads a and writes [b, d)."""
    commands: list[Command] = [
        AuthUserAddRequest(name="root", hashedPassword=hashed(b"secret")),
        AuthUserGrantRoleRequest(user="root", role="root"),
    ]
    if users:
        commands += [
            AuthUserAddRequest(name="alice", hashedPassword=hashed(b"wonder")),
            AuthRoleAddRequest(name="reader"),
            AuthRoleAddRequest(name="writer"),
            granting("reader", READ, b"a"),
            granting("writer", WRITE, b"b", b"d"),
            AuthUserGrantRoleRequest(user="alice", role="reader"),
            AuthUserGrantRoleRequest(user="alice", role="writer"),
        ]
    return commands


def granting(
    role: str, kind: Permission.Type, key: bytes, range_end: bytes = b""
) -> AuthRoleGrantPermissionRequest:
    permission = Permission(permType=kind, key=key, range_end=range_end)
    return AuthRoleGrantPermissionRequest(name=role, perm=permission)


def range_op(key: bytes) -> RequestOp:
    return RequestOp(request_range=RangeRequest(key=key))


def put_op(key: bytes) -> RequestOp:
    return RequestOp(request_put=PutRequest(key=key))


@dataclass(slots=True)
class Guarded:
    """A store in which a, b, c and z were put, and then authentication was enabled."""

    backend: MemoryBackend = field(default_factory=MemoryBackend)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.backend, StoreConfig())
        if not self.store.auth.enabled:
            for key in (b"a", b"b", b"c", b"z"):
                self.store.apply(PutRequest(key=key))
            for command in (*set_up(), AuthEnableRequest()):
                assert not isinstance(self.store.apply(command), ApiError)

    def identity(self, user: str) -> Identity:
        """Return the user as they are let in now."""
        return Identity(user, self.store.auth.revision)

    def ask(self, user: str, request: Command) -> ApiResponse | ApiError:
        """Carry out what a user asks for."""
        return self.store.apply(request, self.identity(user))

    def error(self, user: str, request: ApiRequest) -> ApiError | None:
        """Return why a user may not ask for this."""
        return self.store.objection(request, self.identity(user))
