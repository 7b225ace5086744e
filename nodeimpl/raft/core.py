"""One node's part in consensus, sans-IO: `(now, input) -> effects` (Raft Figure 2).

This module only decides who handles what. The handlers are functions over `RaftState`, one module
per section of the paper, and each decision of the paper is a small named function in them.
"""

from collections.abc import Sequence
from random import Random
from typing import assert_never

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.acceptance import on_append_entries
from nodeimpl.raft.check_quorum import check_quorum, is_ignored
from nodeimpl.raft.configuration import Change, Configuration, Objection
from nodeimpl.raft.effects import RaftEffect, RoleName
from nodeimpl.raft.election import on_request_vote, on_request_vote_reply
from nodeimpl.raft.inquiries import (
    answer,
    inquire,
    inquire_again,
    on_inquiry,
    on_inquiry_reply,
)
from nodeimpl.raft.installation import on_install_snapshot, snapshot_restored
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.membership import (
    advance_membership,
    change_membership,
    objection_to_change,
)
from nodeimpl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
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
    Snapshot,
    TimeoutNow,
)
from nodeimpl.raft.pre_vote import on_pre_vote, on_pre_vote_reply, stand_for_election
from nodeimpl.raft.proposals import on_proposal, propose
from nodeimpl.raft.reads import (
    advance_reads,
    ask_again,
    on_read_index,
    on_read_index_reply,
    read,
)
from nodeimpl.raft.replication import on_append_entries_reply, send_heartbeats, send_notices
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.snapshots import on_install_snapshot_reply, send_snapshot, trim
from nodeimpl.raft.state import RaftState, Recovered, initial_state, persist
from nodeimpl.raft.transfer import (
    advance_transfer,
    objection_to_transfer,
    on_timeout_now,
    start_transfer,
)
from nodeimpl.raft.transitions import become_follower, role_name


class Raft:
    """Consensus of one node.

    Every call returns what is to be done, in order (see `effects`). `now` is this node's monotonic
    clock and never falls from one call to the next. The caller calls `wake` when `deadline` comes;
    the deadline may move with every call.

    `voters` found a new cluster; a node that joins one is started without any.
    """

    def __init__(
        self,
        config: RaftConfig,
        node_id: NodeId,
        voters: tuple[NodeId, ...],
        recovered: Recovered,
        random: Random,
        now: Instant,
    ) -> None:
        self.state: RaftState = initial_state(config, node_id, voters, recovered, random, now)

    def receive(self, now: Instant, sender: NodeId, message: Message) -> list[RaftEffect]:
        """Handle a peer's message. It may be late, repeated, or of any term."""
        if message.term > self.state.current_term and not self._enter_later_term(
            now, sender, message
        ):
            return []
        state = self.state
        if type(message) is AppendEntries:
            on_append_entries(state, now, sender, message)
        elif type(message) is AppendEntriesReply:
            on_append_entries_reply(state, sender, message)
            advance_reads(state, now)
            send_notices(state)  # last: what was sent until now may carry the commit index
        else:
            self._dispatch(now, sender, message)
        return self._finish(now)

    def propose(
        self, now: Instant, proposals: Sequence[tuple[RequestId, bytes]]
    ) -> list[RaftEffect]:
        """Bring commands into the log, here or through the leader: one `Persist` for all.

        The id serves the journey to the leader only; the log holds the bytes. Ids of one node
        ascend, from one incarnation to the next too.
        """
        assert proposals, "there is something to propose"
        propose(self.state, proposals)
        return self._finish(now)

    def objection_to_change(self, change: Change) -> Objection | None:
        """Return why `change_membership` must not be called with `change`; None if it may."""
        return objection_to_change(self.state, change)

    def change_membership(
        self, now: Instant, request_id: RequestId, change: Change
    ) -> list[RaftEffect]:
        """Begin a change of members, to which there is no objection (Raft §6).

        It is done when an entry of kind CONFIGURATION with this id is committed that is not joint.
        It may also be lost with this leadership: then that entry never comes.
        """
        change_membership(self.state, request_id, change)
        return self._finish(now)

    def objection_to_transfer(self, target: NodeId) -> Objection | None:
        """Return why `transfer` must not be called with `target`; None if it may."""
        return objection_to_transfer(self.state, target)

    def transfer(self, now: Instant, target: NodeId) -> list[RaftEffect]:
        """Begin to hand leadership to `target`, to which there is no objection (thesis §3.10).

        It is done when `target` leads; until then, or for an election timeout, proposals are
        dropped. Nothing happens if `target` leads already.
        """
        start_transfer(self.state, now, target)
        return self._finish(now)

    def read(self, now: Instant, request_ids: Sequence[RequestId]) -> list[RaftEffect]:
        """Ask for a read index; `ReadReady` or `Dropped` names these ids, now or later."""
        assert request_ids, "there is something to read"
        read(self.state, now, request_ids)
        return self._finish(now)

    def inquire(self, now: Instant, request_id: RequestId, data: bytes) -> list[RaftEffect]:
        """Put to the leader what only it can answer: `InquiryAnswered` or `Dropped` names the id.

        Neither may ever come; then `forget_inquiry` ends it.
        """
        inquire(self.state, now, request_id, data)
        return self._finish(now)

    def answer(
        self, now: Instant, origin: NodeId, request_id: RequestId, data: bytes
    ) -> list[RaftEffect]:
        """Answer an `Inquired`."""
        answer(self.state, origin, request_id, data)
        return self._finish(now)

    def forget_inquiry(self, request_id: RequestId) -> None:
        """Ask no more for what was asked under this id, if it still is."""
        self.state.inquiries.pop(request_id, None)

    def wake(self, now: Instant) -> list[RaftEffect]:
        """Do what is due: a heartbeat round, or an election (Raft §5.2). Too early is harmless."""
        state = self.state
        if type(state.role) is Leader:
            leader = state.role
            leads = now < leader.check_deadline or check_quorum(state, now)
            if leads and now >= leader.heartbeat_deadline:
                send_heartbeats(state, now)
        elif now >= state.election_deadline:
            stand_for_election(state, now)
        return self._finish(now)

    def trim(self, now: Instant, saved_index: LogIndex) -> list[RaftEffect]:
        """Forget what may be forgotten of the log, now that the state machine is durable.

        It is so up to `saved_index` once all effects asked for so far have been carried out.
        """
        trim(self.state, saved_index)
        return self._finish(now)

    def snapshot_ready(self, now: Instant, snapshot: Snapshot) -> list[RaftEffect]:
        """Answer `NeedSnapshot`: send the state machine's state to who needs it."""
        send_snapshot(self.state, now, snapshot)
        return self._finish(now)

    def snapshot_restored(self, now: Instant, *, is_restored: bool) -> list[RaftEffect]:
        """Answer `Restore`: whether the state machine has taken the snapshot over.

        If so, it was asked to be made durable before the effects returned; otherwise nothing of
        it has changed.
        """
        snapshot_restored(self.state, is_restored=is_restored)
        return self._finish(now)

    @property
    def deadline(self) -> Instant:
        """When `wake` must be called at the latest."""
        role = self.state.role
        if type(role) is Leader:
            return role.deadline
        return self.state.election_deadline

    @property
    def role(self) -> RoleName:
        """The role, by name."""
        return role_name(self.state.role)

    @property
    def current_term(self) -> Term:
        """The latest term heard of."""
        return self.state.current_term

    @property
    def leader(self) -> NodeId | None:
        """The leader of the current term; None if it is not known."""
        return self.state.leader

    @property
    def commit_index(self) -> LogIndex:
        """The highest index known to be committed."""
        return self.state.commit_index

    @property
    def last_index(self) -> LogIndex:
        """The index of the last entry."""
        return self.state.log.last_index

    @property
    def configuration(self) -> Configuration:
        """The members in force."""
        return self.state.configuration

    @property
    def has_settled_members(self) -> bool:
        """Whether the members in force are committed and not joint: no change is under way."""
        is_committed = self.state.configurations[-1].index <= self.state.commit_index
        return is_committed and not self.state.configuration.is_joint

    @property
    def log(self) -> RaftLog:
        """The log, for those who watch; only this node writes to it."""
        return self.state.log

    def _enter_later_term(self, now: Instant, sender: NodeId, message: Message) -> bool:
        """Let a later term end any role (Figure 2, All Servers); return False to ignore all.

        Two messages of a later term leave this node in its own: a question (PreVote), and a
        RequestVote against a leader that this node hears.
        """
        match message:
            case PreVote():
                return True
            case RequestVote() if is_ignored(self.state, now, message):
                return False
            case _:
                leader = sender if isinstance(message, AppendEntries | InstallSnapshot) else None
                become_follower(self.state, now, term=message.term, leader=leader)
                return True

    def _dispatch(  # noqa: C901, PLR0912 (one case per message)
        self, now: Instant, sender: NodeId, message: Message
    ) -> None:
        state = self.state
        match message:
            case Proposal():
                on_proposal(state, sender, message)
            case ReadIndex():
                on_read_index(state, now, sender, message)
            case ReadIndexReply():
                on_read_index_reply(state, message)
            case AppendEntries() | AppendEntriesReply():
                raise AssertionError("the caller has seen to these")
            case InstallSnapshot():
                on_install_snapshot(state, now, sender, message)
            case InstallSnapshotReply():
                on_install_snapshot_reply(state, now, sender, message)
                advance_reads(state, now)
            case Inquiry():
                on_inquiry(state, sender, message)
            case InquiryReply():
                on_inquiry_reply(state, message)
            case TimeoutNow():
                on_timeout_now(state, now, sender, message)
            case PreVote():
                on_pre_vote(state, now, sender, message)
            case PreVoteReply():
                on_pre_vote_reply(state, now, sender, message)
            case RequestVote():
                on_request_vote(state, now, sender, message)
            case RequestVoteReply():
                on_request_vote_reply(state, now, sender, message)
            case _:
                assert_never(message)

    def _finish(self, now: Instant) -> list[RaftEffect]:
        """Return what this call has asked for, with nothing left unsaved or unasked."""
        state = self.state
        if state.hard_state_is_unsaved:
            persist(state)
        if state.is_changing:
            state.is_changing = False  # unless one of these sets it again
            is_changing = advance_membership(state, now)
            state.is_changing |= advance_transfer(state, now) or is_changing
        if state.reads:
            ask_again(state, now)
        if state.inquiries:
            inquire_again(state, now)
        effects, state.effects = state.effects, []
        return effects
