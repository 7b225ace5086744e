"""Effects around a `Trim`: it comes behind a durable store, and before all that follows it."""

import pytest

from harness.environments.simulation.disk import Tail
from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.trace import Crashed, SnapshotInstalled, Stopped, Trimmed
from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.effects import Persist, Restored
from nodeimpl.storage.wal_format import Write, decode
from tests.harness.environments.simulation.scripted_machine import (
    FSYNC_NS,
    TERM_1,
    Machine,
    send,
    stored,
    trim,
)


def machine_with_log(count: int) -> Machine:
    """Return a machine whose log holds so many committed entries of term 1."""
    machine = Machine().started()
    machine.commits(count)
    return machine


def written(machine: Machine) -> tuple[Write, ...]:
    return decode(machine.disk.content).writes


def test_a_trim_is_noted_in_the_log() -> None:
    machine = machine_with_log(3)
    machine.does(machine.saves(2), trim(2))
    assert Trimmed(2, 1) in machine.whats
    machine.host.kill(Tail.KEPT)
    machine.started()
    assert (machine.node.recovered.prefix_index, machine.node.recovered.last_index) == (2, 3)


def test_a_trim_is_not_written_before_the_store_is_durable() -> None:
    machine = machine_with_log(2)
    machine.does(stored(3), machine.saves(2), trim(2))
    assert trim(2) not in written(machine)
    machine.run_for(FSYNC_NS)
    assert trim(2) in written(machine)


def test_what_stands_behind_a_trim_is_not_written_before_it() -> None:
    machine = machine_with_log(2)
    machine.does(stored(3), machine.saves(2), trim(2), stored(4), send(1))
    machine.does(stored(5), send(2))
    assert written(machine)[-1] == stored(3)
    machine.run_for(FSYNC_NS)
    assert written(machine)[-2:] == (stored(4), stored(5))
    assert machine.numbers_sent == []
    machine.run_for(FSYNC_NS)
    assert machine.numbers_sent == [1, 2]


def test_each_of_two_trims_releases_what_stands_before_the_next() -> None:
    machine = machine_with_log(3)
    machine.does(stored(4), machine.saves(1), trim(1), stored(5))
    machine.does(machine.saves(3), trim(3), stored(6), send(1))
    machine.run_for(FSYNC_NS)
    assert written(machine)[-1] == stored(5)
    machine.run_for(2 * FSYNC_NS)
    assert machine.numbers_sent == [1]
    machine.host.kill(Tail.LOST)
    machine.started()
    assert (machine.node.recovered.prefix_index, machine.node.recovered.last_index) == (3, 6)


def test_a_trimmed_log_is_rewritten_without_what_was_trimmed() -> None:
    machine = machine_with_log(40)
    before = machine.disk.size_bytes
    machine.does(machine.saves(39), trim(39))
    assert machine.disk.size_bytes < before / 10
    assert written(machine) == (trim(39), Persist(TERM_1.hard_state, stored(40).entries))


def test_a_rewritten_log_is_rewritten_again_when_it_has_doubled() -> None:
    machine = machine_with_log(2)
    machine.does(machine.saves(1), trim(1))
    machine.does(machine.saves(2), trim(2))
    assert len(written(machine)) == 3
    machine.does(stored(3), stored(4))
    machine.run_for(10 * FSYNC_NS)
    machine.does(machine.saves(2), trim(2))
    left = (*stored(3).entries, *stored(4).entries)
    assert written(machine) == (trim(2), Persist(TERM_1.hard_state, left))


def test_a_rewriting_while_a_sync_is_under_way_releases_nothing_early() -> None:
    machine = machine_with_log(3)
    machine.does(stored(4), machine.saves(1), trim(1), stored(5), send(1))
    machine.run_for(FSYNC_NS)
    assert machine.numbers_sent == []
    machine.run_for(FSYNC_NS)
    assert machine.numbers_sent == [1]


def test_a_crash_before_a_snapshot_is_durable_leaves_the_log_as_it_was() -> None:
    machine = machine_with_log(2)
    machine.does(stored(3), machine.saves(2), trim(2), send(1))
    machine.host.kill(Tail.LOST)
    machine.started()
    recovered = machine.node.recovered
    assert (recovered.prefix_index, recovered.last_index, recovered.commit_index) == (0, 2, 0)


def test_a_crash_between_a_snapshot_and_its_trim_leaves_the_store_ahead() -> None:
    machine = machine_with_log(2)
    machine.peers_commit(3, 4)
    machine.does(machine.saves(4))
    machine.host.kill(Tail.LOST)
    machine.started()
    recovered = machine.node.recovered
    assert (recovered.prefix_index, recovered.entries, recovered.commit_index) == (4, (), 4)
    assert written(machine)[-1] == trim(4)


def test_the_log_goes_on_behind_a_trim_that_recovery_made_up_for() -> None:
    machine = machine_with_log(2)
    machine.peers_commit(3, 4)
    machine.does(machine.saves(4))
    machine.host.kill(Tail.LOST)
    machine.started()
    machine.does(stored(5), send(1))
    machine.run_for(FSYNC_NS)
    machine.host.kill(Tail.LOST)
    machine.started()
    recovered = machine.node.recovered
    assert (recovered.prefix_index, recovered.entries) == (4, stored(5).entries)


def test_a_trim_that_was_made_up_for_and_lost_again_is_made_up_for_again() -> None:
    machine = machine_with_log(2)
    machine.peers_commit(3, 4)
    machine.does(machine.saves(4))
    machine.host.kill(Tail.LOST)
    machine.started()
    machine.host.kill(Tail.LOST)
    machine.started()
    assert machine.node.recovered.prefix_index == 4


def test_an_installed_snapshot_is_told_of() -> None:
    machine = machine_with_log(2)
    machine.does(machine.saves(2), Restored(LogIndex(2), Term(1)), trim(2))
    assert machine.whats[-2:] == [SnapshotInstalled(2, 1), Trimmed(2, 1)]


def test_a_log_trimmed_too_early_is_a_breach() -> None:
    machine = machine_with_log(2)
    with pytest.raises(Breach, match="store is the outcome of entry 0") as breach:
        machine.does(trim(1))
    assert breach.value.rule == "Snapshots (Raft §7)"


@pytest.mark.parametrize("in_turn", [False, True], ids=["at once", "in its turn"])
def test_a_daemon_without_room_for_a_trim_stops(in_turn: bool) -> None:  # noqa: FBT001 (a case)
    machine = machine_with_log(2)
    machine.does(*[stored(3)] * in_turn, machine.saves(2))
    machine.disk.is_full = True
    machine.does(trim(2), stored(4), send(1))
    machine.run_for(10 * FSYNC_NS)
    assert not machine.host.is_running
    assert [type(what) for what in machine.whats[-2:]] == [Stopped, Crashed]
    assert machine.numbers_sent == []


def test_a_rotten_log_is_not_rewritten() -> None:
    machine = machine_with_log(40)
    machine.disk.flip_bits(1, machine.disk.size_bytes)
    machine.does(machine.saves(39), trim(39))
    assert machine.disk.size_bytes > 40 * len(stored(1).entries[0].data)
    assert machine.disk.is_rotten
