"""The one command of users that is no message of etcd's API."""

import msgspec


class Authenticate(msgspec.Struct, frozen=True, array_like=True):
    """Let in a user whose password was right (etcd, InternalAuthenticateRequest).

    Passwords never enter the log. Whoever answers clients compares (bcrypt takes a tenth of a
    second, on purpose), and asks so if it was right.
    """

    user: str
    auth_revision: int
    """Of the users among which the password was right."""
    token_prefix: str
    """What the token begins with: chance, drawn by whoever answers clients, as nobody can guess."""
