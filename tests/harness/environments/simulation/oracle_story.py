"""Stories for the oracle: what three nodes did, told as the host tells it.

A node writes, its write is synced, it speaks, its role changes, it applies what is committed, it
crashes and comes back.
"""

from harness.environments.simulation.oracle import Oracle
from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Persist, RoleName
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
)

N1, N2, N3, N4 = NodeId(1), NodeId(2), NodeId(3), NodeId(4)
LEADER, FOLLOWER, CANDIDATE = RoleName.LEADER, RoleName.FOLLOWER, RoleName.CANDIDATE


def hard(term: int, voted_for: NodeId | None = None) -> HardState:
    return HardState(Term(term), voted_for)


def entry(index: int, term: int, data: bytes = b"") -> Entry:
    return Entry(Term(term), LogIndex(index), EntryKind.COMMAND, data)


def log(*terms: int) -> tuple[Entry, ...]:
    """Return the log whose entries are of these terms."""
    return tuple(entry(index, term) for index, term in enumerate(terms, 1))


def acknowledgement(term: int, match_index: int) -> AppendEntriesReply:
    return AppendEntriesReply(
        term=Term(term),
        accepted=True,
        match_index=LogIndex(match_index),
        conflict_index=LogIndex(0),
        conflict_term=Term(0),
        round=1,
    )


class Story:
    """Told to the oracle sentence by sentence."""

    def __init__(self) -> None:
        self.oracle = Oracle((N1, N2, N3))

    def writes(self, node: NodeId, *entries: Entry, state: HardState | None = None) -> None:
        self.oracle.wrote(node, Persist(state, entries))

    def syncs(self, node: NodeId) -> None:
        self.oracle.synced(node)

    def stores(self, node: NodeId, *entries: Entry, state: HardState | None = None) -> None:
        """Write and sync."""
        self.writes(node, *entries, state=state)
        self.syncs(node)

    def becomes(self, node: NodeId, role: RoleName, term: int) -> None:
        self.oracle.became(node, role, Term(term))

    def wins(self, node: NodeId, term: int) -> None:
        """Persist a term with a vote for oneself, get another node's vote, and lead the term."""
        self.stores(node, state=hard(term, node))
        self.stores(N1 if node == N2 else N2, state=hard(term, node))
        self.becomes(node, LEADER, term)

    def commits(self, node: NodeId, *entries: Entry) -> None:
        self.oracle.committed(node, entries)

    def crashes(self, node: NodeId) -> None:
        self.oracle.crashed(node)

    def recovers(
        self, node: NodeId, *entries: Entry, state: HardState, prefix_index: int = 0
    ) -> None:
        self.oracle.recovered(node, state, entries, LogIndex(prefix_index))

    def saves(self, node: NodeId, index: int, term: int, store_hash: int = 7) -> None:
        """Make the store durable, as the outcome of the log up to `index`."""
        self.oracle.saved(node, LogIndex(index), Term(term), store_hash)

    def trims(self, node: NodeId, index: int, term: int) -> None:
        self.oracle.trimmed(node, LogIndex(index), Term(term))


def committed_by_n1_and_n2(*terms: int) -> Story:
    """Return a story in which a log is durable on n1 and n2, and committed by n1, term after term.

    n1 leads the last term.
    """
    story = Story()
    for index, term in enumerate(terms, 1):
        if term != ([0, *terms])[index - 1]:
            story.wins(N1, term)
            story.stores(N2, state=hard(term, N1))
        for node in (N1, N2):
            story.stores(node, entry(index, term))
        story.commits(N1, entry(index, term))
    return story
