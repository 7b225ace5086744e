"""Follows every node's facts and notes the first breach of each of Raft's properties.

Raft Figure 3: election safety, leader append-only, log matching, leader completeness, state machine
safety. Beyond it: what Figure 2 wants on disk (terms and votes never go back), that what was
committed or synced stays, and that members change as §6 wants.
"""

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

from checkers.raft.facts import (
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    Installed,
    LedFrom,
    MembersChanged,
    Restarted,
    StoppedLeading,
)
from checkers.raft.logs import EMPTY, OPAQUE, Chains, Configuration, NodeLog

ELECTION_SAFETY: Final = "raft-election-safety"
LEADER_APPEND_ONLY: Final = "raft-leader-append-only"
LOG_MATCHING: Final = "raft-log-matching"
LEADER_COMPLETENESS: Final = "raft-leader-completeness"
STATE_MACHINE_SAFETY: Final = "raft-state-machine-safety"
TERMS_AND_VOTES: Final = "raft-terms-and-votes"
COMMITTED_SURVIVES: Final = "raft-committed-survives"
MEMBERS: Final = "raft-members"

PROPERTIES: Final = (
    ELECTION_SAFETY,
    LEADER_APPEND_ONLY,
    LOG_MATCHING,
    LEADER_COMPLETENESS,
    STATE_MACHINE_SAFETY,
    TERMS_AND_VOTES,
    COMMITTED_SURVIVES,
    MEMBERS,
)
"""Every property, by the name its verdicts are signed with."""


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One property, broken once."""

    story: str
    nodes: tuple[str, ...]
    index: int = 0
    """0 where no entry is meant."""
    terms: tuple[int, ...] = ()
    at_ns: int


class _Election(msgspec.Struct, frozen=True):
    """A leader at its election."""

    node: str
    term: int
    chains: tuple[int, ...]
    at_ns: int


class Judge:
    """Takes facts in order: by time, or, where there is none, node by node."""

    def __init__(self, *, disks_lie: bool = False) -> None:
        """`disks_lie`: what was durable may be gone after a crash, by no fault of the node."""
        self._disks_lie = disks_lie
        self.breaches: dict[str, Breach] = {}
        """The first breach of each property that was broken."""
        self.commit_count = 0
        self._chains = Chains()
        self._logs: dict[str, NodeLog] = {}
        self._leaders: dict[int, str] = {}
        self._elections: list[_Election] = []
        self._chain_at: dict[tuple[int, int], int] = {}
        """By index and term: the one prefix that ends there (log matching)."""
        self._content_at: dict[tuple[int, int], tuple[int, str]] = {}
        """The same for single entries: content, and a node that holds it."""
        self._committed: list[int] = [EMPTY]
        """`_committed[i]` is the one prefix that is committed up to i; `OPAQUE` if unknown."""
        self._committed_by: list[tuple[str, int]] = [("", 0)]
        """By index: who took it to be committed first, and its term then; once known, who held it.

        Later ones, whose term may be lower, do not count: their own may not be durable yet.
        """
        self._applied: dict[int, tuple[EntryMark, str]] = {}
        """By index: the one entry that may be applied there, and who did so first."""
        self._members_of: dict[int, tuple[str, Configuration]] = {}
        """By chain: the members that its last entry names, and a node that said so."""
        self._now = 0

    @property
    def election_count(self) -> int:
        """How many terms had a leader."""
        return len(self._leaders)

    def take(self, fact: Fact) -> None:  # noqa: C901 (one case per fact)
        """Judge the next fact."""
        log = self._logs.setdefault(fact.node, NodeLog(fact.node))
        self._now = fact.at_ns
        match fact.what:
            case LedFrom(term=term):
                self._lead(log, term)
            case StoppedLeading():
                log.leads = None
            case HardState(term=term, voted_for=voted_for):
                self._persist(log, term, voted_for)
            case Appended(entries=entries):
                self._append(log, entries)
            case CommittedTo(last_index=last_index, entries=entries):
                self._commit(log, last_index, entries)
            case Installed(index=index, term=term):
                self._install(log, index, term)
            case Restarted():
                self._restart(log, fact.what)
            case MembersChanged():
                self._change_members(log, fact.what)
            case _:
                assert_never(fact.what)

    def finish(self) -> None:
        """Judge what needs all facts: that leaders had what earlier terms committed."""
        for election in self._elections:
            self._check_completeness(election)

    def _breach(
        self,
        name: str,
        story: str,
        nodes: Sequence[str],
        *,
        index: int = 0,
        terms: Sequence[int] = (),
    ) -> None:
        breach = Breach(
            story=story, nodes=tuple(nodes), index=index, terms=tuple(terms), at_ns=self._now
        )
        self.breaches.setdefault(name, breach)

    # ------------------------------------------------------------ leaders
    def _lead(self, log: NodeLog, term: int) -> None:
        log.leads = term
        other = self._leaders.setdefault(term, log.name)
        if other != log.name:
            self._breach(
                ELECTION_SAFETY,
                f"{other} and {log.name} were both leaders of term {term}",
                (other, log.name),
                terms=(term,),
            )
        self._elections.append(_Election(log.name, term, tuple(log.chains), self._now))

    def _check_completeness(self, election: _Election) -> None:
        """Compare the leader's log with the last index that an earlier term had committed.

        Chains are prefixes, so where that one agrees, all before it do. Where one of them is not
        known, an earlier one may be.
        """
        index = len(self._committed) - 1
        while index and not self._can_compare(election, index):
            index -= 1
        held = election.chains[index] if index < len(election.chains) else None
        if held == self._committed[index]:
            return
        node, term = self._committed_by[index]
        self._now = election.at_ns
        self._breach(
            LEADER_COMPLETENESS,
            f"{election.node} became leader of term {election.term} without entry {index}, which"
            f" {node} had committed in term {term}; {self._ending(election, index)}",
            (election.node, node),
            index=index,
            terms=(term, election.term),
        )

    def _can_compare(self, election: _Election, index: int) -> bool:
        """Return whether what is committed up to `index` is known, to the leader's loss or not."""
        if self._committed_by[index][1] >= election.term or self._committed[index] == OPAQUE:
            return False
        return index >= len(election.chains) or election.chains[index] != OPAQUE

    def _ending(self, election: _Election, index: int) -> str:
        if index >= len(election.chains):
            return f"its log ended at {len(election.chains) - 1}"
        entry = self._chains.last(election.chains[index])
        return f"its own was of term {entry.term}" if entry else "its own was another"

    # ------------------------------------------------------------ disks
    def _persist(self, log: NodeLog, term: int, voted_for: str | None) -> None:
        """Compare with what was durable before (Raft Figure 2: currentTerm, votedFor)."""
        if term < log.term:
            self._breach(
                TERMS_AND_VOTES,
                f"{log.name} went back from term {log.term} to {term}",
                (log.name,),
                terms=(log.term, term),
            )
        elif term == log.term and log.voted_for is not None and voted_for != log.voted_for:
            self._breach(
                TERMS_AND_VOTES,
                f"{log.name} had voted for {log.voted_for} in term {term}, and then for"
                f" {voted_for or 'no one'}",
                tuple(dict.fromkeys((log.name, log.voted_for, voted_for or log.name))),
                terms=(term,),
            )
        log.term, log.voted_for = term, voted_for

    def _append(self, log: NodeLog, entries: Sequence[EntryMark]) -> None:
        first = entries[0].index
        if log.leads is not None and first <= log.last_index:
            self._breach(
                LEADER_APPEND_ONLY,
                f"{log.name}, leader of term {log.leads}, overwrote its own log from index {first};"
                f" it reached to {log.last_index}",
                (log.name,),
                index=first,
                terms=(log.leads, entries[0].term),
            )
        if first > log.last_index + 1:  # what is between was never told
            log.chains.extend([OPAQUE] * (first - log.last_index - 1))
        before = log.chains
        log.chains = before[:first]
        for entry in entries:
            log.chains.append(self._extended(log, entry))
            members = log.members_of.pop(entry.index, None)
            if members is not None:
                self._check_members_agree(log, entry.index, members)
        self._check_committed_kept(log, before)

    def _extended(self, log: NodeLog, entry: EntryMark) -> int:
        """Return the node's log with `entry` behind it, judged by log matching (Raft §5.3)."""
        place = (entry.index, entry.term)
        content, holder = self._content_at.setdefault(place, (entry.content, log.name))
        chain = self._chains.extended(log.chains[-1], entry, log.name)
        known = chain if chain == OPAQUE else self._chain_at.setdefault(place, chain)
        if content != entry.content or known != chain:
            holder = holder if content != entry.content else self._chains.holders[known]
            differs = "says something else" if content != entry.content else "follows other entries"
            self._breach(
                LOG_MATCHING,
                f"{holder} and {log.name} both hold an entry {entry.index} of term {entry.term},"
                f" but that of {log.name} {differs}",
                (holder, log.name),
                index=entry.index,
                terms=(entry.term,),
            )
        return self._chain_at.get(place, OPAQUE) if chain == OPAQUE else chain

    def _check_committed_kept(self, log: NodeLog, before: Sequence[int]) -> None:
        """Judge that the node did not truncate what it took to be committed itself."""
        index = min(log.commit_index, len(before) - 1)
        kept = log.chain_at(index) if index <= log.last_index else None
        if kept == before[index] or OPAQUE in {kept, before[index]}:
            return
        self._breach(
            COMMITTED_SURVIVES,
            f"{log.name} had committed its log up to {index}, and then overwrote it"
            + (f"; it ends at {log.last_index} now" if kept is None else " with other entries"),
            (log.name,),
            index=index,
            terms=(log.term,),
        )

    def _install(self, log: NodeLog, index: int, term: int) -> None:
        """Take a leader's state: the log is what is committed up to `index`, and what fits behind.

        Raft §7, InstallSnapshot: what follows stays if the log has the entry that was included.
        """
        chain = self._chain_at.get((index, term), OPAQUE)
        if index > 0 and chain != OPAQUE and log.chain_at(index) == chain:
            return
        known = self._committed[: index + 1]
        known += [OPAQUE] * (index + 1 - len(known))
        known[index] = chain if index else EMPTY
        log.chains, log.members = known, None
        log.commit_index = max(log.commit_index, index)

    def _restart(self, log: NodeLog, what: Restarted) -> None:
        """Judge what came back, by what had become durable before (Raft §5.1, Figure 2).

        Writes that were not synced may have survived: the log may be longer, or have been
        overwritten by them. It cannot be a mere beginning of what was synced.
        """
        log.leads, log.members = None, None
        log.members_of.clear()
        if self._disks_lie:
            log.term, log.voted_for, log.commit_index = what.term, what.voted_for, 0
        self._persist(log, what.term, what.voted_for)
        if what.last_index and not what.entries and what.prefix_index < what.last_index:
            log.chains = [EMPTY, *[OPAQUE] * what.last_index]
            return
        before = log.chains
        kept = before[: what.prefix_index + 1]
        kept += [OPAQUE] * (what.prefix_index + 1 - len(kept))
        log.chains = kept
        for entry in what.entries:
            log.chains.append(self._extended(log, entry))
        if self._disks_lie:
            return
        self._check_committed_kept(log, before)
        if log.last_index < len(before) - 1 and log.chains[-1] == before[log.last_index]:
            self._breach(
                COMMITTED_SURVIVES,
                f"{log.name} had synced its log up to {len(before) - 1}, and came back with it up"
                f" to {log.last_index}",
                (log.name,),
                index=log.last_index + 1,
                terms=(what.term,),
            )

    # ------------------------------------------------------------ the state machine
    def _commit(self, log: NodeLog, last_index: int, entries: Sequence[EntryMark]) -> None:
        """Compare what the node commits with what others have (Raft §5.4.3)."""
        for entry in entries:
            self._check_applied(log, entry)
        # What it committed last is looked at again: it may not have held that entry then.
        for index in range(max(1, log.commit_index), last_index + 1):
            chain = log.chain_at(index)
            while index > len(self._committed):  # Who was sent a snapshot may be the first heard.
                self._committed.append(OPAQUE)
                self._committed_by.append((log.name, log.term))
            if index == len(self._committed):
                self._committed.append(chain)
                self._committed_by.append((log.name, log.term))
            elif self._committed[index] == OPAQUE:
                self._committed[index] = chain
                if chain != OPAQUE:
                    self._committed_by[index] = (log.name, self._committed_by[index][1])
            elif chain not in {OPAQUE, self._committed[index]}:
                self._differ(log, index, chain)
        self.commit_count = len(self._committed) - 1
        log.commit_index = max(log.commit_index, last_index)

    def _check_applied(self, log: NodeLog, entry: EntryMark) -> None:
        """Judge that the node applies just what it holds, and what others applied."""
        place = (entry.index, entry.term)
        content, holder = self._content_at.setdefault(place, (entry.content, log.name))
        applied, first = self._applied.setdefault(entry.index, (entry, log.name))
        committed = OPAQUE
        if entry.index < len(self._committed):
            committed = self._committed[entry.index]
        known = self._chains.last(committed)
        if content != entry.content:
            other, term = holder, entry.term
        elif applied != entry:
            other, term = first, applied.term
        elif known is not None and known.term != entry.term:
            other, term = self._committed_by[entry.index][0], known.term
        else:
            return
        self._breach(
            STATE_MACHINE_SAFETY,
            f"{log.name} applied another entry {entry.index}, of term {entry.term}, than {other}",
            (other, log.name),
            index=entry.index,
            terms=(term, entry.term),
        )

    def _differ(self, log: NodeLog, index: int, chain: int) -> None:
        other, _ = self._committed_by[index]
        mine, theirs = self._chains.last(chain), self._chains.last(self._committed[index])
        assert mine is not None, "an opaque chain differs from none"
        assert theirs is not None, "an opaque chain differs from none"
        self._breach(
            STATE_MACHINE_SAFETY,
            f"{other} committed an entry {index} of term {theirs.term}, {log.name} another one of"
            f" term {mine.term}",
            (other, log.name),
            index=index,
            terms=(theirs.term, mine.term),
        )

    # ------------------------------------------------------------ members
    def _change_members(self, log: NodeLog, what: MembersChanged) -> None:
        """Judge that the members are well-formed, and follow from those before (Raft §6).

        A leader makes one change after another, and is heard of each; a follower may take several
        entries at once, and be heard of the last only.
        """
        members = (what.voters, what.learners, what.outgoing)
        why = _malformed(what)
        before = log.members if log.leads is not None else None
        if why is None and before is not None and before[0] < what.index:
            why = _leap(before[1], what)
        if why is not None:
            self._breach(
                MEMBERS,
                f"{log.name}, by entry {what.index}: {why}",
                (log.name,),
                index=what.index,
                terms=(log.term,),
            )
        log.members = (what.index, members)
        if what.index > log.last_index:
            log.members_of[what.index] = members

    def _check_members_agree(self, log: NodeLog, index: int, members: Configuration) -> None:
        """Judge that all nodes take the same members from the same entry."""
        chain = log.chain_at(index)
        if chain in {OPAQUE, EMPTY}:
            return
        other, theirs = self._members_of.setdefault(chain, (log.name, members))
        if theirs != members:
            self._breach(
                MEMBERS,
                f"{other} and {log.name} take different members from one entry {index}:"
                f" {_in_words(theirs)}, and {_in_words(members)}",
                (other, log.name),
                index=index,
                terms=(log.term,),
            )


def _malformed(what: MembersChanged) -> str | None:
    """Say why these are no configuration."""
    if not what.voters:
        return "there is no voter" if what.learners or what.outgoing else None
    both = sorted({*what.voters, *what.outgoing} & {*what.learners})
    return f"{' '.join(both)} vote and learn at once" if both else None


def _leap(before: Configuration, what: MembersChanged) -> str | None:
    """Say which voters changed at once, without the step in between (Raft §6: C_old,new)."""
    voters, _, outgoing = before
    if not voters:
        return None
    if what.outgoing:
        joins = what.outgoing == voters and not outgoing
        return (
            None if joins else f"C_old is {' '.join(what.outgoing)}, but it was {' '.join(voters)}"
        )
    if what.voters == voters:
        return None
    return f"voters {' '.join(voters)} became {' '.join(what.voters)} without a joint configuration"


def _in_words(members: Configuration) -> str:
    voters, learners, outgoing = members
    learning = f" learners {' '.join(learners)}" if learners else ""
    joint = f" joint with {' '.join(outgoing)}" if outgoing else ""
    return f"voters {' '.join(voters)}{learning}{joint}"
