"""Judges every step of every node; the first breach ends the run.

Checked, each in constant time per event:

- **Raft's five properties** (Raft Figure 3). Log prefixes are interned: a prefix is a *chain* id,
  made from the chain before it and one entry. Two logs agree up to an index exactly if their
  chains there are equal, so log matching, leader completeness and state machine safety are
  comparisons of two integers.
- **Persistence**: no word tells of a term, a vote or an entry that a crash could still take back,
  and recovery returns everything that was synced.
- **Acknowledgement**: what a follower acknowledges to a leader is what that one's log holds.
- **Durability**: what is committed is durable on a majority. A durable store stands for the log it
  is the outcome of (Raft §7), and no log is trimmed but by such a store.
- **Agreement**: stores that are the outcome of the same log are equal, by their hash.

The oracle sees effects as the host carries them out, so what it calls durable is durable.
"""

from collections.abc import Callable, Sequence

from harness.environments.simulation.chains import EMPTY, Durable, Members
from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.mvcc.commands import request_id_of
from nodeimpl.raft.configuration import Configuration, decode_configuration_entry
from nodeimpl.raft.effects import Persist, RoleName
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    Message,
    RequestVote,
    RequestVoteReply,
)

NO_INDEX = LogIndex(0)


class Breach(Exception):  # noqa: N818 - the store's failure, not an error of ours
    """A node broke one of the properties."""

    def __init__(self, rule: str, story: str) -> None:
        super().__init__(f"{rule}: {story}")
        self.rule = rule
        """The property's name."""
        self.story = story
        """What happened, naming nodes, terms and indices."""


def _ignore(entry: Entry) -> None:
    """Take no interest in what is committed."""
    del entry


class Oracle:
    """Knows what every node promised, and what the cluster has committed."""

    def __init__(self, nodes: Sequence[NodeId]) -> None:
        self.on_command: Callable[[Entry], None] = _ignore
        """Given each command once, when it is known to be committed."""
        self._durable = {node: Durable() for node in nodes}
        self._leaders: dict[Term, NodeId] = {}
        self._leading: dict[NodeId, Term] = {}
        self._votes: dict[Term, dict[NodeId, NodeId]] = {}
        """Per term, who voted for whom, durably."""
        self._candidacies: dict[tuple[Term, NodeId], tuple[Term, LogIndex]] = {}
        """Where the log of a candidate ended when it asked for votes: the last term and index."""
        self._interned: dict[tuple[int, Entry], int] = {}
        self._chain_at: dict[tuple[LogIndex, Term], int] = {}
        self._chain_terms = [Term(0)]
        """The term of each chain's last entry, by chain id."""
        self._chain_members = [Members(LogIndex(0), Configuration(voters=tuple(nodes)))]
        """The members in force by each chain, by chain id."""
        self._committed = [EMPTY]
        """`_committed[i]` is the one prefix that is committed up to index i."""
        self._committed_in_term: list[Term] = [Term(0)]
        self._stores: dict[LogIndex, tuple[NodeId, int]] = {}
        """Who was the first to make a store durable that is the outcome of the log up to an index,
        and its hash."""
        self._requests: dict[RequestId, LogIndex] = {}
        """Where each request that was committed stands in the log."""
        self.commit_count = 0

    @property
    def election_count(self) -> int:
        """Terms that had a leader."""
        return len(self._leaders)

    # ------------------------------------------------------------ what nodes do
    def wrote(self, node: NodeId, persist: Persist) -> None:
        """Note that `persist` reached the page cache."""
        self._durable[node].unsynced.append(persist)

    def synced(self, node: NodeId) -> None:
        """Count the oldest write of `node` that was not durable yet as durable."""
        durable = self._durable[node]
        persist = durable.unsynced.popleft()
        self._persist(node, durable, persist)
        for entry in persist.entries:
            if entry.kind is EntryKind.CONFIGURATION:
                self._check_change(node, durable.chains, entry.index)

    def joined(self, node: NodeId) -> None:
        """Take note of a new node with an empty disk."""
        assert node not in self._durable, f"n{node} joins twice"
        self._durable[node] = Durable()

    def _persist(self, node: NodeId, durable: Durable, persist: Persist) -> None:
        if persist.hard_state is not None:
            self._check_hard_state(node, durable.hard_state, persist.hard_state)
            durable.hard_state = persist.hard_state
            if persist.hard_state.voted_for is not None:
                votes = self._votes.setdefault(persist.hard_state.current_term, {})
                votes[node] = persist.hard_state.voted_for
        if persist.entries:
            self._check_append_only(node, durable, persist.entries)
            self._append(node, durable.chains, persist.entries)

    def _check_hard_state(self, node: NodeId, old: HardState, new: HardState) -> None:
        """Terms never go back, and a vote in a term is never changed (Raft Figure 2)."""
        if new.current_term < old.current_term:
            raise Breach(
                "Term monotonicity (Raft §5.1)",
                f"n{node} went back from term {old.current_term} to {new.current_term}",
            )
        if (
            new.current_term == old.current_term
            and old.voted_for is not None
            and new.voted_for != old.voted_for
        ):
            raise Breach(
                "One vote per term (Raft §5.2)",
                f"n{node} voted for n{old.voted_for} in term {old.current_term} and then "
                f"changed its vote to {new.voted_for}",
            )

    def _check_append_only(
        self, node: NodeId, durable: Durable, entries: tuple[Entry, ...]
    ) -> None:
        """Leader Append-Only: a leader never overwrites its log (Raft §5.3)."""
        term = self._leading.get(node)
        if term is not None and entries[0].index < len(durable.chains):
            raise Breach(
                "Leader Append-Only (Raft §5.3)",
                f"n{node}, leader of term {term}, overwrote its own log from index "
                f"{entries[0].index}; it reached to {len(durable.chains) - 1}",
            )

    def _append(self, node: NodeId, chains: list[int], entries: tuple[Entry, ...]) -> None:
        first = entries[0].index
        if first > len(chains):
            raise Breach(
                "Contiguous log (Raft §5.3)",
                f"n{node} stored entry {first} though its log ends at {len(chains) - 1}",
            )
        del chains[first:]
        chain = chains[-1]
        for entry in entries:
            chain = self._intern(node, chain, entry)
            chains.append(chain)

    def _intern(self, node: NodeId, before: int, entry: Entry) -> int:
        chain = self._interned.get((before, entry))
        if chain is not None:
            return chain
        chain = self._interned[before, entry] = len(self._chain_terms)
        self._chain_terms.append(entry.term)
        members = self._chain_members[before]
        if entry.kind is EntryKind.CONFIGURATION:
            configuration = decode_configuration_entry(entry.data).configuration
            members = Members(entry.index, configuration)
        self._chain_members.append(members)
        # Log Matching (Raft §5.3): one index and term name one entry and one prefix.
        if self._chain_at.setdefault((entry.index, entry.term), chain) != chain:
            raise Breach(
                "Log Matching (Raft §5.3)",
                f"n{node} holds an entry {entry.index} of term {entry.term} whose content or "
                f"history differs from the entry of the same index and term elsewhere",
            )
        return chain

    def _check_change(self, node: NodeId, chains: list[int], index: LogIndex) -> None:
        """Voters change by joint consensus, and each change follows a committed one (Raft §6)."""
        since, before = self._chain_members[chains[index - 1]]
        after = self._chain_members[chains[index]].configuration
        begins_joint = before.outgoing is None and after.outgoing == before.voters
        keeps_voters = after.outgoing is None and after.voters == before.voters
        if not (begins_joint or keeps_voters):
            raise Breach(
                "Joint consensus (Raft §6)",
                f"n{node} holds an entry {index} that turns {before} into {after}: there are "
                f"majorities of the one that know nothing of the other",
            )
        if since >= len(self._committed):
            raise Breach(
                "One change at a time (Raft §6)",
                f"n{node} holds an entry {index} that changes the members, though the change by "
                f"entry {since} is not committed",
            )

    def members_of(self, node: NodeId) -> Configuration | None:
        """Return the members by the log of `node`; None while it has writes that are not synced."""
        durable = self._durable[node]
        if durable.unsynced:
            return None
        return self._chain_members[durable.chains[-1]].configuration

    def _lacking_majority(self, node: NodeId, agreeing: Sequence[NodeId]) -> str | None:
        """Return the voters, as the log of `node` has them, of whom no majority is agreeing."""
        configuration = self._chain_members[self._durable[node].chains[-1]].configuration
        for voters in configuration.voter_sets:
            if 2 * sum(voter in agreeing for voter in voters) <= len(voters):
                return " ".join(f"n{voter}" for voter in voters)
        return None

    def became(self, node: NodeId, role: RoleName, term: Term) -> None:
        """Judge that `node` changed its role or term."""
        if role is not RoleName.LEADER:
            self._leading.pop(node, None)
            return
        other = self._leaders.setdefault(term, node)
        if other != node:
            raise Breach(
                "Election Safety (Raft §5.2)",
                f"both n{other} and n{node} became leader of term {term}",
            )
        if self._leading.get(node) != term:
            self._leading[node] = term
            self._check_votes(node, term)
            self._check_completeness(node, term)

    def _check_votes(self, node: NodeId, term: Term) -> None:
        """Require of a leader the votes of a majority, given in its very term (Raft §5.2)."""
        votes = self._votes.get(term, {})
        voters = [voter for voter, voted_for in sorted(votes.items()) if voted_for == node]
        lacking = self._lacking_majority(node, voters)
        if lacking is not None:
            names = ", ".join(f"n{voter}" for voter in voters) or "no node"
            raise Breach(
                "Majority of votes (Raft §5.2)",
                f"n{node} became leader of term {term}, but only {names} voted for it in that "
                f"term; a majority of {lacking} must",
            )

    def _check_completeness(self, node: NodeId, term: Term) -> None:
        """Leader Completeness: a leader has all that was committed before it (Raft §5.4)."""
        last = len(self._committed) - 1
        # Entries committed in this very term can only be its own.
        while last and self._committed_in_term[last] >= term:
            last -= 1
        if not self._holds(node, LogIndex(last), self._committed[last]):
            raise Breach(
                "Leader Completeness (Raft §5.4)",
                f"n{node} became leader of term {term} without the committed entry {last} of term "
                f"{self._chain_terms[self._committed[last]]}; its log ends at "
                f"{len(self._durable[node].chains) - 1}",
            )

    def _check_later_leaders(self, node: NodeId, index: LogIndex, chain: int, term: Term) -> None:
        """Leader Completeness again, for a commit in `term` that shows after a later election."""
        for leader, leading in self._leading.items():
            if leading > term and not self._holds(leader, index, chain):
                raise Breach(
                    "Leader Completeness (Raft §5.4)",
                    f"n{node} committed entry {index} in term {term}, and n{leader}, leader of "
                    f"term {leading}, does not have it; its log ends at "
                    f"{len(self._durable[leader].chains) - 1}",
                )

    def _holds(self, node: NodeId, index: LogIndex, chain: int) -> bool:
        """Return whether the durable log of `node` has the prefix `chain` up to `index`."""
        chains = self._durable[node].chains
        return index < len(chains) and chains[index] == chain

    def committed(self, node: NodeId, entries: tuple[Entry, ...]) -> None:
        """Judge that `node` applied `entries`."""
        leading = self._leading.get(node)
        if leading is not None and entries[-1].term != leading:
            raise Breach(
                "Commitment of earlier terms (Raft §5.4.2, Figure 8)",
                f"n{node}, leader of term {leading}, committed up to entry {entries[-1].index} of "
                f"term {entries[-1].term}; only an entry of its own term commits those before it",
            )
        for entry in entries:
            index = entry.index
            if index > len(self._committed):
                raise Breach(
                    "State Machine Safety (Raft §5.4.3)",
                    f"n{node} applied entry {index} though only {len(self._committed) - 1} "
                    f"entries were ever committed",
                )
            if index == len(self._committed):
                self._commit(node, entry)
            elif self._interned.get((self._committed[index - 1], entry)) != self._committed[index]:
                raise Breach(
                    "State Machine Safety (Raft §5.4.3)",
                    f"n{node} applied at index {index} an entry of term {entry.term} that differs "
                    f"from the one applied there before, of term "
                    f"{self._chain_terms[self._committed[index]]}",
                )

    def _commit(self, node: NodeId, entry: Entry) -> None:
        """Note a new committed entry; it must be durable on a majority (Raft §5.4)."""
        index = entry.index
        term = self._durable[node].hard_state.current_term
        chain = self._intern(node, self._committed[index - 1], entry)
        holders = [holder for holder in self._durable if self._holds(holder, index, chain)]
        lacking = self._lacking_majority(node, holders)
        if lacking is not None:
            names = ", ".join(f"n{holder}" for holder in holders) or "no node"
            raise Breach(
                "Durability (Raft §5.3)",
                f"n{node} committed entry {index} of term {entry.term} in term {term}, but only "
                f"{names} held it durably; a majority of {lacking} must",
            )
        self._check_later_leaders(node, index, chain, term)
        if entry.kind is EntryKind.COMMAND:
            self._check_once(node, entry)
            self.on_command(entry)
        self._committed.append(chain)
        self._committed_in_term.append(term)
        self.commit_count += 1

    def _check_once(self, node: NodeId, entry: Entry) -> None:
        """Require that a request takes effect once, however often it travelled (Raft §8)."""
        request_id = request_id_of(entry.data)
        if request_id is None:
            return
        first = self._requests.setdefault(request_id, entry.index)
        if first != entry.index:
            raise Breach(
                "Exactly once (Raft §8)",
                f"n{node} committed entry {entry.index} of term {entry.term}, which holds request "
                f"{request_id:#x}; entry {first} was that request, too",
            )

    def saved(self, node: NodeId, index: LogIndex, term: Term, store_hash: int) -> None:
        """Judge that `node` made its store durable, as the outcome of the log up to `index`.

        If its log does not go there, or elsewhere, the store came from a leader, and from now on
        the node holds what is committed up to `index`, and nothing behind it (Raft §7).
        """
        if index >= len(self._committed) or self._chain_terms[self._committed[index]] != term:
            raise Breach(
                "Snapshots (Raft §7)",
                f"n{node} holds a store that is said to be the outcome of entry {index} of term "
                f"{term}, but {len(self._committed) - 1} entries are committed"
                + (
                    f", and that one is of term {self._chain_terms[self._committed[index]]}"
                    if index < len(self._committed)
                    else ""
                ),
            )
        other, other_hash = self._stores.setdefault(index, (node, store_hash))
        if other_hash != store_hash:
            raise Breach(
                "State Machine Safety (Raft §5.4.3)",
                f"n{other} and n{node} have both applied {index} entries, but their stores hash "
                f"to {other_hash:#x} and {store_hash:#x}",
            )
        durable = self._durable[node]
        if index < durable.saved_index:
            raise Breach(
                "Snapshots (Raft §7)",
                f"n{node} went back from a store that is the outcome of {durable.saved_index} "
                f"entries to one of {index}",
            )
        durable.saved_index = index
        if not self._holds(node, index, self._committed[index]):
            durable.chains = self._committed[: index + 1]

    def trimmed(self, node: NodeId, index: LogIndex, term: Term) -> None:
        """Judge that `node` forgot its log up to `index`: its durable store must stand for it."""
        saved_index = self._durable[node].saved_index
        if index > saved_index or self._chain_terms[self._committed[index]] != term:
            raise Breach(
                "Snapshots (Raft §7)",
                f"n{node} trimmed its log up to entry {index} of term {term}, but its durable "
                f"store is the outcome of entry {saved_index}",
            )

    # ------------------------------------------------------------ what nodes say
    def sent(self, node: NodeId, to: NodeId, message: Message) -> None:
        """Judge what `node` is about to say: what it reveals must be durable."""
        hard_state = self._durable[node].hard_state
        if message.term > hard_state.current_term:
            raise Breach(
                "Persistence (Raft §5.1)",
                f"n{node} tells n{to} of term {message.term}, but its durable term is "
                f"{hard_state.current_term}",
            )
        kind = type(message)  # Most messages say nothing more: cheaper than failed matches.
        if kind is AppendEntriesReply or kind is RequestVote or kind is RequestVoteReply:
            self._check_word(node, to, message)

    def _check_word(self, node: NodeId, to: NodeId, message: Message) -> None:
        """Require that the vote or the entries that `message` speaks of are durable."""
        match message:
            case AppendEntriesReply(term=term, accepted=True, match_index=index):
                if index >= len(self._durable[node].chains):
                    raise Breach(
                        "Persistence (Raft §5.3)",
                        f"n{node} acknowledged entries up to {index} in term {term}, but only "
                        f"{len(self._durable[node].chains) - 1} are durable",
                    )
                self._check_match(node, to, term, index)
            case RequestVote(term=term, last_log_index=index, last_log_term=log_term):
                self._check_vote_durable(node, term, node, "asks for votes")
                self._candidacies[term, node] = (log_term, index)
            case RequestVoteReply(term=term, vote_granted=True):
                self._check_vote_durable(node, term, to, f"grants its vote to n{to}")
                self._check_up_to_date(node, to, term)
            case _:
                pass

    def _check_match(self, node: NodeId, leader: NodeId, term: Term, index: LogIndex) -> None:
        """Require that what is acknowledged is what the leader's log holds (Raft Figure 2).

        The leader sends before it persists, so its durable log may not reach that far yet.
        """
        if self._leading.get(leader) != term:
            return
        leaders_chains = self._durable[leader].chains
        if index >= len(leaders_chains):
            return
        chain, leaders_chain = self._durable[node].chains[index], leaders_chains[index]
        if chain != leaders_chain:
            raise Breach(
                "Acknowledgement (Raft Figure 2, matchIndex)",
                f"n{node} acknowledged entries up to {index} in term {term}, but holds there one "
                f"of term {self._chain_terms[chain]}, with another past or content than that of "
                f"n{leader}, the leader, of term {self._chain_terms[leaders_chain]}",
            )

    def _check_up_to_date(self, voter: NodeId, candidate: NodeId, term: Term) -> None:
        """Require that the log that gets a vote is not behind the voter's own (Raft §5.4.1)."""
        chains = self._durable[voter].chains
        voters_end = (self._chain_terms[chains[-1]], len(chains) - 1)
        candidates_end = self._candidacies.get((term, candidate))
        if candidates_end is None or candidates_end < voters_end:
            raise Breach(
                "Election restriction (Raft §5.4.1)",
                f"n{voter}, whose log ends at {voters_end[1]} of term {voters_end[0]}, votes in "
                f"term {term} for n{candidate}, which asked with (term, index) {candidates_end}",
            )

    def _check_vote_durable(self, node: NodeId, term: Term, voted_for: NodeId, does: str) -> None:
        hard_state = self._durable[node].hard_state
        if hard_state.current_term == term and hard_state.voted_for != voted_for:
            raise Breach(
                "Persistence (Raft §5.2)",
                f"n{node} {does} in term {term}, but its durable term is "
                f"{hard_state.current_term} with its vote for {hard_state.voted_for}",
            )

    # ------------------------------------------------------------ crashes
    def crashed(self, node: NodeId) -> None:
        """Note that the daemon of `node` ended."""
        self._leading.pop(node, None)

    def recovered(
        self,
        node: NodeId,
        hard_state: HardState,
        entries: Sequence[Entry],
        prefix_index: LogIndex = NO_INDEX,
    ) -> None:
        """Judge the state with which `node` came back, and which it has synced again.

        Its log begins behind `prefix_index`; its store is the outcome of what stands before.

        It must be what was durable, or what that becomes by some of the unsynced writes, in
        order: those may or may not have survived.
        """
        durable = self._durable[node]
        if prefix_index > durable.saved_index:
            raise Breach(
                "Recovery (Raft §7)",
                f"n{node} came back with a log trimmed up to {prefix_index}, but its durable store "
                f"is the outcome of entry {durable.saved_index}",
            )
        chains = self._committed[: prefix_index + 1]
        if entries:
            self._append(node, chains, tuple(entries))
        while (durable.chains, durable.hard_state) != (chains, hard_state):
            if not durable.unsynced:
                raise Breach(
                    "Recovery (Raft §5.1, Figure 2)",
                    f"n{node} came back with term {hard_state.current_term}, vote "
                    f"{hard_state.voted_for} and a log to {len(chains) - 1}, which is none of the "
                    f"states it had synced or written; synced were term "
                    f"{durable.hard_state.current_term} and a log to {len(durable.chains) - 1}",
                )
            self._persist(node, durable, durable.unsynced.popleft())
        durable.unsynced.clear()
