"""The members as the log tells them (Raft §6; thesis §4.1).

A node uses the latest configuration in its log, committed or not, from the moment it is appended,
and takes it back if that entry is truncated: "A server always uses the latest configuration in its
log". So `RaftState.configurations` follows the log, and all that asks for a majority asks
`RaftState.voter_sets`, which is computed when the members change and never otherwise.
"""

from nodeimpl.ids import LogIndex, RequestId
from nodeimpl.raft.effects import ConfigurationChanged
from nodeimpl.raft.messages import Entry, EntryKind
from nodeimpl.raft.state import (
    ConfigurationAt,
    RaftState,
    adopt_configuration,
    configuration_of,
)


def follow_log(state: RaftState, entries: tuple[Entry, ...]) -> None:
    """Use the latest configuration of the log, whose suffix `entries` has just replaced."""
    first_index = entries[0].index
    before = state.configurations[-1]
    while state.configurations[-1].index >= first_index:
        state.configurations.pop()
    for entry in entries:
        if entry.kind is EntryKind.CONFIGURATION:
            state.configurations.append(configuration_of(entry.index, entry.data))
    if state.configurations[-1] != before:
        adopt(state)


def follow_snapshot(state: RaftState, index: LogIndex, data: bytes) -> None:
    """Begin with the members that a snapshot names, as of its last index; the log is there already.

    What the log says of later members stays as far as the log stays. A snapshot that names none
    (`data` is empty) was taken before they ever changed: they are those this node was started with.
    """
    before = state.configuration
    founding = state.configurations[0].configuration
    later = [held for held in state.configurations if index < held.index <= state.log.last_index]
    first = (
        configuration_of(index, data) if data else ConfigurationAt(index, RequestId(0), founding)
    )
    state.configurations[:] = [first, *later]
    if state.configuration != before:
        adopt(state)


def adopt(state: RaftState) -> None:
    """Let the last of `configurations` be in force, and tell observers."""
    adopt_configuration(state)
    held = state.configurations[-1]
    state.effects.append(ConfigurationChanged(held.index, held.configuration))
