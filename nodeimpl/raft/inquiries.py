"""Questions that only the leader can answer, and that need no entry of the log.

A node asks; on the leader the question comes out again, as `Inquired`, and the answer that is given
there comes out where it was asked, as `InquiryAnswered`, on the leader itself too. Consensus does
not know what either means, and an answer is no better than the leader that gave it: one that must
be sure that it leads asks for a read index first (`reads`).

A question is asked anew of every leader, and again after an election timeout, as it or its answer
may have been lost. So it may be put to a leader more than once, and only questions that do no harm
then are asked so.
"""

from nodeimpl.ids import Instant, NodeId, RequestId
from nodeimpl.raft.effects import Dropped, Inquired, InquiryAnswered, Send
from nodeimpl.raft.messages import Inquiry, InquiryReply
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import OpenInquiry, RaftState


def inquire(state: RaftState, now: Instant, request_id: RequestId, data: bytes) -> None:
    """Put a question to the leader; it is dropped if none is known."""
    leader = state.leader
    if leader is None:
        state.effects.append(Dropped((request_id,)))
        return
    open_inquiry = OpenInquiry(data=data, asked_term=state.current_term, asked_at=now)
    state.inquiries[request_id] = open_inquiry
    _ask(state, leader, request_id, open_inquiry)


def inquire_again(state: RaftState, now: Instant) -> None:
    """Ask a new leader what the last one did not answer, and any leader that seems deaf.

    The questions are in the order last asked, so the first that need not be asked again ends the
    search.
    """
    leader = state.leader
    if leader is None:
        return
    while state.inquiries:
        request_id, open_inquiry = next(iter(state.inquiries.items()))
        if not _is_overdue(state, leader, open_inquiry, now):
            return
        open_inquiry.asked_term = state.current_term
        open_inquiry.asked_at = now
        state.inquiries[request_id] = state.inquiries.pop(request_id)  # now the last one asked
        _ask(state, leader, request_id, open_inquiry)


def on_inquiry(state: RaftState, sender: NodeId, message: Inquiry) -> None:
    """Hand on the question if this node leads the very term it was sent to.

    Otherwise it is passed over: who asks will ask again.
    """
    if isinstance(state.role, Leader) and message.term == state.current_term:
        state.effects.append(Inquired(sender, message.request_id, message.data))


def answer(state: RaftState, origin: NodeId, request_id: RequestId, data: bytes) -> None:
    """Send an answer to who asked; this node may have been deposed since it was found."""
    if origin == state.node_id:
        _answered(state, request_id, data)
    else:
        state.effects.append(Send(origin, InquiryReply(state.current_term, request_id, data)))


def on_inquiry_reply(state: RaftState, message: InquiryReply) -> None:
    """Hand on the first answer, of whichever term."""
    _answered(state, message.request_id, message.data)


def _answered(state: RaftState, request_id: RequestId, data: bytes) -> None:
    if state.inquiries.pop(request_id, None) is not None:
        state.effects.append(InquiryAnswered(request_id, data))


def _ask(
    state: RaftState, leader: NodeId, request_id: RequestId, open_inquiry: OpenInquiry
) -> None:
    if leader == state.node_id:
        state.effects.append(Inquired(leader, request_id, open_inquiry.data))
    else:
        message = Inquiry(state.current_term, request_id, open_inquiry.data)
        state.effects.append(Send(leader, message))


def _is_overdue(state: RaftState, leader: NodeId, open_inquiry: OpenInquiry, now: Instant) -> bool:
    if open_inquiry.asked_term != state.current_term:
        return True
    if leader == state.node_id:
        return False  # whoever was given it here loses nothing
    return now >= open_inquiry.asked_at + state.config.election_timeout_ns_min
