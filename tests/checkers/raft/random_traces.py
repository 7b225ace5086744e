"""Random traces: of a small cluster that keeps to Raft, and of nodes that do whatever they like."""

from dataclasses import dataclass, field
from random import Random

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
    What,
)

NAMES = ("n1", "n2", "n3")
Entry = tuple[int, int]


def marks(log: list[Entry], first: int, last: int) -> tuple[EntryMark, ...]:
    """Return the entries of `log` from index `first` to `last`."""
    return tuple(EntryMark(index, *log[index - 1]) for index in range(first, last + 1))


@dataclass
class Node:
    name: str
    term: int = 0
    voted_for: str | None = None
    log: list[Entry] = field(default_factory=list)
    committed: int = 0
    prefix: int = 0
    """Entries up to here are only in a snapshot."""
    leads: bool = False

    @property
    def last_term(self) -> int:
        return self.log[-1][0] if self.log else 0


class Cluster:
    """Three nodes that keep to Raft: what happens is drawn, what follows from it is the paper's."""

    def __init__(self, random: Random, *, with_snapshots: bool) -> None:
        self._random = random
        self._with_snapshots = with_snapshots
        self._nodes = [Node(name) for name in NAMES]
        self._content = 0
        self.facts: list[Fact] = []

    def run(self, steps: int) -> list[Fact]:
        for _ in range(steps):
            point = self._random.random()
            if point < 0.15:
                self._elect()
            elif point < 0.25:
                self._restart(self._random.choice(self._nodes))
            else:
                self._lead(point)
        return self.facts

    def _told(self, node: Node, what: What) -> None:
        self.facts.append(Fact(len(self.facts), node.name, what))

    def _adopt(self, node: Node, term: int, voted_for: str | None) -> None:
        if node.leads and term > node.term:
            node.leads = False
            self._told(node, StoppedLeading())
        if (term, voted_for) != (node.term, node.voted_for):
            node.term, node.voted_for = term, voted_for
            self._told(node, HardState(term, voted_for))

    def _elect(self) -> None:
        """Raft §5.4.1: a majority votes for a log that is at least as up-to-date as theirs."""
        candidate, other, _ = self._random.sample(self._nodes, 3)
        mine = (candidate.last_term, len(candidate.log))
        if mine < (other.last_term, len(other.log)):
            return
        term = max(candidate.term, other.term) + 1
        self._adopt(candidate, term, candidate.name)
        self._adopt(other, term, candidate.name)
        candidate.leads = True
        self._told(candidate, LedFrom(term))

    def _lead(self, point: float) -> None:
        leaders = [node for node in self._nodes if node.leads]
        if not leaders:
            return
        leader = self._random.choice(leaders)
        follower = self._random.choice([node for node in self._nodes if node is not leader])
        if point < 0.5:
            self._content += 1
            leader.log.append((leader.term, self._content))
            self._told(leader, Appended(marks(leader.log, len(leader.log), len(leader.log))))
        elif point < 0.85 and follower.term <= leader.term:
            self._replicate(leader, follower)
        else:
            self._advance(leader)

    def _replicate(self, leader: Node, follower: Node) -> None:
        vote = follower.voted_for if follower.term == leader.term else None
        self._adopt(follower, leader.term, vote)
        if self._with_snapshots and leader.committed > len(follower.log):
            follower.log = leader.log[: leader.committed]
            follower.prefix = leader.committed
            follower.committed = max(follower.committed, leader.committed)
            self._told(follower, Installed(leader.committed, follower.last_term))
            return
        agreed = 0
        while agreed < min(len(leader.log), len(follower.log)):
            if leader.log[agreed] != follower.log[agreed]:
                break
            agreed += 1
        last = min(len(leader.log), agreed + self._random.randrange(1, 4))
        if last > agreed:
            follower.log = leader.log[:last]
            self._told(follower, Appended(marks(leader.log, agreed + 1, last)))
        self._commit(follower, min(leader.committed, last))

    def _advance(self, leader: Node) -> None:
        """Raft §5.4.2: an entry of its own term that a majority holds is committed."""
        for index in range(len(leader.log), leader.committed, -1):
            holders = sum(node.log[:index] == leader.log[:index] for node in self._nodes)
            if holders >= 2 and leader.log[index - 1][0] == leader.term:
                self._commit(leader, index)
                return

    def _commit(self, node: Node, index: int) -> None:
        if index > node.committed:
            told = marks(node.log, node.committed + 1, index)
            node.committed = index
            self._told(node, CommittedTo(index, told if self._random.random() < 0.8 else ()))

    def _restart(self, node: Node) -> None:
        node.leads = False
        if self._with_snapshots:
            node.prefix = self._random.randrange(node.prefix, node.committed + 1)
        entries = marks(node.log, node.prefix + 1, len(node.log))
        restarted = Restarted(node.term, node.voted_for, node.prefix, len(node.log), entries)
        self._told(node, restarted)


class Chaos:
    """Nodes that do what they like, yet often enough what they should."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._logs: dict[str, list[Entry]] = {name: [] for name in NAMES}
        self._terms = dict.fromkeys(NAMES, 1)

    def run(self, steps: int) -> list[Fact]:
        facts = []
        for at in range(steps):
            name = self._random.choice(NAMES)
            facts.append(Fact(at, name, self._what(name)))
        return facts

    def _what(self, name: str) -> What:  # noqa: PLR0911 (one case per fact)
        random, log = self._random, self._logs[name]
        match random.choice("aaaaacccclhrmms"):
            case "a":
                return self._append(name)
            case "c":
                last = max(0, len(log) - random.choice([0, 0, 0, 1, -1]))
                told = marks(log, 1, min(last, len(log)))
                return CommittedTo(last, self._spoilt(told[-random.randrange(1, 3) :]))
            case "l":
                return LedFrom(random.randrange(2, 9))
            case "h":
                self._terms[name] += random.choice([0, 1, 1, 1, -1])
                return HardState(self._terms[name], random.choice([None, None, None, "n1", "n2"]))
            case "r":
                kept = self._spoilt(marks(log, 1, len(log)))
                kept = kept[: len(kept) - (random.random() < 0.1)]
                self._logs[name] = [(each.term, each.content) for each in kept]
                return Restarted(self._terms[name], None, 0, len(kept), kept)
            case "m":
                return self._members(len(log))
            case _:
                return StoppedLeading()

    def _append(self, name: str) -> What:
        """Append entries of a term, mostly those that every node has there."""
        random, log = self._random, self._logs[name]
        first = len(log) + 1 if random.random() < 0.8 else random.randrange(1, len(log) + 2)
        term = max(log[first - 2][0] if first > 1 else 1, random.choice([1, 1, 1, 2]))
        entries = [
            (term, 10 * index + term) for index in range(first, first + random.randrange(1, 3))
        ]
        told = self._spoilt(
            tuple(EntryMark(first + place, *each) for place, each in enumerate(entries))
        )
        self._logs[name] = log[: first - 1] + [(each.term, each.content) for each in told]
        return Appended(told)

    def _spoilt(self, told: tuple[EntryMark, ...]) -> tuple[EntryMark, ...]:
        random = self._random
        if not told or random.random() > 0.06:
            return told
        place = random.randrange(len(told))
        entry = told[place]
        term = entry.term + random.choice([0, 1])
        other = EntryMark(entry.index, term, entry.content + 5)
        return (*told[:place], other, *told[place + 1 :])

    def _members(self, last_index: int) -> What:
        random = self._random
        index = last_index + random.choice([0, 1, 1, 1, 2])
        voters = random.choice([("n1", "n2")] * 6 + [("n1", "n3"), ()])
        learners = random.choice([()] * 5 + [("n3",)])
        outgoing = random.choice([()] * 6 + [("n1", "n2")])
        return MembersChanged(index, voters, learners, outgoing)
