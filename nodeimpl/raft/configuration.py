"""Who is a member, and whose voice counts: a configuration and its changes, as values (Raft §6).

           change that touches voters                 committed
    C_old ----------------------------> C_old,new ----------------> C_new
      |                                (joint)
      +--------------------------------------------------------------> C_new
           change that touches learners only

A *joint* configuration (Raft §6, thesis §4.3) has the voters of both, and whatever needs a majority
needs one of each. No majority of C_old alone and none of C_new alone can then decide anything that
the other does not know of, however many voters a change replaces. Learners (thesis §4.2.1, as
non-voting members) are sent entries and count nowhere, so a change of theirs needs no such step.

A node id names one member for ever: who was removed comes back under another id. A member that
came back without its log would otherwise be taken for the one that acknowledged entries (as etcd,
which refuses the id of a removed member).
"""

import enum
from typing import TypeVar

import msgspec

from nodeimpl.ids import NodeId, RequestId


class ConfigurationError(ValueError):
    """Members that make no configuration, or bytes that hold none."""


class Configuration(msgspec.Struct, frozen=True, array_like=True):
    """The members of a cluster. Each tuple is ascending; without arguments, there are none.

    A node without members has not been told of the cluster yet: it follows whoever leads it, and
    neither votes for itself nor asks for anything.
    """

    voters: tuple[NodeId, ...] = ()
    """In a joint configuration, those of C_new."""
    learners: tuple[NodeId, ...] = ()
    outgoing: tuple[NodeId, ...] | None = None
    """The voters of C_old; None unless the configuration is joint."""

    def __post_init__(self) -> None:
        """Check that the parts fit together; raise `ConfigurationError` otherwise."""
        for part in (self.voters, self.learners, self.outgoing or ()):
            if list(part) != sorted(set(part)):
                raise ConfigurationError(f"{part} are not distinct ids in ascending order")
        if not self.voters and (self.learners or self.outgoing is not None):
            raise ConfigurationError("members without a voter")
        if self.outgoing is not None and not self.outgoing:
            raise ConfigurationError("a joint configuration without outgoing voters")
        both = {*self.voters, *(self.outgoing or ())} & {*self.learners}
        if both:
            raise ConfigurationError(f"{sorted(both)} are voters and learners")

    @property
    def is_joint(self) -> bool:
        """Whether majorities of two sets of voters are needed."""
        return self.outgoing is not None

    @property
    def voter_sets(self) -> tuple[tuple[NodeId, ...], ...]:
        """The sets of voters of each of which a majority is needed: none, one, or two."""
        if self.outgoing is not None:
            return (self.voters, self.outgoing)
        return (self.voters,) if self.voters else ()

    @property
    def members(self) -> tuple[NodeId, ...]:
        """All who are sent entries, ascending."""
        return tuple(sorted({*self.voters, *self.learners, *(self.outgoing or ())}))

    def has_voter(self, node_id: NodeId) -> bool:
        """Return whether `node_id` counts in one of the majorities."""
        return node_id in self.voters or node_id in (self.outgoing or ())


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of the members, all at once; each tuple is ascending."""

    added: tuple[NodeId, ...] = ()
    """Become learners: a new node is sent the log before it counts (thesis §4.2.1)."""
    promoted: tuple[NodeId, ...] = ()
    """Learners that become voters."""
    removed: tuple[NodeId, ...] = ()
    """Voters or learners that leave."""


class Objection(enum.Enum):
    """Why a change of members, or of leaders, is not begun; nothing has happened then."""

    NOT_LEADER = enum.auto()
    """This node does not lead."""
    CHANGE_UNDER_WAY = enum.auto()
    """Another change, or a leadership transfer, is not finished, or it is not known yet whether."""
    NOTHING_TO_CHANGE = enum.auto()
    """The change names nobody, or somebody twice."""
    ALREADY_MEMBER = enum.auto()
    """A node to be added is a member."""
    NOT_MEMBER = enum.auto()
    """A node to be promoted, removed, or made leader is none."""
    NOT_LEARNER = enum.auto()
    """A node to be promoted votes already."""
    NO_VOTER = enum.auto()
    """A node to be made leader does not vote, or none would be left that does."""
    TOO_MANY_LEARNERS = enum.auto()
    """There would be more learners than configured."""
    LEARNER_NOT_READY = enum.auto()
    """A learner to be promoted lacks too much of the log (thesis §4.2.1)."""
    UNHEALTHY = enum.auto()
    """No majority of the voters to be has answered lately: the change could not commit."""


def objection(
    configuration: Configuration, change: Change, *, learners_max: int
) -> Objection | None:
    """Return what speaks against `change`, as far as the members themselves tell; None: nothing."""
    named = (*change.added, *change.promoted, *change.removed)
    members = configuration.members
    found: Objection | None = None
    if configuration.is_joint:
        found = Objection.CHANGE_UNDER_WAY
    elif not named or len(named) > len(set(named)):
        found = Objection.NOTHING_TO_CHANGE
    elif any(node_id in members for node_id in change.added):
        found = Objection.ALREADY_MEMBER
    elif any(node_id not in members for node_id in (*change.promoted, *change.removed)):
        found = Objection.NOT_MEMBER
    elif any(node_id in configuration.voters for node_id in change.promoted):
        found = Objection.NOT_LEARNER
    elif set(configuration.voters) | set(change.promoted) <= set(change.removed):
        found = Objection.NO_VOTER
    elif len(_learners_after(configuration, change)) > learners_max and change.added:
        found = Objection.TOO_MANY_LEARNERS
    return found


def next_configuration(configuration: Configuration, change: Change) -> Configuration:
    """Return what `change` makes of `configuration`: C_old,new, or C_new if no voter changes."""
    voters = tuple(
        sorted(({*configuration.voters} | {*change.promoted}) - {*change.removed}),
    )
    return Configuration(
        voters=voters,
        learners=_learners_after(configuration, change),
        outgoing=configuration.voters if voters != configuration.voters else None,
    )


def final_configuration(configuration: Configuration) -> Configuration:
    """Return C_new of a joint configuration."""
    assert configuration.is_joint, "only a joint configuration has another one to follow"
    return msgspec.structs.replace(configuration, outgoing=None)


def may_follow(before: Configuration, after: Configuration) -> bool:
    """Return whether any majority of one needs a node of any majority of the other (Raft §6)."""
    if before.is_joint:
        return after == final_configuration(before)
    if after.is_joint:
        return after.outgoing == before.voters
    return after.voters == before.voters


class ConfigurationEntry(msgspec.Struct, frozen=True, array_like=True):
    """What an entry of kind CONFIGURATION holds."""

    request_id: RequestId
    """Of who asked for the change; C_new bears that of its C_old,new. So whoever asked learns of
    the end, even if another leader brought it about."""
    configuration: Configuration


def encode_configuration_entry(entry: ConfigurationEntry) -> bytes:
    """Return the data of a log entry."""
    return msgspec.msgpack.encode(entry)


def decode_configuration_entry(data: bytes) -> ConfigurationEntry:
    """Return what `encode_configuration_entry` was given; raise `ConfigurationError` otherwise."""
    return _decoded(data, ConfigurationEntry)


def founding_data(voters: tuple[NodeId, ...]) -> bytes:
    """Return the founders as the data of an entry that nobody asked for; empty if there are none.

    A node that joins a cluster is not told of its founders.
    """
    if not voters:
        return b""
    return encode_configuration_entry(
        ConfigurationEntry(RequestId(0), Configuration(voters=voters))
    )


def encode_configuration(configuration: Configuration) -> bytes:
    """Return the bytes of a configuration, as a snapshot keeps them."""
    return msgspec.msgpack.encode(configuration)


def decode_configuration(data: bytes) -> Configuration:
    """Return what `encode_configuration` was given; raise `ConfigurationError` otherwise."""
    return _decoded(data, Configuration)


def _learners_after(configuration: Configuration, change: Change) -> tuple[NodeId, ...]:
    kept = {*configuration.learners} - {*change.promoted} - {*change.removed}
    return tuple(sorted(kept | {*change.added}))


_Decoded = TypeVar("_Decoded", Configuration, ConfigurationEntry)


def _decoded(data: bytes, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"{len(data)} bytes that are no {kind.__name__}") from error
