"""What is always true of one node's consensus, and from one moment to a later one.

After LogCabin's `RaftConsensusInvariants`: *basic* checks look at one state, *delta* checks at two
states of one incarnation, an earlier and a later. They hold between calls of `Raft`, and are called
by tests and by the simulator after every call. What spans nodes is the oracle's business.

Each check returns what is wrong, as a sentence, or None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import RoleName
from nodeimpl.raft.log import NO_INDEX
from nodeimpl.raft.messages import EntryKind
from nodeimpl.raft.progress import ProgressState
from nodeimpl.raft.roles import Candidate, Follower, Leader, PreCandidate
from nodeimpl.raft.state import RaftState
from nodeimpl.raft.transitions import role_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a delta check needs to remember of an earlier state."""

    current_term: Term
    voted_for: NodeId | None
    role: RoleName
    leader: NodeId | None
    commit_index: LogIndex
    commit_term: Term
    prefix_index: LogIndex
    last_index: LogIndex
    last_term: Term
    round: int
    """The leader's latest round; 0 for other roles."""
    match_index: dict[NodeId, LogIndex]
    """The leader's, by peer; empty for other roles."""
    configuration_index: LogIndex
    """Since when the members in force have been so."""


def observe(state: RaftState) -> Observation:
    """Return what has to be remembered of `state` for a later `check_delta`."""
    leader = state.role if isinstance(state.role, Leader) else None
    return Observation(
        current_term=state.current_term,
        voted_for=state.voted_for,
        role=role_name(state.role),
        leader=state.leader,
        commit_index=state.commit_index,
        commit_term=state.log.term_at(state.commit_index),
        prefix_index=state.log.prefix_index,
        last_index=state.log.last_index,
        last_term=state.log.last_term,
        round=leader.round if leader else 0,
        match_index=(
            {peer: progress.match_index for peer, progress in leader.progress.items()}
            if leader
            else {}
        ),
        configuration_index=state.configurations[-1].index,
    )


def check_basic(state: RaftState) -> list[str]:
    """Return all that is wrong with `state`; nothing is wrong if the list is empty."""
    return [breach for check in BASIC_CHECKS if (breach := check(state)) is not None]


def check_delta(before: Observation, after: RaftState) -> list[str]:
    """Return all that is wrong with how `before` became `after`, in one incarnation."""
    return [breach for check in DELTA_CHECKS if (breach := check(before, after)) is not None]


# ------------------------------------------------------------------------------------ basic


def _commit_index_is_within_log(state: RaftState) -> str | None:
    """Require committed entries to be in the log (Raft §5.3)."""
    if state.log.prefix_index <= state.commit_index <= state.log.last_index:
        return None
    return f"commit index {state.commit_index} is not in the log up to {state.log.last_index}"


def _log_is_not_ahead_of_term(state: RaftState) -> str | None:
    """Require entries of past terms: each was accepted in its term or later (Raft §5.1)."""
    if state.log.last_term <= state.current_term:
        return None
    return f"the log ends in term {state.log.last_term}, ahead of term {state.current_term}"


def _nothing_is_unsaved(state: RaftState) -> str | None:
    """Require each change of term or vote to be in a `Persist` of its call (Raft §5.1)."""
    if not state.hard_state_is_unsaved and not state.effects:
        return None
    return "a call left effects behind, or a term or vote unsaved"


def _follower_does_not_follow_itself(state: RaftState) -> str | None:
    """Require the leader of the current term to have the role of leader (Raft §5.1)."""
    if not isinstance(state.role, Follower) or state.role.leader != state.node_id:
        return None
    return f"node {state.node_id} follows itself in term {state.current_term}"


def _candidate_and_leader_voted_for_themselves(state: RaftState) -> str | None:
    """Require the vote of a candidate, and of who was one, to be its own (Raft §5.2)."""
    if isinstance(state.role, Follower | PreCandidate) or state.voted_for == state.node_id:
        return None
    return f"a {role_name(state.role)} voted for {state.voted_for} in term {state.current_term}"


def _candidate_counts_voters_only(state: RaftState) -> str | None:
    """Require votes, and promises, to come from voters, who asks among them (Raft §5.2)."""
    if not isinstance(state.role, PreCandidate | Candidate):
        return None
    votes = state.role.votes_granted
    voters = {voter for voters in state.voter_sets for voter in voters}
    if state.node_id in votes and votes <= voters | {state.node_id}:
        return None
    return f"votes from {sorted(votes)}, of voters {tuple(sorted(voters))}"


def _leader_log_ends_in_its_term(state: RaftState) -> str | None:
    """Require an entry of its own term of a leader: it begins with a no-op (Raft §8)."""
    if not isinstance(state.role, Leader) or state.log.last_term == state.current_term:
        return None
    return f"the leader of term {state.current_term} has a log that ends in {state.log.last_term}"


def _leader_knows_each_peer(state: RaftState) -> str | None:
    """Require next_index and match_index for each other member (Raft Figure 2, §6)."""
    if not isinstance(state.role, Leader) or tuple(state.role.progress) == state.peers:
        return None
    return f"progress of {tuple(state.role.progress)}, of peers {state.peers}"


def _progress_is_ordered(state: RaftState) -> str | None:
    """Require match_index < what is in flight < next_index <= last_index + 1 (Figure 2)."""
    if not isinstance(state.role, Leader):
        return None
    for peer, progress in state.role.progress.items():
        flying = list(progress.in_flight)
        bounds = [progress.match_index, *flying, progress.next_index]
        if bounds != sorted(set(bounds)) or progress.next_index > state.log.last_index + 1:
            return f"progress of {peer}: match, in flight, next are {bounds}"
        if len(flying) > state.config.appends_in_flight_max:
            return f"progress of {peer}: {len(flying)} AppendEntries in flight"
    return None


def _log_begins_before_what_is_next(state: RaftState) -> str | None:
    """Require that all a leader may send next, or its term before, is in the log (Raft §7)."""
    if not isinstance(state.role, Leader):
        return None
    for peer, progress in state.role.progress.items():
        if progress.next_index <= state.log.prefix_index:
            return f"{peer} is to be sent {progress.next_index}, which was trimmed"
    return None


def _snapshots_under_way_are_sound(state: RaftState) -> str | None:
    """Require a transfer exactly for who is sent a snapshot, and the log to go on behind it."""
    if not isinstance(state.role, Leader):
        return None
    for peer, progress in state.role.progress.items():
        transfer = progress.transfer
        if (progress.state is ProgressState.SNAPSHOT) != (transfer is not None):
            return f"{peer} is in {progress.state.name}, with the transfer {transfer}"
        if transfer is None:
            continue
        index = transfer.snapshot.last_included_index
        if progress.in_flight or not progress.match_index < index == progress.next_index - 1:
            return f"{peer} is sent a snapshot at {index}, and {progress.next_index} next"
        if not transfer.first_round <= transfer.round <= state.role.round:
            return f"{peer} is sent a chunk in round {transfer.round} of {state.role.round}"
    return None


def _rounds_answered_were_started(state: RaftState) -> str | None:
    """Require answered rounds to have been started in this term (thesis §6.4)."""
    if not isinstance(state.role, Leader):
        return None
    for peer, progress in state.role.progress.items():
        if max(progress.acked_round, progress.probe_round) > state.role.round:
            return f"{peer} answered round {progress.acked_round} of {state.role.round}"
    return None


def _reads_are_bounded(state: RaftState) -> str | None:
    """Require no more waiting reads than the configuration allows, counted right."""
    count = sum(len(batch.request_ids) for batch in state.reads.values())
    if count == state.reads_count <= state.config.reads_waiting_max:
        return None
    return f"{count} reads wait, counted as {state.reads_count}"


def _members_are_those_of_the_log(state: RaftState) -> str | None:
    """Require the latest configuration in the log to be in force (Raft §6)."""
    held = state.configurations
    indices = [one.index for one in held]
    in_log = [
        entry.index
        for entry in state.log.between(state.log.first_index, state.log.last_index)
        if entry.kind is EntryKind.CONFIGURATION and entry.index > indices[0]
    ]
    behind_log = [index for index in indices[1:] if index > state.log.prefix_index]
    if indices == sorted(set(indices)) and in_log == behind_log:
        return None
    return f"configurations since {indices}, but the log has entries of them at {in_log}"


def _voters_are_those_in_force(state: RaftState) -> str | None:
    """Require what is derived from the members to follow from those in force."""
    members = state.configuration
    peers = tuple(member for member in members.members if member != state.node_id)
    if (state.voter_sets, state.peers) == (members.voter_sets, peers):
        return None
    return f"voters {state.voter_sets} and peers {state.peers} of {members}"


def _learners_do_not_stand(state: RaftState) -> str | None:
    """Require who stands for election not to be a learner (thesis §4.2.1)."""
    if not isinstance(state.role, PreCandidate | Candidate):
        return None
    if state.node_id not in state.configuration.learners:
        return None
    return f"node {state.node_id} is a {role_name(state.role)}, and a learner"


def _leader_goes_on_with_changes(state: RaftState) -> str | None:
    """Require a leader not to rest on a joint configuration that is committed, nor when removed."""
    held = state.configurations[-1]
    if not isinstance(state.role, Leader) or state.commit_index < held.index:
        return None
    if not held.configuration.is_joint and state.is_voter:
        return None
    return f"the leader has committed {held.configuration} and leaves it at that"


def _leader_wakes_in_time(state: RaftState) -> str | None:
    """Require the deadline to be the earliest there is."""
    if not isinstance(state.role, Leader):
        return None
    leader = state.role
    deadlines = [leader.heartbeat_deadline, leader.check_deadline]
    if leader.transfer is not None:
        deadlines.append(leader.transfer.deadline)
    if leader.deadline == min(deadlines):
        return None
    return f"the leader wakes at {leader.deadline}, and its deadlines are {sorted(deadlines)}"


BASIC_CHECKS: Final[tuple[Callable[[RaftState], str | None], ...]] = (
    _commit_index_is_within_log,
    _log_is_not_ahead_of_term,
    _nothing_is_unsaved,
    _follower_does_not_follow_itself,
    _candidate_and_leader_voted_for_themselves,
    _candidate_counts_voters_only,
    _leader_log_ends_in_its_term,
    _leader_knows_each_peer,
    _progress_is_ordered,
    _log_begins_before_what_is_next,
    _snapshots_under_way_are_sound,
    _rounds_answered_were_started,
    _reads_are_bounded,
    _members_are_those_of_the_log,
    _voters_are_those_in_force,
    _learners_do_not_stand,
    _leader_goes_on_with_changes,
    _leader_wakes_in_time,
)


# ------------------------------------------------------------------------------------ delta


def _term_never_falls(before: Observation, after: RaftState) -> str | None:
    """Require terms to increase monotonically (Raft §5.1)."""
    if after.current_term >= before.current_term:
        return None
    return f"the term fell from {before.current_term} to {after.current_term}"


def _vote_never_changes_within_term(before: Observation, after: RaftState) -> str | None:
    """Require a vote for at most one candidate in a term (Raft §5.2)."""
    if after.current_term != before.current_term or before.voted_for is None:
        return None
    if after.voted_for == before.voted_for:
        return None
    return (
        f"the vote of term {before.current_term} changed from {before.voted_for} "
        f"to {after.voted_for}"
    )


def _leader_is_set_once_within_term(before: Observation, after: RaftState) -> str | None:
    """Require who knows the leader of a term to keep to it (Election Safety).

    It may be given up: by who asks for promises, and by the leader itself when it steps down.
    """
    if after.current_term != before.current_term or before.leader is None:
        return None
    if after.leader == before.leader:
        return None
    if after.leader is None and (
        before.role is RoleName.LEADER or isinstance(after.role, PreCandidate)
    ):
        return None
    return (
        f"the leader of term {before.current_term} changed from {before.leader} to {after.leader}"
    )


WITHIN_TERM: Final = {
    RoleName.FOLLOWER: {RoleName.FOLLOWER, RoleName.PRE_CANDIDATE},
    RoleName.PRE_CANDIDATE: {RoleName.PRE_CANDIDATE, RoleName.FOLLOWER},
    RoleName.CANDIDATE: set(RoleName),
    RoleName.LEADER: {RoleName.LEADER, RoleName.FOLLOWER},
}
"""What a role may become within a term."""


def _role_changes_as_in_figure_4(before: Observation, after: RaftState) -> str | None:
    """Require that within a term roles change as the drawing in `transitions` shows (Figure 4)."""
    role = role_name(after.role)
    if after.current_term != before.current_term or role in WITHIN_TERM[before.role]:
        return None
    return f"a {before.role} became {role} within term {before.current_term}"


def _commit_index_never_falls(before: Observation, after: RaftState) -> str | None:
    """Require that commitIndex increases monotonically (Raft Figure 2)."""
    if after.commit_index >= before.commit_index:
        return None
    return f"the commit index fell from {before.commit_index} to {after.commit_index}"


def _committed_prefix_is_kept(before: Observation, after: RaftState) -> str | None:
    """Require that no committed entry is truncated or replaced (State Machine Safety).

    Looking at the last one is enough: a log loses entries from its end only.
    """
    if before.commit_index < after.log.prefix_index or after.log.matches(
        before.commit_index, before.commit_term
    ):
        return None
    return f"the committed entry {before.commit_index}@{before.commit_term} is gone"


def _trimmed_prefix_never_shrinks(before: Observation, after: RaftState) -> str | None:
    """Require that what was forgotten stays so (Raft §7)."""
    if after.log.prefix_index >= before.prefix_index:
        return None
    return f"the trimmed prefix shrank from {before.prefix_index} to {after.log.prefix_index}"


def _leader_only_appends(before: Observation, after: RaftState) -> str | None:
    """Require that a leader never overwrites or deletes its entries (Leader Append-Only)."""
    if before.role is not RoleName.LEADER or after.current_term != before.current_term:
        return None
    if after.log.matches(before.last_index, before.last_term):
        return None
    return f"a leader's entry {before.last_index}@{before.last_term} is gone"


def _rounds_never_fall(before: Observation, after: RaftState) -> str | None:
    """Require ascending rounds: an old answer confirms old rounds only (thesis §6.4)."""
    if after.current_term != before.current_term or not isinstance(after.role, Leader):
        return None
    if after.role.round >= before.round:
        return None
    return f"the round fell from {before.round} to {after.role.round}"


def _match_index_never_falls(before: Observation, after: RaftState) -> str | None:
    """Require that what a follower acknowledged in a term stays there (Raft Figure 2)."""
    if after.current_term != before.current_term or not isinstance(after.role, Leader):
        return None
    for peer, progress in after.role.progress.items():
        then = before.match_index.get(peer, NO_INDEX)
        if progress.match_index < then:
            return f"match_index of {peer} fell from {then} to {progress.match_index}"
    return None


def _members_change_one_change_at_a_time(before: Observation, after: RaftState) -> str | None:
    """Require a leader to begin nothing new before the last change is committed (Raft §6)."""
    if before.role is not RoleName.LEADER or after.current_term != before.current_term:
        return None
    if after.configurations[-1].index == before.configuration_index:
        return None
    uncommitted = [one.index for one in after.configurations if one.index > after.commit_index]
    if len(uncommitted) <= 1:
        return None
    return f"a leader changed members at {uncommitted}, having committed {after.commit_index}"


DELTA_CHECKS: Final[tuple[Callable[[Observation, RaftState], str | None], ...]] = (
    _term_never_falls,
    _vote_never_changes_within_term,
    _leader_is_set_once_within_term,
    _role_changes_as_in_figure_4,
    _commit_index_never_falls,
    _committed_prefix_is_kept,
    _trimmed_prefix_never_shrinks,
    _leader_only_appends,
    _rounds_never_fall,
    _match_index_never_falls,
    _members_change_one_change_at_a_time,
)
