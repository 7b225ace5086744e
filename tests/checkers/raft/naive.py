"""Raft's properties once more, over whole logs, slowly: what the first bad fact breaks.

Takes logs from their first entry on: nothing here knows of snapshots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from checkers.raft.facts import (
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    LedFrom,
    MembersChanged,
    Restarted,
    StoppedLeading,
)

Entry = tuple[int, int]
"""Term and content."""
Log = tuple[Entry, ...]
Members = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass
class NaiveNode:
    log: Log = ()
    term: int = 0
    voted_for: str | None = None
    committed: int = 0
    leads: int | None = None
    members: tuple[int, Members] | None = None
    announced: dict[int, Members] = field(default_factory=dict)


@dataclass
class NaiveJudge:
    nodes: dict[str, NaiveNode] = field(default_factory=dict)
    elections: list[tuple[str, int, Log]] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    """Every log that any node ever had."""
    applied: list[EntryMark] = field(default_factory=list)
    commits: dict[int, tuple[int, Log | None]] = field(default_factory=dict)
    """By index: the term of who committed it first, and the log up to there if that was known."""
    members_at: list[tuple[Log, Members]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def take(self, fact: Fact) -> None:  # noqa: C901 (one case per fact)
        node = self.nodes.setdefault(fact.node, NaiveNode())
        match fact.what:
            case LedFrom(term=term):
                if any(other != fact.node and led == term for other, led, _ in self.elections):
                    self.broken.add("raft-election-safety")
                node.leads = term
                self.elections.append((fact.node, term, node.log))
            case StoppedLeading():
                node.leads = None
            case HardState(term=term, voted_for=voted_for):
                self.persist(node, term, voted_for)
            case Appended(entries=entries):
                self.append(node, entries)
            case CommittedTo(last_index=last_index, entries=entries):
                self.apply(entries)
                self.commit(node, last_index)
            case Restarted():
                self.restart(node, fact.what)
            case MembersChanged():
                self.change_members(node, fact.what)
            case _:
                raise AssertionError("the naive judge knows of no snapshots")
        if any(self.lacks(*election) for election in self.elections):
            self.broken.add("raft-leader-completeness")

    def lacks(self, _node: str, term: int, log: Log) -> bool:
        """Say whether a leader lacked what an earlier term had committed, now or later."""
        return any(
            log[:index] != committed
            for index, (earlier, committed) in self.commits.items()
            if committed is not None and earlier < term
        )

    def persist(self, node: NaiveNode, term: int, voted_for: str | None) -> None:
        changed = node.voted_for is not None and voted_for != node.voted_for
        if term < node.term or (term == node.term and changed):
            self.broken.add("raft-terms-and-votes")
        node.term, node.voted_for = term, voted_for

    def append(self, node: NaiveNode, entries: Sequence[EntryMark]) -> None:
        kept = node.log[: entries[0].index - 1]
        if node.leads is not None and len(kept) < len(node.log):
            self.broken.add("raft-leader-append-only")
        self.replace_log(node, kept + tuple((each.term, each.content) for each in entries))
        for index in [index for index in node.announced if len(kept) < index <= len(node.log)]:
            members, past = node.announced.pop(index), node.log[:index]
            if any(log == past and other != members for log, other in self.members_at):
                self.broken.add("raft-members")
            self.members_at.append((past, members))

    def replace_log(self, node: NaiveNode, log: Log) -> None:
        committed = node.log[: node.committed]
        if log[: len(committed)] != committed:
            self.broken.add("raft-committed-survives")
        if any(self.contradict(log, other) for other in self.logs) or any(
            each.index <= len(log)
            and log[each.index - 1][0] == each.term
            and log[each.index - 1][1] != each.content
            for each in self.applied
        ):
            self.broken.add("raft-log-matching")
        node.log = log
        self.logs.append(log)

    def contradict(self, one: Log, other: Log) -> bool:
        """Say whether two logs hold one index and term, but not one past or content (Raft §5.3)."""
        return any(
            mine[0] == theirs[0] and one[: place + 1] != other[: place + 1]
            for place, (mine, theirs) in enumerate(zip(one, other, strict=False))
        )

    def apply(self, entries: Sequence[EntryMark]) -> None:
        for entry in entries:
            here = [log[entry.index - 1] for log in self.logs if len(log) >= entry.index]
            other_content = any(
                term == entry.term and content != entry.content for term, content in here
            )
            other_applied = any(
                each.index == entry.index and each != entry for each in self.applied
            )
            _, committed = self.commits.get(entry.index, (0, None))
            other_committed = committed is not None and committed[-1][0] != entry.term
            if other_content or other_applied or other_committed:
                self.broken.add("raft-state-machine-safety")
            self.applied.append(entry)

    def commit(self, node: NaiveNode, last_index: int) -> None:
        for index in range(max(1, node.committed), last_index + 1):
            known = node.log[:index] if index <= len(node.log) else None
            term, other = self.commits.get(index, (node.term, None))
            if known is not None and other is not None and known != other:
                self.broken.add("raft-state-machine-safety")
            self.commits[index] = (term, known if other is None else other)
        node.committed = max(node.committed, last_index)

    def restart(self, node: NaiveNode, what: Restarted) -> None:
        node.leads, node.members = None, None
        node.announced.clear()
        self.persist(node, what.term, what.voted_for)
        log = tuple((each.term, each.content) for each in what.entries)
        if len(log) < len(node.log) and node.log[: len(log)] == log:
            self.broken.add("raft-committed-survives")
        self.replace_log(node, log)

    def change_members(self, node: NaiveNode, what: MembersChanged) -> None:
        members = (what.voters, what.learners, what.outgoing)
        learns_and_votes = any(each in what.voters + what.outgoing for each in what.learners)
        nobody_votes = not what.voters and bool(what.learners or what.outgoing)
        wrong = learns_and_votes or nobody_votes
        if node.leads is not None and node.members is not None and node.members[0] < what.index:
            voters, _, outgoing = node.members[1]
            if voters and what.outgoing:
                wrong = wrong or bool(outgoing) or what.outgoing != voters
            elif voters:
                wrong = wrong or what.voters != voters
        if wrong:
            self.broken.add("raft-members")
        node.members = (what.index, members)
        if what.index > len(node.log):
            node.announced[what.index] = members


def first_broken(facts: Sequence[Fact]) -> tuple[int, set[str]]:
    """Return the place of the first fact that breaks something, and what it breaks.

    Where none does: how many facts there are, and nothing.
    """
    judge = NaiveJudge()
    for place, fact in enumerate(facts):
        judge.take(fact)
        if judge.broken:
            return place, judge.broken
    return len(facts), set()
