"""Who the users are, which roles they have, what those permit, and whether anybody asks.

    row                    holds
    "fu" name              authpb.User: its password's hash, its roles
    "fr" name              authpb.Role: its permissions
    "fs"                   enabled:1 revision:8 (big-endian)

The auth revision counts the changes that may change what somebody is permitted. Requests bear the
one under which they were let in: what was decided under an older one is decided anew (etcd,
auth/store.go).
"""

import struct
from typing import Final

from nodeimpl.api.auth_pb2 import Permission, Role, User
from nodeimpl.mvcc.facts import AUTH_STATUS_ROW, ROLES, USERS, Facts
from nodeimpl.mvcc.key_ranges import KeyRange, KeySet, key_range

ROOT: Final = "root"
"""The user and the role that may do everything (as etcd)."""

FIRST_REVISION: Final = 1

_STATUS = struct.Struct(">BQ")


class AuthBook:
    """All users and roles of one store."""

    __slots__ = ("_facts", "_grants", "_roles", "_users", "enabled", "revision")

    def __init__(self, facts: Facts) -> None:
        """Read what lies among the facts."""
        self._facts = facts
        status = facts.backend.get(AUTH_STATUS_ROW)
        enabled, revision = (0, FIRST_REVISION) if status is None else _STATUS.unpack(status)
        self.enabled = bool(enabled)
        """Whether everybody must say who they are. Not to be set but by `enable`."""
        self.revision: int = revision
        """Not to be set but by `changed`."""
        self._users = {
            name.decode(): User.FromString(record) for name, record in facts.of_kind(USERS)
        }
        self._roles = {
            name.decode(): Role.FromString(record) for name, record in facts.of_kind(ROLES)
        }
        self._grants: dict[str, Grants] = {}
        """What each user that has asked may do, as of this revision."""

    # ------------------------------------------------------------ what there is
    def user(self, name: str) -> User | None:
        """Return a user, not to be changed in place; None if there is none of this name."""
        return self._users.get(name)

    def role(self, name: str) -> Role | None:
        """Return a role, not to be changed in place; None if there is none of this name."""
        return self._roles.get(name)

    def user_names(self) -> list[str]:
        """Return the names of all users, in order."""
        return sorted(self._users)

    def role_names(self) -> list[str]:
        """Return the names of all roles, in order."""
        return sorted(self._roles)

    def is_root(self, name: str) -> bool:
        """Whether the user has the role that may do everything."""
        user = self._users.get(name)
        return user is not None and ROOT in user.roles

    def grants_of(self, name: str) -> "Grants":
        """Return which keys a user may read and write by all of its roles together."""
        grants = self._grants.get(name)
        if grants is None:
            user = self._users.get(name)
            roles = [] if user is None else [self._roles.get(role) for role in user.roles]
            grants = self._grants[name] = Grants([role for role in roles if role is not None])
        return grants

    # ------------------------------------------------------------ what changes it
    def enable(self, *, enabled: bool) -> None:
        """Ask everybody from now on, or nobody."""
        self.enabled = enabled
        self._write_status()

    def changed(self) -> None:
        """Count a change."""
        self.revision += 1
        self._grants.clear()
        self._write_status()

    def put_user(self, user: User) -> None:
        """Add a user, or put it in the place of the one of its name; its roles are sorted."""
        name = user.name.decode()
        self._users[name] = user
        self._facts.put(USERS + user.name, user.SerializeToString())

    def remove_user(self, name: str) -> None:
        """Forget a user, which exists."""
        del self._users[name]
        self._facts.remove(USERS + name.encode())

    def put_role(self, role: Role) -> None:
        """Add a role, or put it in the place of the one of its name."""
        name = role.name.decode()
        self._roles[name] = role
        self._facts.put(ROLES + role.name, role.SerializeToString())

    def remove_role(self, name: str) -> None:
        """Forget a role, which exists, and take it from all who have it."""
        del self._roles[name]
        self._facts.remove(ROLES + name.encode())
        for user in list(self._users.values()):
            if name in user.roles:
                self.put_user(user_with(user, roles=[each for each in user.roles if each != name]))

    def _write_status(self) -> None:
        self._facts.put(AUTH_STATUS_ROW, _STATUS.pack(self.enabled, self.revision))


class Grants:
    """The keys that some roles permit to read, and those that they permit to write.

    Permissions add up: a range is permitted if all of them together cover it (etcd,
    auth/range_perm_cache.go).
    """

    __slots__ = ("_readable", "_writable")

    def __init__(self, roles: list[Role]) -> None:
        self._readable, self._writable = KeySet(), KeySet()
        for role in roles:
            for permission in role.keyPermission:
                keys = key_range(permission.key, permission.range_end)
                if permission.permType != Permission.WRITE:
                    self._readable.add(keys)
                if permission.permType != Permission.READ:
                    self._writable.add(keys)

    def may_read(self, keys: KeyRange) -> bool:
        """Whether every key of the range may be read."""
        return self._readable.covers(keys)

    def may_write(self, keys: KeyRange) -> bool:
        """Whether every key of the range may be put and deleted."""
        return self._writable.covers(keys)


def user_with(user: User, *, roles: list[str]) -> User:
    """Return a copy of a user with these roles."""
    copy = User()
    copy.CopyFrom(user)
    copy.roles[:] = sorted(roles)
    return copy
