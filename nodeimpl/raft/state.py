"""The state of one node's consensus: the one thing here that changes (Raft Figure 2, State)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Configuration, decode_configuration_entry
from nodeimpl.raft.effects import Became, Persist, RaftEffect, RoleName
from nodeimpl.raft.log import NO_INDEX, NO_TERM, RaftLog
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.raft.roles import Follower, Leader, Role
from nodeimpl.spool import Spool

NEW_HARD_STATE: Final = HardState(current_term=NO_TERM, voted_for=None)
"""What a node that never ran has not forgotten."""


class RecoveredStateError(ValueError):
    """What came back from disk cannot have been written by a correct node on a correct disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a node finds on disk at its start, all of it durable; without arguments, an empty disk.

    Raises `RecoveredStateError` if its parts contradict one another.
    """

    hard_state: HardState = NEW_HARD_STATE
    entries: tuple[Entry, ...] = ()
    commit_index: LogIndex = NO_INDEX
    """The store's applied index: what has been applied was committed. `Commit` effects
    continue behind it."""
    prefix_index: LogIndex = NO_INDEX
    """Of the last entry that was trimmed: `entries` follow it. 0 if none was."""
    prefix_term: Term = NO_TERM
    """The term of that entry."""
    configuration: bytes = b""
    """The members as of `commit_index`, encoded; empty for those the node's own configuration
    names."""

    @property
    def last_index(self) -> LogIndex:
        """The index of the last entry of the log."""
        return LogIndex(self.prefix_index + len(self.entries))

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        last_index = self.last_index
        last_term = self.entries[-1].term if self.entries else self.prefix_term
        if self.commit_index < self.prefix_index:
            raise RecoveredStateError(
                f"the store has applied {self.commit_index}, but the log was trimmed up to "
                f"{self.prefix_index}"
            )
        if self.commit_index > last_index:
            raise RecoveredStateError(
                f"the store has applied {self.commit_index}, but the log ends at {last_index}"
            )
        if last_term > self.hard_state.current_term:
            raise RecoveredStateError(
                f"the log ends in term {last_term}, but the current term is "
                f"{self.hard_state.current_term}"
            )


@dataclass(frozen=True, slots=True)
class ConfigurationAt:
    """A configuration, and since which entry it has held."""

    index: LogIndex
    """Of the entry that brought it, or any committed one behind that; 0 for the founders."""
    request_id: RequestId
    """Of who asked for it; 0 if nobody did."""
    configuration: Configuration


@dataclass(slots=True, kw_only=True)
class ReadBatch:
    """Reads of this node's clients that asked for a read index together.

    The first id names the batch wherever it is asked. A batch never grows, so any answer to it,
    however late and from whichever leader, was confirmed after all its reads had been invoked.
    """

    request_ids: tuple[RequestId, ...]
    asked_term: Term
    """The term whose leader was asked last."""
    asked_at: Instant


@dataclass(slots=True, kw_only=True)
class OpenInquiry:
    """A question of this node that no leader has answered."""

    data: bytes
    asked_term: Term
    """The term whose leader was asked last."""
    asked_at: Instant


@dataclass(slots=True, kw_only=True)
class RaftState:
    """Everything one node knows, and the effects it has asked for in the call under way."""

    config: RaftConfig
    node_id: NodeId
    configurations: list[ConfigurationAt]
    """The members before the log, and behind each entry that changed them; the last are in force
    (`configuration_log`)."""
    new_spool: Callable[[], Spool] = bytearray
    """Gives a place for the state that a leader sends."""
    voter_sets: tuple[tuple[NodeId, ...], ...] = ()
    """Of those in force: whatever needs a majority needs one of each of these sets (Raft §6)."""
    peers: tuple[NodeId, ...] = ()
    """All members in force but this node, ascending."""
    is_voter: bool = False
    """Whether this node is in one of `voter_sets`."""
    commits_alone: bool = False
    """Whether this node is the only voter."""
    is_changing: bool = True
    """Whether a change of members or a leadership transfer may be under way, and has to be looked
    after at the end of each call."""
    random: Random
    """For election timeouts, and nothing else."""

    current_term: Term
    voted_for: NodeId | None
    log: RaftLog
    commit_index: LogIndex
    """The highest index known to be committed; all up to it was given out in `Commit`."""
    role: Role
    election_deadline: Instant
    """When a follower or candidate starts an election; means nothing for a leader."""
    leader_heard_at: Instant
    """When the leader of the current term was last heard; means nothing while it is not known."""

    announced: Became
    """What observers know: the last `Became`, or how this node started."""

    reads: dict[RequestId, ReadBatch] = field(default_factory=dict)
    """Batches of local reads that wait for a read index, by name, in the order last asked. They
    outlive roles and terms."""
    reads_count: int = 0
    """Reads in all of these batches."""

    inquiries: dict[RequestId, OpenInquiry] = field(default_factory=dict)
    """Questions of this node, in the order last asked. They outlive roles and terms."""

    effects: list[RaftEffect] = field(default_factory=list)
    hard_state_is_unsaved: bool = False
    """The term or vote changed and no `Persist` has been asked for yet: nothing that reveals
    either may be sent before."""

    @property
    def configuration(self) -> Configuration:
        """The members in force: the latest in the log, committed or not (Raft §6)."""
        return self.configurations[-1].configuration

    @property
    def leader(self) -> NodeId | None:
        """The leader of the current term, as far as this node knows; None if it does not."""
        role = self.role
        if type(role) is Follower:
            return role.leader
        return self.node_id if type(role) is Leader else None


def initial_state(
    config: RaftConfig,
    node_id: NodeId,
    voters: tuple[NodeId, ...],
    recovered: Recovered,
    random: Random,
    now: Instant,
) -> RaftState:
    """Return the state of a node that just started: a follower that knows no leader (§5.2).

    `voters` are those of a new cluster, with which its log begins; empty for a node that is to
    join one, and is told of its members by the leader. What the log says of members counts more.
    """
    assert not voters or node_id in voters, f"node {node_id} is not among the voters {voters}"
    hard_state = recovered.hard_state
    state = RaftState(
        config=config,
        node_id=node_id,
        configurations=_recovered_configurations(recovered, Configuration(voters=voters)),
        random=random,
        current_term=hard_state.current_term,
        voted_for=hard_state.voted_for,
        log=RaftLog(
            recovered.entries,
            prefix_index=recovered.prefix_index,
            prefix_term=recovered.prefix_term,
        ),
        commit_index=recovered.commit_index,
        role=Follower(leader=None),
        election_deadline=draw_election_deadline(config, random, now),
        leader_heard_at=now,
        announced=Became(role=RoleName.FOLLOWER, term=hard_state.current_term, leader=None),
    )
    adopt_configuration(state)
    return state


def adopt_configuration(state: RaftState) -> None:
    """Compute what follows from the members in force: once per change, not per message."""
    configuration = state.configuration
    node_id = state.node_id
    state.voter_sets = configuration.voter_sets
    state.peers = tuple(member for member in configuration.members if member != node_id)
    state.is_voter = configuration.has_voter(node_id)
    state.commits_alone = state.voter_sets == ((node_id,),)
    state.is_changing = True


def _recovered_configurations(
    recovered: Recovered, founding: Configuration
) -> list[ConfigurationAt]:
    """Return the members as applied, or `founding` ones, and those of the log behind that."""
    configurations = [ConfigurationAt(recovered.commit_index, RequestId(0), founding)]
    if recovered.configuration:
        configurations = [configuration_of(recovered.commit_index, recovered.configuration)]
    for entry in recovered.entries:
        if entry.kind is EntryKind.CONFIGURATION and entry.index > recovered.commit_index:
            configurations.append(configuration_of(entry.index, entry.data))
    return configurations


def configuration_of(index: LogIndex, data: bytes) -> ConfigurationAt:
    """Return the members that an entry's data name, as of `index`."""
    entry = decode_configuration_entry(data)
    return ConfigurationAt(index, entry.request_id, entry.configuration)


def draw_election_deadline(config: RaftConfig, random: Random, now: Instant) -> Instant:
    """Return `now` and a timeout drawn evenly from the configured range, ends included (§5.2)."""
    span = config.election_timeout_ns_max - config.election_timeout_ns_min + 1
    return Instant(now + config.election_timeout_ns_min + int(random.random() * span))


def persist(state: RaftState, entries: tuple[Entry, ...] = ()) -> None:
    """Ask for `entries`, and for the hard state if it changed, to be made durable.

    All that is asked for after this call stands behind it (Raft §5.1, Figure 2: "updated on
    stable storage before responding to RPCs").
    """
    if state.hard_state_is_unsaved:
        hard_state = HardState(state.current_term, state.voted_for)
        state.hard_state_is_unsaved = False
    elif entries:
        hard_state = None
    else:
        return
    state.effects.append(Persist(hard_state, entries))
