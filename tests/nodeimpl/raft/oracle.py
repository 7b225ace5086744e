"""What no node can see alone: Raft's properties across nodes (Raft Figure 3), and durability.

It is told of every effect as it is carried out, and keeps its own copy of what each disk must hold,
so it shares no bookkeeping with the nodes it judges.
"""

from collections.abc import Sequence

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Became, Persist, RoleName, Send
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
)


class Oracle:
    """Asserts, at every effect, what must hold among all nodes."""

    def __init__(self, node_ids: Sequence[NodeId], *, asks_first: bool = False) -> None:
        """`asks_first`: nobody stands for election without promises (thesis §9.6)."""
        self._node_ids = node_ids
        self._hard_states = {node_id: HardState(Term(0), None) for node_id in node_ids}
        self._logs: dict[NodeId, list[Entry]] = {node_id: [] for node_id in node_ids}
        self._terms = {node_id: Term(0) for node_id in node_ids}
        self._leaders: dict[Term, NodeId] = {}
        self._lineage: dict[tuple[LogIndex, Term], tuple[Term, Entry]] = {}
        self._committed: list[Entry] = []
        self._committed_in: list[Term] = []
        self._commands: set[bytes] = set()
        self._asks_first = asks_first
        self._promises: dict[tuple[NodeId, Term], set[NodeId]] = {}

    @property
    def commit_index(self) -> LogIndex:
        """The highest index any node has revealed to be committed."""
        return LogIndex(len(self._committed))

    def restarted(self, node_id: NodeId, term: Term) -> None:
        """Take note that the node lost all but what is durable."""
        assert term == self._hard_states[node_id].current_term, "recovery returns what was synced"
        self._terms[node_id] = term

    def became(self, node_id: NodeId, effect: Became) -> None:
        """Check Election Safety and Leader Completeness."""
        self._terms[node_id] = effect.term
        if effect.role is RoleName.CANDIDATE and self._asks_first:
            promised = self._promises.get((node_id, Term(effect.term - 1)), set()) | {node_id}
            assert len(promised) > len(self._node_ids) // 2, (
                f"{node_id} stands in term {effect.term} with promises of {promised} only"
            )
        if effect.role is not RoleName.LEADER:
            return
        first = self._leaders.setdefault(effect.term, node_id)
        assert first == node_id, f"Election Safety: {first} and {node_id} lead term {effect.term}"
        log = self._logs[node_id]
        for entry, term in zip(self._committed, self._committed_in, strict=True):
            assert term >= effect.term or log[entry.index - 1 : entry.index] == [entry], (
                f"Leader Completeness: {node_id} leads term {effect.term} without {entry}"
            )

    def persisted(self, node_id: NodeId, effect: Persist) -> None:
        """Check that hard states grow, and Log Matching.

        An entry's index and term decide the entry and the term before it: by induction, the whole
        log up to it.
        """
        before = self._hard_states[node_id]
        after = effect.hard_state or before
        assert after.current_term >= before.current_term, "a durable term fell"
        assert after.current_term > before.current_term or before.voted_for in {
            None,
            after.voted_for,
        }, f"{node_id} changed its vote in term {after.current_term}"
        self._hard_states[node_id] = after
        log = self._logs[node_id]
        for entry in effect.entries:
            del log[entry.index - 1 :]
            lineage = (log[-1].term if log else Term(0), entry)
            known = self._lineage.setdefault((entry.index, entry.term), lineage)
            assert known == lineage, f"Log Matching: {lineage} on {node_id}, elsewhere {known}"
            log.append(entry)

    def sent(self, node_id: NodeId, effect: Send) -> None:
        """Check that no message reveals what is not durable (Raft §5.1)."""
        durable = self._hard_states[node_id]
        message = effect.message
        assert message.term <= durable.current_term, f"{node_id} reveals its term too early"
        match message:
            case PreVoteReply(asked_term=asked_term, vote_granted=True):
                self._promises.setdefault((effect.to, asked_term), set()).add(node_id)
            case RequestVote(term=term) if term == durable.current_term:
                assert durable.voted_for == node_id, f"{node_id} asks before voting for itself"
            case RequestVoteReply(term=term, vote_granted=True) if term == durable.current_term:
                assert durable.voted_for == effect.to, f"{node_id} reveals its vote too early"
            case AppendEntriesReply(accepted=True, match_index=match_index):
                assert match_index <= len(self._logs[node_id]), (
                    f"{node_id} acknowledges {match_index} too early"
                )
            case _:
                pass

    def committed(self, node_id: NodeId, entries: tuple[Entry, ...]) -> None:
        """Check State Machine Safety, durability on a quorum, and at most once."""
        for entry in entries:
            assert self._logs[node_id][entry.index - 1] == entry, "committed, but not in the log"
            if entry.index <= len(self._committed):
                known = self._committed[entry.index - 1]
                assert known == entry, f"State Machine Safety: {entry} on {node_id}, {known} before"
                continue
            durable_count = sum(
                log[entry.index - 1 : entry.index] == [entry] for log in self._logs.values()
            )
            assert durable_count > len(self._node_ids) // 2, f"{entry} is durable on too few"
            self._committed.append(entry)
            self._committed_in.append(self._terms[node_id])
            if entry.kind is EntryKind.COMMAND:
                assert entry.data not in self._commands, f"{entry.data!r} is in the log twice"
                self._commands.add(entry.data)
