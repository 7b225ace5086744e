"""Daemons on bad disks: they stop rather than lie, and come back with what was durable."""

import pytest

from harness.environments.simulation.disk import Tail
from harness.environments.simulation.disks import SimulatedDisks
from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.trace import Crashed, Started, Stopped
from nodeimpl.ids import Term
from nodeimpl.raft.messages import HardState
from tests.harness.environments.simulation.scripted_machine import (
    FSYNC_NS,
    TERM_1,
    Machine,
    send,
    stored,
)


def disks(machine: Machine) -> SimulatedDisks:
    return SimulatedDisks({"n1": machine.disk})


def machine_with_a_log() -> Machine:
    """Return a started machine with three durable records."""
    machine = Machine().started()
    machine.does(TERM_1)
    machine.does(stored(1))
    machine.does(stored(2))
    machine.run_for(10 * FSYNC_NS)
    return machine


# ------------------------------------------------------------ failing syncs
def test_a_daemon_stops_when_a_sync_fails_and_says_nothing_that_depends_on_it() -> None:
    machine = Machine().started()
    machine.is_asked(1)
    disks(machine).fail_fsync("n1", is_failing=True)
    machine.does(TERM_1, send(1))
    machine.run_for(FSYNC_NS)
    assert not machine.host.is_running
    assert machine.numbers_sent == []
    assert machine.lost == [1]
    assert machine.whats[1] == Stopped("its disk failed to sync")
    assert isinstance(machine.whats[2], Crashed)


def test_what_was_not_synced_may_be_kept_or_lost() -> None:
    terms = set()
    for seed in range(60):
        machine = Machine(tear_seed=seed).started()
        disks(machine).fail_fsync("n1", is_failing=True)
        machine.does(TERM_1)
        machine.run_for(FSYNC_NS)
        disks(machine).fail_fsync("n1", is_failing=False)
        machine.started()
        terms.add(machine.node.recovered.hard_state.current_term)
    assert terms == {Term(0), Term(1)}


def test_a_daemon_does_not_come_up_while_syncs_fail() -> None:
    machine = Machine()
    disks(machine).fail_fsync("n1", is_failing=True)
    machine.started()
    assert not machine.host.is_running
    assert machine.nodes == []


def test_a_paused_daemon_learns_of_a_failed_sync_when_it_goes_on() -> None:
    machine = Machine().started()
    disks(machine).fail_fsync("n1", is_failing=True)
    machine.does(TERM_1, send(1))
    machine.host.pause()
    machine.run_for(FSYNC_NS)
    assert Stopped("its disk failed to sync") not in machine.whats
    machine.host.resume()
    assert not machine.host.is_running
    assert machine.numbers_sent == []


# ------------------------------------------------------------ full disks
def test_a_daemon_stops_when_its_disk_is_full_before_it_says_more() -> None:
    machine = Machine().started()
    disks(machine).fill("n1", is_full=True)
    machine.does(send(1), TERM_1, send(2))
    machine.run_for(10 * FSYNC_NS)
    assert not machine.host.is_running
    assert machine.numbers_sent == [1]
    assert machine.whats[1] == Stopped("its disk is full")


def test_what_a_full_disk_took_of_a_write_is_cut_off_at_the_start() -> None:
    machine = machine_with_a_log()
    disks(machine).fill("n1", is_full=True)
    machine.does(stored(3))
    disks(machine).fill("n1", is_full=False)
    machine.started()
    assert machine.node.recovered.entries == (*stored(1).entries, *stored(2).entries)


def test_a_daemon_that_stops_over_one_input_does_not_leave_others_to_the_next() -> None:
    machine = Machine().started()
    machine.host.pause()
    machine.does(TERM_1)
    machine.does(send(7))
    disks(machine).fill("n1", is_full=True)
    machine.host.resume()
    disks(machine).fill("n1", is_full=False)
    machine.started()
    assert machine.node.inputs == []


# ------------------------------------------------------------ rot
def test_a_node_refuses_to_start_from_a_rotten_log() -> None:
    machine = machine_with_a_log()
    assert disks(machine).flip_bits("n1", 3) == 3
    machine.host.kill(Tail.KEPT)
    machine.started()
    assert not machine.host.is_running
    stopped = machine.whats[-2]
    assert isinstance(stopped, Stopped)
    assert stopped.reason.startswith("it refuses to start: write-ahead log is corrupt")


def test_a_restored_log_is_as_good_as_before() -> None:
    machine = machine_with_a_log()
    surface = disks(machine)
    surface.flip_bits("n1", 3)
    machine.host.kill(Tail.KEPT)
    machine.started()
    surface.restore("n1")
    machine.started()
    assert machine.node.recovered.entries == (*stored(1).entries, *stored(2).entries)


@pytest.mark.parametrize("seed", range(40))
def test_rot_spares_the_last_record_and_is_always_found(seed: int) -> None:
    machine = Machine(tear_seed=seed).started()
    machine.does(TERM_1)
    machine.does(stored(1))
    machine.run_for(10 * FSYNC_NS)
    disks(machine).flip_bits("n1", 1 + seed % 4)
    machine.host.kill(Tail.KEPT)
    machine.started()
    assert not machine.host.is_running


def test_a_log_of_one_record_does_not_rot() -> None:
    machine = Machine().started()
    machine.does(TERM_1)
    machine.run_for(10 * FSYNC_NS)
    assert disks(machine).flip_bits("n1", 3) == 0


def test_what_is_not_durable_does_not_rot() -> None:
    machine = Machine().started()
    machine.does(TERM_1)
    machine.does(stored(1))
    assert disks(machine).flip_bits("n1", 3) == 0


def test_a_node_that_starts_from_a_rotten_log_is_convicted() -> None:
    machine = machine_with_a_log()
    disks(machine).flip_bits("n1", 1)
    machine.host.kill(Tail.KEPT)
    machine.disk._content[:] = b""
    with pytest.raises(Breach, match="started from a log whose bits had flipped"):
        machine.started()


# ------------------------------------------------------------ lies
def test_a_daemon_is_not_started_from_a_disk_that_broke_its_word() -> None:
    machine = Machine().started()
    disks(machine).lie("n1", is_lying=True)
    machine.does(TERM_1)
    machine.run_for(FSYNC_NS)
    machine.host.kill(Tail.LOST)
    assert disks(machine).lost_bytes("n1") > 0
    with pytest.raises(AssertionError, match="broke its word"):
        machine.host.start()


def test_a_daemon_comes_back_with_what_was_put_back() -> None:
    machine = Machine().started()
    surface = disks(machine)
    surface.lie("n1", is_lying=True)
    machine.does(TERM_1, send(1))
    machine.run_for(FSYNC_NS)
    machine.host.kill(Tail.LOST)
    surface.lie("n1", is_lying=False)
    machine.started()
    assert machine.numbers_sent == [1]
    assert machine.node.recovered.hard_state == HardState(Term(1), None)
    assert isinstance(machine.whats[-1], Started)
