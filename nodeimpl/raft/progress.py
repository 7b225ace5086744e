"""What a leader knows of one follower (Raft Figure 2, `nextIndex[]` and `matchIndex[]`).

           became leader
                |
                v         accepted, and what stands before next_index is verified
          +-----------+ --------------------------------------------------------> +-----------+
          |   PROBE   |                                                           | REPLICATE |
          +-----------+ <-------------------------------------------------------- +-----------+
            |       ^                           refused
            +-------+
             refused: try further back

        REPLICATE and PROBE ----------------------> +----------+ -----> REPLICATE, once it holds
            what is to be sent next was trimmed     | SNAPSHOT |        what the log begins behind
                                          PROBE <-- +----------+
                               silent for too long

PROBE: the place where the logs meet is a guess. One message is out that tests it; nothing more is
sent until it is answered, but for heartbeats, which repeat the test.
REPLICATE: entries are sent ahead of the answers, up to a window (thesis §10.2.1, pipelining).
SNAPSHOT: the state machine's state is sent in chunks (`snapshots`), and no entries.

Lost messages need no timer of their own: every heartbeat is checked against the entry before
`next_index`. If all arrived, its answer acknowledges all; if something was lost it is refused.
In SNAPSHOT `next_index` is the one behind the snapshot: a heartbeat asks whether it is installed.
"""

import enum
from collections import deque
from dataclasses import dataclass, field

from nodeimpl.ids import Instant, LogIndex
from nodeimpl.raft.log import NO_INDEX
from nodeimpl.raft.messages import Snapshot


class ProgressState(enum.Enum):
    """How a leader sends to a follower: see the drawing at the top of this module."""

    PROBE = enum.auto()
    REPLICATE = enum.auto()
    SNAPSHOT = enum.auto()


@dataclass(slots=True, kw_only=True)
class Transfer:
    """A snapshot on its way to one follower; one chunk of it is out."""

    snapshot: Snapshot
    first_round: int
    """The round of the first chunk, which names the transfer."""
    offset: int
    """Where the chunk that is out begins."""
    round: int
    """The round of that chunk. Only the first answer to it is obeyed: it sends the next chunk, with
    a round of its own, so repeated answers breed no chunks."""
    sent_at: Instant
    """When it was last sent."""
    answered_at: Instant
    """When a chunk was last answered, or the first one sent."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """One follower, seen from the leader of the current term.

    Invariants: 0 <= match_index < next_index; in_flight ascends and lies strictly above
    match_index; in flight is something in REPLICATE only, and a transfer in SNAPSHOT only.
    """

    next_index: LogIndex
    """The next entry to send."""
    match_index: LogIndex = NO_INDEX
    """The highest index known to be stored there; never falls."""
    state: ProgressState = ProgressState.PROBE
    in_flight: deque[LogIndex] = field(default_factory=deque)
    """The last index of each AppendEntries with entries that is not answered yet."""
    probe_round: int = 0
    """The round of the first message sent with a `next_index` chosen anew. A refusal of an earlier
    round has been acted on already and is stale: without this, duplicated refusals would breed
    probes, and these refusals, without end."""
    acked_round: int = 0
    """The latest heartbeat round answered (thesis §6.4)."""
    checked_round: int = 0
    """What `acked_round` was when the leader last looked whether a quorum answers."""
    was_active: bool = False
    """Whether the follower had answered a new round by then."""
    transfer: Transfer | None = None
    """None in SNAPSHOT until the state's bytes are there, within one call of consensus."""
    commit_index_sent: LogIndex = NO_INDEX
    """The highest commit index sent; a later heartbeat repeats it if it was lost."""

    def has_room(self, appends_in_flight_max: int) -> bool:
        """Return whether one more AppendEntries with entries may be sent now."""
        return self.state is ProgressState.REPLICATE and len(self.in_flight) < appends_in_flight_max

    def is_idle(self) -> bool:
        """Return whether all that was sent is known to be stored: nothing is on its way."""
        return self.state is ProgressState.REPLICATE and not self.in_flight

    @property
    def is_active(self) -> bool:
        """Whether the follower answered a new round lately: within two election timeouts."""
        return self.was_active or self.acked_round > self.checked_round

    def look(self) -> bool:
        """Return whether the follower has answered a new round since the last look."""
        self.was_active = self.acked_round > self.checked_round
        self.checked_round = self.acked_round
        return self.was_active

    def sent(self, last_index: LogIndex) -> None:
        """Note that entries up to `last_index` were sent ahead of their answer."""
        assert self.state is ProgressState.REPLICATE, "a probe is not sent ahead"
        assert last_index >= self.next_index, "an AppendEntries in flight has entries"
        self.in_flight.append(last_index)
        self.next_index = LogIndex(last_index + 1)

    def accepted(self, match_index: LogIndex, round_: int) -> bool:
        """Note an accepted AppendEntries; return whether match_index rose.

        Answers may come late, twice and in any order: `match_index` of each is a fact, as what a
        follower acknowledged to the leader of a term stays in its log during that term.
        """
        rose = match_index > self.match_index
        if rose:
            self.match_index = match_index
            self.next_index = max(self.next_index, LogIndex(match_index + 1))
            while self.in_flight and self.in_flight[0] <= match_index:
                self.in_flight.popleft()
        if (
            self.state is ProgressState.PROBE
            and self.next_index == self.match_index + 1
            and (rose or round_ >= self.probe_round)
        ):
            self.state = ProgressState.REPLICATE
        return rose

    def is_stale_refusal(self, round_: int) -> bool:
        """Return whether a refusal of `round_` has nothing new to say."""
        return round_ < self.probe_round

    def probe(self, next_index: LogIndex, round_: int) -> None:
        """Start anew from `next_index`; `round_` is the round of the message that tests it."""
        assert next_index > self.match_index, "what is stored there need not be sent again"
        assert round_ > self.probe_round, "every probe has a round of its own"
        self.state = ProgressState.PROBE
        self.next_index = next_index
        self.probe_round = round_
        self.in_flight.clear()
        self.transfer = None

    def await_snapshot(self) -> None:
        """Send no more entries: those to be sent next were trimmed."""
        assert self.state is not ProgressState.SNAPSHOT, "a snapshot under way is not started again"
        self.state = ProgressState.SNAPSHOT
        self.in_flight.clear()

    def send_snapshot(self, transfer: Transfer) -> None:
        """Begin to send the state; heartbeats ask from now on whether it has been installed."""
        assert self.state is ProgressState.SNAPSHOT, "a snapshot is for who needs one"
        last_included_index = transfer.snapshot.last_included_index
        assert last_included_index > self.match_index, "what is stored there need not be sent again"
        self.transfer = transfer
        self.next_index = LogIndex(last_included_index + 1)

    def resume(self) -> None:
        """Send entries again: what follows `match_index` is in the log."""
        assert self.state is ProgressState.SNAPSHOT, "only a snapshot interrupts replication"
        self.state = ProgressState.REPLICATE
        self.next_index = LogIndex(self.match_index + 1)
        self.transfer = None
