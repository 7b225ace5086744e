"""Commands on their way into the log (Raft §8, client interaction).

A leader appends; a follower forwards to the leader it knows. A forwarded command is appended at
most once: the network may repeat a Proposal, and a command that took effect twice could not be
explained to the client, who asked once.
"""

from collections.abc import Sequence

from nodeimpl.ids import NodeId, RequestId
from nodeimpl.raft.effects import Dropped, Send
from nodeimpl.raft.messages import Proposal
from nodeimpl.raft.replication import append_commands
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.seen_requests import SeenRequests
from nodeimpl.raft.state import RaftState


def propose(state: RaftState, proposals: Sequence[tuple[RequestId, bytes]]) -> None:
    """Append this node's commands, or forward them, or drop them if no leader is known.

    A leader that is about to hand over its leadership drops them too (thesis §3.10).
    Dropped is definite: nothing was sent. Forwarded promises nothing, and is not repeated: a
    repetition could reach the next leader while the first copy is already in the log.
    """
    role = state.role
    if isinstance(role, Leader) and role.transfer is None:
        append_commands(state, [command for _, command in proposals])
        return
    leader = state.leader
    if leader is None or leader == state.node_id:
        state.effects.append(Dropped(tuple(request_id for request_id, _ in proposals)))
        return
    for request_id, command in proposals:
        state.effects.append(Send(leader, Proposal(state.current_term, request_id, command)))


def on_proposal(state: RaftState, sender: NodeId, message: Proposal) -> None:
    """Append a command that `sender` forwarded, if this node leads its very term and means to.

    Otherwise it is passed over in silence. A refusal could not be definite: an earlier copy of
    the same message may have been accepted, by this leader or, had the term not been fixed, by
    another. So the sender has to treat a missing result as unknown anyway.
    """
    leader = state.role
    if not isinstance(leader, Leader) or message.term != state.current_term:
        return
    if leader.transfer is not None:
        return
    seen = leader.proposals_seen.get(sender)
    if seen is None:
        seen = leader.proposals_seen[sender] = SeenRequests(state.config.proposals_remembered_max)
    if seen.admit(message.request_id):
        append_commands(state, [message.data])
