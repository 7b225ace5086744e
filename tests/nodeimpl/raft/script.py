"""Scenarios as text that anyone can review, after toydb's and etcd's golden scripts.

A script is blocks of commands, a line `---`, and what they led to, as the effects carried out, in
order; a blank line ends a block. `#` begins a comment. Nodes are numbered from 1; `1->2` is a link.

    cluster 3 [setting=value ...]   begin with three nodes; settings are those of RaftConfig, but
                                    without PreVote and CheckQuorum unless set to 1
    lead 1                          let node 1 win an election and all hear of it; not written down
    timeout 1                       let node 1's election timeout pass
    heartbeat 1                     let leader 1's heartbeat interval pass
    propose 1 x y                   node 1 is given the commands x and y together
    read 1 [count]                  node 1 is asked for that many reads together
    inquire 1 x                     node 1 asks the leader x, who says it again for an answer
    deliver [1->2 [first|last]]     deliver until nothing is on its way; or what is now on a link
    lose 1->2 [first|last]          lose what is on a link
    repeat 1->2 [first|last]        put it on the link a second time, behind all else
    join                            start one more node, which knows no members
    change 1 add 4 promote 5 remove 2   leader 1 is asked to change the members: any of these
    transfer 1 2                    leader 1 is asked to hand its leadership to node 2
    cut 1 2 · isolate 1 · heal      lose all between two nodes, around one; undo all cuts
    save 1                          node 1's state machine is made durable, its log trimmed
    stall 1                         node 1's disk is slow: its effects wait from now on
    carry-out 1 [count]             carry out its next effects; or all, and end the stall
    crash 1 [count]                 effects that wait are lost, and the last `count` applied entries
    restart 1                       start node 1 from its disk
    status                          each node's role, log, commit index, and what is durable

In the outcome `3@2` is index 3 of term 2, and `n1@2` is node 1 in term 2.
To accept a change of behaviour, rewrite the scripts and review the difference:

    REWRITE_SCRIPTS=1 pytest tests/nodeimpl/raft/test_scenarios.py && git diff
"""

from typing import Final

import msgspec

from nodeimpl.config import RaftConfig
from nodeimpl.ids import NodeId
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    Objection,
    decode_configuration_entry,
)
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Dropped,
    Inquired,
    InquiryAnswered,
    NeedSnapshot,
    Persist,
    RaftEffect,
    ReadReady,
    Restore,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Entry,
    EntryKind,
    HardState,
    Inquiry,
    InquiryReply,
    InstallSnapshot,
    InstallSnapshotReply,
    Message,
    PreVote,
    PreVoteReply,
    Proposal,
    ReadIndex,
    ReadIndexReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from tests.nodeimpl.raft.cluster import Cluster, Saved

NOTHING: Final = "(nothing)"


def rerun(text: str) -> str:
    """Return the script `text` with the outcome that its commands have now."""
    script = Script()
    lines: list[str] = []
    in_outcome = False
    for number, line in enumerate(text.splitlines(), 1):
        if line == "---":
            lines += [line, *(script.take_outcome() or [NOTHING])]
            in_outcome = True
            continue
        in_outcome = in_outcome and line != ""
        if in_outcome:
            continue
        lines.append(line)
        words = line.partition("#")[0].split()
        if words:
            try:
                script.obey(words)
            except (ValueError, IndexError, KeyError) as error:
                raise ValueError(f"line {number}: {line!r}: {error}") from error
    return "\n".join(lines) + "\n"


class Script:
    """A cluster that obeys commands and writes down what comes of them."""

    def __init__(self) -> None:
        self.cluster = Cluster(1, watcher=self._write)
        self._outcome: list[str] = []
        self._names: dict[NodeId, str] = {}

    def take_outcome(self) -> list[str]:
        """Return what was written down since the last call."""
        outcome, self._outcome = self._outcome, []
        return outcome

    def obey(self, words: list[str]) -> None:
        """Carry out one command; raise ValueError if it is unknown."""
        match words:
            case ["cluster", size, *settings]:
                self._begin(int(size), dict(setting.split("=") for setting in settings))
            case ["join" | "change" | "transfer", *_]:
                self._obey_members(words)
            case ["status"]:
                self._outcome += [self._status(node_id) for node_id in self.cluster.node_ids]
            case ["deliver" | "lose" | "repeat", *_]:
                self._obey_network(words)
            case ["cut" | "isolate" | "heal", *_]:
                self._obey_links(words)
            case ["stall" | "carry-out" | "save" | "crash" | "restart", *_]:
                self._obey_host(words)
            case [command, node, *arguments]:
                self._obey_node(command, NodeId(int(node)), arguments)
            case _:
                raise ValueError("unknown command")

    def _begin(self, size: int, settings: dict[str, str]) -> None:
        chosen = {"pre_vote": "0", "check_quorum": "0"} | settings
        config = msgspec.convert(chosen, RaftConfig, strict=False)
        self.cluster = Cluster(size, config=config, watcher=self._write)
        self._names = {node_id: f"n{node_id}@0 follower" for node_id in self.cluster.node_ids}

    def _obey_node(self, command: str, node_id: NodeId, arguments: list[str]) -> None:
        leads = self.cluster.nodes[node_id].leader == node_id
        match command, arguments:
            case "timeout", [] if not leads:
                self.cluster.wake(node_id)
            case "lead", [] if not leads:
                self._lead(node_id)
            case "heartbeat", [] if leads:
                self.cluster.wake(node_id)
            case "propose", [_, *_]:
                self.cluster.propose(node_id, *[argument.encode() for argument in arguments])
            case "inquire", [question]:
                self.cluster.inquire(node_id, question.encode())
            case "read", []:
                self.cluster.read(node_id)
            case "read", [count]:
                self.cluster.read(node_id, int(count))
            case _:
                raise ValueError("not a command that this node obeys now")

    def _obey_members(self, words: list[str]) -> None:
        match words:
            case ["join"]:
                node_id = self.cluster.join()
                self._names[node_id] = f"n{node_id}@0 follower"
            case ["change", node, *arguments]:
                self._change(NodeId(int(node)), arguments)
            case ["transfer", node, target]:
                node_id = NodeId(int(node))
                self._note(node_id, self.cluster.transfer(node_id, NodeId(int(target))))
            case _:
                raise ValueError("unknown arguments")

    def _change(self, node_id: NodeId, arguments: list[str]) -> None:
        named: dict[str, list[NodeId]] = {"add": [], "promote": [], "remove": []}
        verb = "add"
        for argument in arguments:
            if argument in named:
                verb = argument
            else:
                named[verb].append(NodeId(int(argument)))
        change = Change(
            added=tuple(named["add"]),
            promoted=tuple(named["promote"]),
            removed=tuple(named["remove"]),
        )
        self._note(node_id, self.cluster.change(node_id, change))

    def _note(self, node_id: NodeId, objection: Objection | None) -> None:
        if objection is not None:
            self._outcome.append(f"n{node_id} objects: {objection.name}")

    def _lead(self, node_id: NodeId) -> None:
        kept = len(self._outcome)
        self.cluster.wake(node_id)
        self.cluster.settle()
        del self._outcome[kept:]
        if self.cluster.leader() != node_id:
            raise ValueError("it did not win")

    def _obey_host(self, words: list[str]) -> None:
        match words:
            case ["save", node]:
                self.cluster.save(NodeId(int(node)))
            case ["stall", node]:
                self.cluster.stall(NodeId(int(node)))
            case ["carry-out", node]:
                self.cluster.carry_out(NodeId(int(node)))
            case ["carry-out", node, count]:
                self.cluster.carry_out(NodeId(int(node)), int(count))
            case ["crash", node, *lost]:
                self.cluster.crash(NodeId(int(node)), applied_lost=int(lost[0]) if lost else 0)
            case ["restart", node]:
                node_id = NodeId(int(node))
                self.cluster.restart(node_id)
                self._names[node_id] = (
                    f"n{node_id}@{self.cluster.nodes[node_id].current_term} follower"
                )
            case _:
                raise ValueError("unknown arguments")

    def _obey_links(self, words: list[str]) -> None:
        match words:
            case ["cut", one, other]:
                self.cluster.cut(NodeId(int(one)), NodeId(int(other)))
            case ["isolate", node]:
                self.cluster.isolate(NodeId(int(node)))
            case ["heal"]:
                self.cluster.heal()
            case _:
                raise ValueError("unknown arguments")

    def _obey_network(self, words: list[str]) -> None:
        network = self.cluster.network
        if words == ["deliver"]:
            self.cluster.settle()
            return
        command, link, *which = words
        sender, to = link.split("->")
        envelopes = [
            envelope
            for envelope in network
            if (envelope.sender, envelope.to) == (int(sender), int(to))
        ]
        if not envelopes:
            raise ValueError("nothing is on this link")
        chosen = {(): envelopes, ("first",): envelopes[:1], ("last",): envelopes[-1:]}[tuple(which)]
        for envelope in chosen:
            position = next(place for place, other in enumerate(network) if other is envelope)
            if command == "deliver":
                self.cluster.deliver(position)
            elif command == "lose":
                network.pop(position)
            else:
                network.append(envelope._replace())

    def _status(self, node_id: NodeId) -> str:
        node = self.cluster.nodes.get(node_id)
        disk = self.cluster.disks[node_id]
        prefix = f"{disk.prefix.prefix_index}@{disk.prefix.prefix_term}"
        durable = f"durable={_place(disk.entries[-1]) if disk.entries else prefix}"
        if disk.prefix.prefix_index:
            durable += f" behind {prefix}"
        if node is None:
            return f"n{node_id} down {durable}"
        return (
            f"n{node_id}@{node.current_term} {node.role} last={node.last_index}@"
            f"{node.log.last_term} commit={node.commit_index} {durable}"
        )

    def _write(self, node_id: NodeId, effect: RaftEffect | Saved) -> None:
        if isinstance(effect, Became):
            name = f"n{node_id}@{effect.term} {effect.role}"
            if effect.leader not in {None, node_id}:
                name += f" of n{effect.leader}"
            line = f"{self._names[node_id]} -> {name}"
            self._names[node_id] = name
        else:
            line = f"n{node_id} {describe(effect)}"
        self._outcome.append(line)


def describe(  # noqa: C901, PLR0911, PLR0912 (one case per effect)
    effect: RaftEffect | Saved,
) -> str:
    """Return `effect` in the words of the scripts."""
    match effect:
        case Persist(hard_state=HardState(current_term=term, voted_for=vote), entries=entries):
            line = f"persist term={term} vote={vote}"
            return f"{line} {_list(entries)}" if entries else line
        case Persist(entries=entries):
            return f"persist {_list(entries)}"
        case Send(to=to, message=message):
            name = f"{type(message).__name__}@{message.term}"
            return f"-> n{to} {name} {_describe_message(message)}"
        case Trim(prefix_index=index, prefix_term=term):
            return f"trim {index}@{term}"
        case Saved(state=state):
            return f"save {_place(state[-1])}"
        case Restored(index=index, term=term):
            return f"restored {index}@{term}"
        case Commit(entries=entries):
            return f"commit {_list(entries)}"
        case ConfigurationChanged(index=index, configuration=configuration):
            return f"members {_members(configuration)} since {index}"
        case ReadReady(request_ids=request_ids, read_index=read_index):
            return f"read {' '.join(f'r{name}' for name in request_ids)} at {read_index}"
        case Dropped(request_ids=request_ids):
            return f"drop {' '.join(f'r{name}' for name in request_ids)}"
        case Inquired(origin=origin, request_id=request_id, data=data):
            return f"asked by {origin} r{request_id} {data.decode()}"
        case InquiryAnswered(request_id=request_id, data=data):
            return f"answered r{request_id} {data.decode()}"
        case Became() | NeedSnapshot() | Restore():
            raise AssertionError("told otherwise, or answered within the call")


def _describe_message(message: Message) -> str:  # noqa: PLR0911 (one return per message)
    match message:
        case TimeoutNow():
            return "take over"
        case AppendEntries():
            return (
                f"prev={message.prev_log_index}@{message.prev_log_term} {_list(message.entries)} "
                f"commit={message.commit_index} round={message.round}"
            )
        case AppendEntriesReply(accepted=True):
            return f"accepted match={message.match_index} round={message.round}"
        case AppendEntriesReply():
            return (
                f"refused conflict={message.conflict_index}@{message.conflict_term} "
                f"round={message.round}"
            )
        case InstallSnapshot() | InstallSnapshotReply():
            return _describe_snapshot(message)
        case Proposal() | ReadIndex() | ReadIndexReply() | Inquiry() | InquiryReply():
            return _describe_request(message)
        case PreVote() | PreVoteReply() | RequestVote() | RequestVoteReply():
            return _describe_vote(message)


def _describe_snapshot(message: InstallSnapshot | InstallSnapshotReply) -> str:
    match message:
        case InstallSnapshot():
            end = f"{len(message.data)} bytes{' done' if message.done else ''}"
            return (
                f"last={message.last_included_index}@{message.last_included_term} "
                f"offset={message.offset} {end} round={message.round}"
            )
        case InstallSnapshotReply():
            return f"offset={message.offset} round={message.round}"


def _describe_vote(message: PreVote | PreVoteReply | RequestVote | RequestVoteReply) -> str:
    match message:
        case PreVote():
            return f"last={message.last_log_index}@{message.last_log_term}"
        case RequestVote():
            by_transfer = " transfer" if message.leadership_transfer else ""
            return f"last={message.last_log_index}@{message.last_log_term}{by_transfer}"
        case PreVoteReply():
            granted = "granted" if message.vote_granted else "refused"
            return f"{granted} after={message.asked_term}"
        case RequestVoteReply():
            return "granted" if message.vote_granted else "refused"


def _describe_request(
    message: Proposal | ReadIndex | ReadIndexReply | Inquiry | InquiryReply,
) -> str:
    match message:
        case Proposal() | Inquiry() | InquiryReply():
            return f"r{message.request_id} {message.data.decode()}"
        case ReadIndex():
            return f"r{message.request_id}"
        case ReadIndexReply():
            return f"r{message.request_id} at {message.read_index}"


def _list(entries: tuple[Entry, ...]) -> str:
    return f"[{', '.join(f'{_place(entry)} {_content(entry)}' for entry in entries)}]"


def _place(entry: Entry) -> str:
    return f"{entry.index}@{entry.term}"


def _content(entry: Entry) -> str:
    match entry.kind:
        case EntryKind.NO_OP:
            return "no-op"
        case EntryKind.CONFIGURATION:
            return _members(decode_configuration_entry(entry.data).configuration)
        case EntryKind.COMMAND:
            return entry.data.decode()


def _members(configuration: Configuration) -> str:
    """Return the voters, learners with a plus sign, and the voters of C_old behind a `<`."""
    parts = [str(voter) for voter in configuration.voters]
    parts += [f"+{learner}" for learner in configuration.learners]
    if configuration.outgoing is not None:
        parts += ["<", *[str(voter) for voter in configuration.outgoing]]
    return f"{{{' '.join(parts)}}}"
