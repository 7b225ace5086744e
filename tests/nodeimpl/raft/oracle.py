"""What no node can see alone: Raft's properties across nodes (Raft Figure 3), and durability.

It is told of every effect as it is carried out, and keeps its own copy of what each disk must hold,
so it shares no bookkeeping with the nodes it judges.
"""

from collections.abc import Collection, Sequence

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.configuration import Configuration, decode_configuration_entry
from nodeimpl.raft.effects import Became, Persist, RoleName, Send, Trim
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from nodeimpl.raft.state import Recovered


class Oracle:
    """Asserts, at every effect, what must hold among all nodes."""

    def __init__(self, node_ids: Sequence[NodeId], *, asks_first: bool = False) -> None:
        """`asks_first`: nobody stands for election without promises (thesis §9.6)."""
        self._founders = Configuration(voters=tuple(node_ids))
        self._hard_states = {node_id: HardState(Term(0), None) for node_id in node_ids}
        self._logs: dict[NodeId, list[Entry]] = {node_id: [] for node_id in node_ids}
        self._terms = {node_id: Term(0) for node_id in node_ids}
        self._known_commits = {node_id: LogIndex(0) for node_id in node_ids}
        self._leaders: dict[Term, NodeId] = {}
        self._lineage: dict[tuple[LogIndex, Term], tuple[Term, Entry]] = {}
        self._committed: list[Entry] = []
        self._committed_in: list[Term] = []
        self._commands: set[bytes] = set()
        self._saved: dict[NodeId, int] = {}
        """How much of the log each node's durable state stands for."""
        self._asks_first = asks_first
        self._asked_to_stand: set[tuple[NodeId, Term]] = set()
        self._votes: dict[tuple[NodeId, Term], set[NodeId]] = {}
        self._promises: dict[tuple[NodeId, Term], set[NodeId]] = {}

    @property
    def commit_index(self) -> LogIndex:
        """The highest index any node has revealed to be committed."""
        return LogIndex(len(self._committed))

    def joined(self, node_id: NodeId) -> None:
        """Take note of a new node with an empty disk."""
        self._hard_states[node_id] = HardState(Term(0), None)
        self._logs[node_id] = []
        self._terms[node_id] = Term(0)
        self._known_commits[node_id] = LogIndex(0)

    def members(self, node_id: NodeId) -> Configuration:
        """Return the members in force by the durable log of the node (Raft §6)."""
        return self._members(self._logs[node_id])[1]

    def _members(self, log: Sequence[Entry]) -> tuple[LogIndex, Configuration]:
        for entry in reversed(log):
            if entry.kind is EntryKind.CONFIGURATION:
                return entry.index, decode_configuration_entry(entry.data).configuration
        return LogIndex(0), self._founders

    def restarted(self, node_id: NodeId, recovered: Recovered) -> None:
        """Take note that the node lost all but what is durable, and knows of commits so far."""
        self._known_commits[node_id] = recovered.commit_index
        term = recovered.hard_state.current_term
        assert term == self._hard_states[node_id].current_term, "recovery returns what was synced"
        log = self._logs[node_id][recovered.prefix_index :]
        assert log == list(recovered.entries), f"{node_id} recovers another log than it synced"
        self._terms[node_id] = term

    def saved(self, node_id: NodeId, state: tuple[Entry, ...]) -> None:
        """Check State Machine Safety; a state that is not of the node's own log replaces that."""
        assert list(state) == self._committed[: len(state)], (
            f"State Machine Safety: {node_id} holds {state[-1]}, which is not committed there"
        )
        assert len(state) >= self._saved.get(node_id, 0), f"the state of {node_id} went back"
        self._saved[node_id] = len(state)
        if self._logs[node_id][: len(state)] != list(state):
            self._logs[node_id] = list(state)

    def trimmed(self, node_id: NodeId, effect: Trim) -> None:
        """Check that the log forgets only what the durable state stands for (Raft §7)."""
        index = effect.prefix_index
        assert index <= self._saved.get(node_id, 0), f"{node_id} trims {index} too early"
        assert self._committed[index - 1].term == effect.prefix_term, f"{node_id} trims {effect}"

    def became(self, node_id: NodeId, effect: Became) -> None:
        """Check Election Safety and Leader Completeness."""
        self._terms[node_id] = effect.term
        if effect.role is RoleName.CANDIDATE and self._asks_first:
            promised = self._promises.get((node_id, Term(effect.term - 1)), set()) | {node_id}
            is_asked = (node_id, effect.term) in self._asked_to_stand
            assert is_asked or self._agree(node_id, promised), (
                f"{node_id} stands in term {effect.term} with promises of {promised} only"
            )
        if effect.role is not RoleName.LEADER:
            return
        first = self._leaders.setdefault(effect.term, node_id)
        assert first == node_id, f"Election Safety: {first} and {node_id} lead term {effect.term}"
        votes = self._votes.get((node_id, effect.term), set()) | {node_id}
        assert self._agree(node_id, votes), (
            f"{node_id} leads term {effect.term} with votes of {votes}"
        )
        assert self._is_needed(node_id), f"{node_id} leads and is no voter"
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
            if entry.kind is EntryKind.CONFIGURATION:
                self._check_change(node_id, log, entry)
            log.append(entry)

    def _check_change(self, node_id: NodeId, log: Sequence[Entry], entry: Entry) -> None:
        """Check that one change follows the other, and voters change by joint consensus (§6)."""
        index, before = self._members(log)
        after = decode_configuration_entry(entry.data).configuration
        assert index <= self.commit_index, f"{node_id} changes {before} before it is committed"
        begins_joint = before.outgoing is None and after.outgoing == before.voters
        keeps_voters = after.outgoing is None and after.voters == before.voters
        assert begins_joint or keeps_voters, (
            f"Joint Consensus: {before} becomes {after} on {node_id}"
        )

    def _is_needed(self, node_id: NodeId) -> bool:
        """Return whether it is a voter, or was until members it does not know to be committed.

        Thesis §4.2.2 lets it stand for election, as it cannot tell whether it is needed.
        """
        log = self._logs[node_id]
        index, members = self._members(log)
        while not members.has_voter(node_id) and index > self._known_commits[node_id]:
            index, members = self._members(log[: index - 1])
        return members.has_voter(node_id)

    def _agree(self, node_id: NodeId, agreeing: Collection[NodeId]) -> bool:
        """Return whether majorities, as the node's durable log has them, are in `agreeing`."""
        members = self.members(node_id)
        voter_sets = [members.voters, members.outgoing or members.voters]
        return all(2 * len({*voters} & {*agreeing}) > len(voters) for voters in voter_sets)

    def sent(self, node_id: NodeId, effect: Send) -> None:
        """Check that no message reveals what is not durable (Raft §5.1)."""
        durable = self._hard_states[node_id]
        message = effect.message
        assert message.term <= durable.current_term, f"{node_id} reveals its term too early"
        match message:
            case PreVoteReply(asked_term=asked_term, vote_granted=True):
                self._promises.setdefault((effect.to, asked_term), set()).add(node_id)
            case TimeoutNow(term=term):
                # Carried out late, it may find the target in a later term, its log replaced.
                is_late = self._hard_states[effect.to].current_term > term
                assert is_late or len(self._logs[effect.to]) >= len(self._logs[node_id]), (
                    f"{effect.to} is to take over from {node_id} and lacks entries"
                )
                self._asked_to_stand.add((effect.to, Term(term + 1)))
            case RequestVote(term=term) if term == durable.current_term:
                assert durable.voted_for == node_id, f"{node_id} asks before voting for itself"
            case RequestVoteReply(term=term, vote_granted=True) if term == durable.current_term:
                assert durable.voted_for == effect.to, f"{node_id} reveals its vote too early"
                self._votes.setdefault((effect.to, term), set()).add(node_id)
            case AppendEntriesReply(accepted=True, match_index=match_index):
                assert match_index <= len(self._logs[node_id]), (
                    f"{node_id} acknowledges {match_index} too early"
                )
            case _:
                pass

    def committed(self, node_id: NodeId, entries: tuple[Entry, ...]) -> None:
        """Check State Machine Safety, durability on a quorum, and at most once."""
        self._known_commits[node_id] = entries[-1].index
        for entry in entries:
            assert self._logs[node_id][entry.index - 1] == entry, "committed, but not in the log"
            if entry.index <= len(self._committed):
                known = self._committed[entry.index - 1]
                assert known == entry, f"State Machine Safety: {entry} on {node_id}, {known} before"
                continue
            holders = {
                holder
                for holder, log in self._logs.items()
                if log[entry.index - 1 : entry.index] == [entry]
            }
            assert self._agree(node_id, holders), f"{entry} is durable on too few: {holders}"
            self._committed.append(entry)
            self._committed_in.append(self._terms[node_id])
            if entry.kind is EntryKind.COMMAND:
                assert entry.data not in self._commands, f"{entry.data!r} is in the log twice"
                self._commands.add(entry.data)
