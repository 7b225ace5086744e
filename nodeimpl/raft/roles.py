"""Follower, pre-candidate, candidate, leader, each with what only it has (Raft §5.1, Figure 2).

A role is replaced, never changed into another: only `transitions` does that. So what belongs to
one role and one term (votes, match_index, waiting reads) ends with it and cannot leak.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.seen_requests import SeenRequests
from nodeimpl.spool import Spool


@dataclass(slots=True, kw_only=True)
class IncomingSnapshot:
    """What has arrived of one snapshot of the leader (Raft Figure 13)."""

    first_round: int
    """Names the snapshot; see `InstallSnapshot`."""
    last_included_index: LogIndex
    last_included_term: Term
    configuration: bytes
    data: Spool
    round: int
    """The round of the last chunk."""


@dataclass(slots=True)
class Follower:
    """Answers candidates and leaders (Raft §5.1)."""

    leader: NodeId | None
    """The leader of the current term; None until it has been heard of."""
    incoming: IncomingSnapshot | None = None
    """None if nothing of a snapshot has arrived; chunks of different leaders are never mixed."""


@dataclass(slots=True)
class PreCandidate:
    """Would stand for election in the next term, and asks whether it could win (thesis §9.6)."""

    votes_granted: set[NodeId]
    """Who would vote for this node, itself included."""


@dataclass(slots=True)
class Candidate:
    """Has voted for itself and asks all others (Raft §5.2)."""

    votes_granted: set[NodeId]
    """Who gave this node their vote in the current term, itself included."""


class ReadRequest(NamedTuple):
    """A read that waits at the leader: who asked, and under which id."""

    origin: NodeId
    request_id: RequestId


@dataclass(slots=True, kw_only=True)
class ReadRound:
    """Reads that wait until a quorum has answered a heartbeat round (thesis §6.4)."""

    round: int
    read_index: LogIndex
    """The commit index when the round was started."""
    requests: list[ReadRequest]


@dataclass(slots=True, kw_only=True)
class LeadershipTransfer:
    """Leadership on its way to another voter (thesis §3.10)."""

    target: NodeId
    deadline: Instant
    """When the leader gives up and accepts proposals again."""
    is_announced: bool = False
    """Whether TimeoutNow has been sent: the target had all entries then."""


@dataclass(slots=True, kw_only=True)
class Leader:
    """Replicates its log to all others (Raft §5.3)."""

    progress: dict[NodeId, Progress]
    """One per peer, in ascending order of id: messages leave in that order."""
    heartbeat_deadline: Instant
    check_deadline: Instant
    """When to look next whether a quorum still answers (thesis §6.2)."""
    round: int = 0
    """The latest heartbeat round or probe started in this term; never falls."""
    proposals_seen: dict[NodeId, SeenRequests] = field(default_factory=dict)
    """Per sender, which forwarded proposals were accepted in this term."""
    reads_open: list[ReadRequest] = field(default_factory=list)
    """Reads for which no round has been started yet."""
    reads_confirming: ReadRound | None = None
    """The reads of the round on its way; None if no read waits for a round."""

    transfer: LeadershipTransfer | None = None
    """None while this node means to go on leading: only then does it accept proposals."""

    deadline: Instant = field(init=False)
    """When there is something to do, at the latest; computed by `plan`, as it is asked for far more
    often than it changes."""

    def __post_init__(self) -> None:
        """Find the first deadline."""
        self.plan()

    def plan(self) -> None:
        """Find the next deadline, after one of them or the transfer has changed."""
        self.deadline = min(self.heartbeat_deadline, self.check_deadline)
        if self.transfer is not None:
            self.deadline = min(self.deadline, self.transfer.deadline)


Role: TypeAlias = Follower | PreCandidate | Candidate | Leader
