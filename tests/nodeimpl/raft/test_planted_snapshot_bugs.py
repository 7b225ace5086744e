"""The properties bite where logs are trimmed, too: a planted bug is convicted within a few lives.

As in `test_planted_bugs`, a bug replaces one decision of the core for the length of a test.
"""

from itertools import product
from typing import Final

import msgspec
import pytest

from nodeimpl.ids import Instant, LogIndex, Term
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import InstallSnapshot, Snapshot
from nodeimpl.raft.progress import Progress, ProgressState
from nodeimpl.raft.replication import commit_to
from nodeimpl.raft.roles import IncomingSnapshot, Leader
from nodeimpl.raft.snapshots import send_snapshot, trim
from nodeimpl.raft.state import RaftState
from tests.nodeimpl.raft.chaos import CONFIG, config_of, live

LIVES_MAX: Final = 160
"""Seeds within which a bug must be convicted, for three nodes or five."""

TRIMMING_SEEDS: Final = [
    seed for seed in range(LIVES_MAX) if config_of(seed).snapshot_entries != CONFIG.snapshot_entries
]

_trim = RaftLog.trim
_restart = RaftLog.restart


def trim_as_soon_as_committed(state: RaftState, index: LogIndex) -> None:
    commit_to(state, index)
    trim(state, index)


def trim_all(log: RaftLog, prefix_index: LogIndex) -> None:
    _trim(log, prefix_index)
    if log.last_index > prefix_index:
        log.truncate(log.first_index)


def restart_without_comparing(log: RaftLog, prefix_index: LogIndex, prefix_term: Term) -> None:
    if prefix_index <= log.last_index:
        _trim(log, prefix_index)
    else:
        _restart(log, prefix_index, prefix_term)


def leave_probes_as_they_are(state: RaftState, leader: Leader) -> None:
    del state, leader


def claim_the_commit_index(state: RaftState, now: Instant, snapshot: Snapshot) -> None:
    index = state.log.last_index
    claimed = msgspec.structs.replace(
        snapshot, last_included_index=index, last_included_term=state.log.term_at(index)
    )
    send_snapshot(state, now, claimed)


def forget_the_members(state: RaftState, index: LogIndex, data: bytes) -> None:
    del state, index, data


def take_any_chunk(incoming: IncomingSnapshot, message: InstallSnapshot) -> bool:
    del incoming, message
    return True


def never_needed(state: RaftState, message: InstallSnapshot) -> bool:
    del state, message
    return True


def needed_unless_longer(state: RaftState, message: InstallSnapshot) -> bool:
    return message.last_included_index <= state.log.last_index


def resume_always(state: RaftState, progress: Progress) -> None:
    del state
    progress.resume()


def probe_within_the_prefix(state: RaftState, progress: Progress) -> None:
    progress.state = ProgressState.PROBE
    progress.next_index = state.log.prefix_index


def live_trimming() -> None:
    """Let lives in which logs are trimmed pass until one of them breaks a property."""
    for seed, size in product(TRIMMING_SEEDS, (3, 5)):
        live(seed, size)


@pytest.mark.parametrize(
    ("place", "bug", "conviction"),
    [
        ("replication.commit_to", trim_as_soon_as_committed, "trims .* too early"),
        ("log.RaftLog.trim", trim_all, "entry .* is gone"),
        (
            "log.RaftLog.restart",
            restart_without_comparing,
            "a storm|Log Matching",
        ),
        ("snapshots._probe_again", leave_probes_as_they_are, "which was trimmed"),
        ("core.send_snapshot", claim_the_commit_index, "trims .* too early"),
        (
            "installation.follow_snapshot",
            forget_the_members,
            "with promises of|on too few",
        ),
        ("installation.is_chunk_next", take_any_chunk, "does not arrive as it was sent"),
        ("installation.is_needless", never_needed, "acknowledges .* too early|is outside of"),
        (
            "installation.is_needless",
            needed_unless_longer,
            "State Machine Safety",
        ),
        ("replication.resume_replication", resume_always, "is outside of"),
        ("replication.need_snapshot", probe_within_the_prefix, "which was trimmed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_bug_is_convicted(
    monkeypatch: pytest.MonkeyPatch, place: str, bug: object, conviction: str
) -> None:
    monkeypatch.setattr(f"nodeimpl.raft.{place}", bug)

    with pytest.raises(AssertionError, match=conviction):
        live_trimming()
