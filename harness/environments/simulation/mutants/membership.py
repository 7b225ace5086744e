"""Planted bugs in changes of the members (Raft §6; thesis §4)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.ids import Instant, LogIndex, NodeId
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    final_configuration,
    next_configuration,
)
from nodeimpl.raft.configuration_log import follow_log, follow_snapshot
from nodeimpl.raft.membership import _append, advance_membership
from nodeimpl.raft.messages import Entry
from nodeimpl.raft.quorum import quorum_index, quorum_size
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import RaftState, Recovered, adopt_configuration
from nodeimpl.storage.recovery import replay
from nodeimpl.storage.wal_format import WalContents


def _at_once(configuration: Configuration, change: Change) -> Configuration:
    return msgspec.structs.replace(next_configuration(configuration, change), outgoing=None)


def _adopt_new_voters_only(state: RaftState) -> None:
    adopt_configuration(state)
    state.voter_sets = state.voter_sets[:1]


def _adopt_old_voters_only(state: RaftState) -> None:
    adopt_configuration(state)
    state.voter_sets = state.voter_sets[-1:]


def _index_of_anybody(
    voter_sets: Sequence[Collection[NodeId]], match_index: Mapping[NodeId, LogIndex]
) -> LogIndex:
    """Return what as many nodes have stored as make a majority, whoever they are."""
    descending = sorted(match_index.values(), reverse=True)
    return min(descending[quorum_size(voters) - 1] for voters in voter_sets)


def _follow_and_never_take_back(state: RaftState, entries: tuple[Entry, ...]) -> None:
    """Keep the members that an entry brought when that entry is truncated."""
    before = list(state.configurations)
    follow_log(state, entries)
    if state.configurations[-1].index < before[-1].index:
        state.configurations[:] = before
        adopt_configuration(state)


def _follow_no_snapshot(state: RaftState, index: LogIndex, data: bytes) -> None:
    del state, index, data


def _replay_without_members(contents: WalContents, applied: Applied) -> Recovered:
    return replace(replay(contents, applied), configuration=b"")


def _leave_joint_at_once(state: RaftState, now: Instant) -> bool:
    """Append C_new without waiting until C_old,new is committed."""
    leader, joint = state.role, state.configurations[-1]
    if isinstance(leader, Leader) and joint.configuration.is_joint:
        _append(state, leader, joint.request_id, final_configuration(joint.configuration))
    return advance_membership(state, now)


MUTANTS = (
    Mutant(
        name="voters-changed-at-once",
        breaks="Raft §6: voters change by joint consensus; majorities of the old and the new ones "
        "that share nobody elect two leaders",
        patches=(patch(next_configuration, _at_once),),
    ),
    Mutant(
        name="joint-needs-new-voters-only",
        breaks="Raft §6: agreement needs majorities of both the old and the new voters; the old "
        "ones may not know yet that they were replaced",
        patches=(patch(adopt_configuration, _adopt_new_voters_only),),
    ),
    Mutant(
        name="joint-needs-old-voters-only",
        breaks="Raft §6: agreement needs majorities of both the old and the new voters; the new "
        "ones decide alone once the joint configuration is left",
        patches=(patch(adopt_configuration, _adopt_old_voters_only),),
    ),
    Mutant(
        name="joint-left-before-committed",
        breaks="Raft §6: C_new is appended once C_old,new is committed; before that a majority of "
        "the old voters may not know of the change",
        patches=(patch(advance_membership, _leave_joint_at_once),),
    ),
    Mutant(
        name="learners-count",
        breaks="thesis §4.2.1: a learner is not counted towards a majority; an entry that a leader "
        "and a learner hold is lost with the leader",
        patches=(patch(quorum_index, _index_of_anybody),),
    ),
    Mutant(
        name="truncated-members-kept",
        breaks="thesis §4.1: a server uses the latest configuration in its log, and falls back to "
        "the one before if that entry is truncated",
        patches=(patch(follow_log, _follow_and_never_take_back),),
        scenario="orphaned-change",
    ),
    Mutant(
        name="snapshot-without-members",
        breaks="Raft §7: a snapshot includes the latest configuration; whoever installs it without "
        "counts the majorities of a cluster that is no more",
        patches=(patch(follow_snapshot, _follow_no_snapshot),),
    ),
    Mutant(
        name="members-not-recovered",
        breaks="Raft §7: the configuration is kept with the snapshot; a node that restarts with a "
        "trimmed log and the members it was founded with counts wrong majorities",
        patches=(patch(replay, _replay_without_members),),
    ),
)
