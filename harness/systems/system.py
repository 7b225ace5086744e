"""What a store must be known for to be started as daemons of a cluster, wherever they run.

That it serves is asked in etcd's own API, which every system here speaks.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A node as its clients and its peers reach it."""

    name: str
    client_address: str
    """`host:port`."""
    peer_address: str
    """`host:port`."""
    peer_listen_address: str | None = None
    """Where it listens for peers, if a proxy stands at its peer address; None: there itself."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One start of one member's daemon. Paths are as the daemon sees them."""

    member: Member
    members: tuple[Member, ...]
    """The members of the cluster, in the order of their names: its founders, or all that a joining
    one is to find there, itself included."""
    data_directory: str
    cluster: str
    """Tells this cluster from every other one on the machine."""
    is_joining: bool = False
    """Whether the cluster is there already, and has been told of the member."""


class System(Protocol):
    """One store in one version, ready to be started."""

    @property
    def name(self) -> str:
        """What a plan calls it."""

    @property
    def version(self) -> str:
        """The version that will run, for the record."""

    def command(self, launch: Launch) -> Sequence[str]:
        """Return the program and its arguments."""

    def restore_command(self, launch: Launch, snapshot: str) -> Sequence[str]:
        """Return what makes the data directory of `launch`, which is not there, of a backup.

        Raises `HarnessError` if this machine lacks the tool.
        """

    @property
    def speaks_etcds_peer_protocol(self) -> bool:
        """Whether its peers talk as etcd's do, so that a proxy can tell messages apart."""

    def variables(self) -> Mapping[str, str]:
        """Return the environment variables that the daemon needs besides the machine's own."""
