"""A machine carries out effects in order, none before the sync it stands behind, and can break."""

import pytest

from harness.environments.simulation.disk import Tail
from harness.environments.simulation.host import INBOX_MAX
from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.trace import (
    Crashed,
    Noted,
    Persisted,
    Started,
    fingerprints,
)
from nodeimpl.boundary import CommitBackend
from nodeimpl.ids import Instant, Term
from nodeimpl.mvcc.backend import NOTHING_APPLIED
from nodeimpl.raft.effects import Persist, Send
from nodeimpl.raft.messages import HardState, RequestVoteReply
from nodeimpl.storage.wal_format import decode, encode
from tests.harness.environments.simulation.scripted_machine import (
    FSYNC_NS,
    PEER,
    TERM_1,
    Machine,
    message,
    received,
    reply,
    send,
    stored,
)


# ------------------------------------------------------------ order of effects
def test_what_stands_behind_a_persist_waits_for_its_sync() -> None:
    machine = Machine().started()
    machine.does(send(1), TERM_1, send(2))
    machine.run_for(FSYNC_NS - 1)
    assert machine.numbers_sent == [1]
    machine.run_for(1)
    assert machine.numbers_sent == [1, 2]


def test_what_later_calls_asked_for_waits_behind_an_earlier_persist() -> None:
    machine = Machine().started()
    machine.does(TERM_1)
    machine.does(send(1))
    assert machine.numbers_sent == []
    machine.run_for(FSYNC_NS)
    assert machine.numbers_sent == [1]


def test_effects_leave_in_the_order_in_which_they_were_asked_for() -> None:
    machine = Machine().started()
    machine.does(send(1), TERM_1, send(2), stored(1), send(3))
    machine.does(send(4), stored(2), send(5))
    machine.run_for(10 * FSYNC_NS)
    assert machine.numbers_sent == [1, 2, 3, 4, 5]


def test_a_sync_that_began_before_a_write_does_not_release_what_stands_behind_it() -> None:
    machine = Machine().started()
    began = machine.kernel.now
    machine.does(TERM_1, send(1))
    machine.run_for(10)
    machine.does(stored(1), send(2))
    machine.run_for(10 * FSYNC_NS)
    assert machine.sent == [(began + FSYNC_NS, 1), (began + 2 * FSYNC_NS, 2)]


def test_one_sync_covers_all_that_was_written_during_the_one_before_it() -> None:
    machine = Machine().started()
    began, syncs = machine.kernel.now, machine.disk.sync_count
    machine.does(TERM_1)
    machine.does(stored(1), send(1))
    machine.does(stored(2), send(2))
    machine.does(stored(3), send(3))
    machine.run_for(10 * FSYNC_NS)
    assert machine.sent == [(began + 2 * FSYNC_NS, number) for number in (1, 2, 3)]
    assert machine.disk.sync_count - syncs == 2


def test_persists_of_one_call_share_a_sync() -> None:
    machine = Machine().started()
    syncs = machine.disk.sync_count
    machine.does(TERM_1, stored(1), send(1))
    machine.run_for(10 * FSYNC_NS)
    assert machine.numbers_sent == [1]
    assert machine.disk.sync_count - syncs == 1


def test_a_persist_is_in_the_trace_once_it_is_durable() -> None:
    machine = Machine().started()
    machine.does(Persist(HardState(Term(1), PEER), stored(1).entries))
    machine.run_for(FSYNC_NS - 1)
    assert machine.whats[1:] == []
    machine.run_for(1)
    written = fingerprints(stored(1).entries)
    assert machine.whats[1:] == [Persisted(1, "n2", 1, 1, 1, written)]


def test_what_is_said_too_early_is_a_breach() -> None:
    machine = Machine().started()
    vote = Send(PEER, RequestVoteReply(Term(1), vote_granted=True))
    with pytest.raises(Breach) as breach:
        machine.does(vote, Persist(HardState(Term(1), PEER), ()))
    assert breach.value.rule.startswith("Persistence")


def test_the_backend_commits_behind_the_persist_it_depends_on() -> None:
    machine = Machine().started()
    backend = machine.node._backend
    point = backend.seal(NOTHING_APPLIED)
    machine.does(TERM_1, CommitBackend(point, NOTHING_APPLIED, 0), send(1))
    machine.host.kill(Tail.KEPT)
    machine.run_for(10 * FSYNC_NS)
    assert machine.numbers_sent == []
    with pytest.raises(AssertionError, match="was never sealed"):
        backend.commit(point)


# ------------------------------------------------------------ clients
def test_a_client_is_answered_once_its_reply_may_leave() -> None:
    machine = Machine().started()
    machine.script.append([TERM_1, reply(1)])
    machine.is_asked(1)
    assert machine.answered == []
    machine.run_for(FSYNC_NS)
    assert machine.answered == [1]


def test_a_second_answer_to_one_request_is_a_breach() -> None:
    machine = Machine().started()
    machine.script.append([reply(1), reply(1)])
    with pytest.raises(Breach) as breach:
        machine.is_asked(1)
    assert breach.value.rule.startswith("One answer per request")


def test_a_daemon_that_is_down_cannot_be_asked() -> None:
    with pytest.raises(AssertionError, match="asked while it is down"):
        Machine().is_asked(1)


def test_a_node_that_fails_its_own_assertion_is_convicted() -> None:
    machine = Machine().started()
    machine.node.broken_rule = "term falls"
    with pytest.raises(Breach, match="n1 stopped itself: term falls") as breach:
        machine.does()
    assert breach.value.rule == "Assertion"


def test_a_node_that_dies_of_anything_else_is_convicted() -> None:
    machine = Machine().started()
    machine.node.dies_of = KeyError("no such peer")
    with pytest.raises(Breach, match="n1 died of KeyError: 'no such peer'") as breach:
        machine.does()
    assert breach.value.rule == "Crash"


# ------------------------------------------------------------ pause and resume
def test_a_paused_daemon_takes_its_inputs_in_order_when_it_goes_on() -> None:
    machine = Machine().started()
    machine.host.pause()
    machine.host.receive(PEER, message(1))
    machine.is_asked(2)
    machine.host.receive(PEER, message(3))
    assert machine.node.inputs == []
    machine.host.resume()
    assert [received(given) for given in machine.node.inputs] == [1, 2, 3]


def test_a_paused_daemon_says_nothing_though_its_sync_ends() -> None:
    machine = Machine().started()
    machine.does(TERM_1, send(1))
    machine.host.pause()
    machine.run_for(10 * FSYNC_NS)
    assert machine.numbers_sent == []
    resumed = machine.kernel.now
    machine.host.resume()
    assert machine.sent == [(resumed, 1)]


def test_a_daemon_that_goes_on_syncs_what_was_written_before_it_was_paused() -> None:
    machine = Machine().started()
    machine.does(TERM_1, send(1))
    machine.does(stored(1), send(2))
    machine.host.pause()
    machine.run_for(10 * FSYNC_NS)
    resumed = machine.kernel.now
    machine.host.resume()
    machine.run_for(10 * FSYNC_NS)
    assert machine.sent == [(resumed, 1), (resumed + FSYNC_NS, 2)]


def test_a_paused_daemon_misses_its_deadline_and_is_woken_when_it_goes_on() -> None:
    machine = Machine()
    machine.deadlines.append(Instant(1_000))
    machine.started()
    machine.host.pause()
    machine.run_for(5_000)
    assert machine.node.wakes == []
    machine.host.resume()
    machine.run_for(0)
    assert machine.node.wakes == [machine.clock.read(machine.kernel.now)]


def test_a_paused_daemon_holds_only_so_many_inputs() -> None:
    machine = Machine().started()
    machine.host.pause()
    for number in range(INBOX_MAX + 1):
        machine.host.receive(PEER, message(number))
    machine.host.resume()
    assert len(machine.node.inputs) == INBOX_MAX
    assert received(machine.node.inputs[-1]) == INBOX_MAX - 1


def test_a_killed_daemon_starts_unpaused() -> None:
    machine = Machine().started()
    machine.host.pause()
    machine.host.kill(Tail.KEPT)
    machine.started()
    machine.does(send(1))
    assert machine.numbers_sent == [1]


def test_pauses_and_crashes_are_in_the_trace() -> None:
    machine = Machine().started()
    machine.host.pause()
    machine.host.resume()
    machine.host.kill(Tail.LOST)
    assert machine.whats[1:] == [Noted("is paused"), Noted("resumes"), Crashed("lost", 0)]


# ------------------------------------------------------------ kill
def test_a_kill_during_a_sync_breaks_connections_and_nothing_more_is_said() -> None:
    machine = Machine().started()
    machine.script.append([TERM_1, reply(1), send(1)])
    machine.is_asked(1)
    machine.host.kill(Tail.LOST)
    machine.run_for(10 * FSYNC_NS)
    assert (machine.lost, machine.answered, machine.numbers_sent) == ([1], [], [])


def test_a_client_that_was_answered_does_not_lose_its_connection() -> None:
    machine = Machine().started()
    machine.script.append([reply(1)])
    machine.is_asked(1)
    machine.host.kill(Tail.KEPT)
    assert (machine.lost, machine.answered) == ([], [1])


def test_clients_of_a_paused_daemon_lose_their_connections_too() -> None:
    machine = Machine().started()
    machine.host.pause()
    machine.is_asked(1)
    machine.is_asked(2)
    machine.host.kill(Tail.KEPT)
    assert machine.lost == [1, 2]


def test_messages_to_a_daemon_that_is_down_are_lost() -> None:
    machine = Machine().started()
    machine.host.kill(Tail.KEPT)
    machine.host.receive(PEER, message(1))
    machine.started()
    assert machine.node.inputs == []


def test_the_sync_of_an_earlier_incarnation_releases_nothing_in_the_next() -> None:
    machine = Machine().started()
    machine.does(TERM_1, send(1))
    machine.run_for(10)
    machine.host.kill(Tail.KEPT)
    machine.started()
    machine.does(stored(1), send(2))
    machine.run_for(10 * FSYNC_NS)
    assert machine.numbers_sent == [2]


# ------------------------------------------------------------ start and recovery
def test_a_daemon_syncs_what_it_finds_before_it_speaks_of_it() -> None:
    machine = Machine().started()
    machine.does(TERM_1, stored(1))
    machine.host.kill(Tail.KEPT)
    machine.host.start()
    assert machine.host.is_running
    assert len(machine.nodes) == 1
    assert machine.disk.unsynced_bytes > 0
    machine.run_for(FSYNC_NS)
    assert len(machine.nodes) == 2
    assert machine.disk.unsynced_bytes == 0
    assert machine.node.recovered.entries == stored(1).entries


def test_what_arrives_during_recovery_is_handled_after_it_in_order() -> None:
    machine = Machine()
    machine.host.start()
    machine.host.receive(PEER, message(1))
    machine.is_asked(2)
    machine.run_for(FSYNC_NS)
    assert [received(given) for given in machine.node.inputs] == [1, 2]


def test_a_daemon_killed_during_recovery_does_not_finish_it() -> None:
    machine = Machine()
    machine.host.start()
    machine.host.kill(Tail.KEPT)
    machine.run_for(10 * FSYNC_NS)
    assert machine.nodes == []
    assert not machine.host.is_running


def test_a_power_cut_takes_what_was_not_synced() -> None:
    machine = Machine().started()
    machine.does(TERM_1)
    machine.run_for(FSYNC_NS)
    machine.does(stored(1), send(1))
    machine.host.kill(Tail.LOST)
    machine.started()
    assert machine.node.recovered.hard_state == HardState(Term(1), None)
    assert machine.node.recovered.entries == ()
    assert machine.numbers_sent == []


def test_a_torn_tail_is_cut_at_the_start_and_the_log_goes_on_behind_the_cut() -> None:
    machine = Machine()
    machine.disk.append(encode(TERM_1) + encode(stored(1))[:10])
    machine.host._oracle.wrote(machine.host.node_id, TERM_1)
    machine.started()
    assert machine.disk.content == encode(TERM_1)
    assert machine.whats == [Started(1, 1, 0, 0, 10)]
    machine.does(stored(1))
    machine.run_for(FSYNC_NS)
    assert decode(machine.disk.content).writes == (TERM_1, stored(1))


def test_a_log_that_went_bad_in_its_middle_is_a_breach() -> None:
    machine = Machine().started()
    machine.does(TERM_1)
    machine.does(stored(1))
    machine.run_for(10 * FSYNC_NS)
    machine.disk._content[5] ^= 1
    machine.host.kill(Tail.KEPT)
    with pytest.raises(Breach, match="n1 cannot start: write-ahead log is corrupt") as breach:
        machine.started()
    assert breach.value.rule.startswith("Recovery")


def test_every_start_is_a_new_incarnation() -> None:
    machine = Machine().started()
    machine.host.kill(Tail.KEPT)
    machine.started()
    assert [node.config.incarnation for node in machine.nodes] == [1, 2]


# ------------------------------------------------------------ timers
@pytest.mark.parametrize("drift_ppb", [0, 200_000, -200_000])
def test_a_node_is_woken_at_its_deadline_by_its_own_clock_and_never_early(drift_ppb: int) -> None:
    machine = Machine(drift_ppb=drift_ppb)
    machine.deadlines.append(Instant(100_000_000))
    machine.started()
    machine.kernel.run(machine.clock.when(Instant(100_000_000)) - 1)
    assert machine.node.wakes == []
    machine.run_for(1)
    [reading] = machine.node.wakes
    assert 100_000_000 <= reading <= 100_000_001


def test_a_deadline_that_moved_back_wakes_the_node_only_then() -> None:
    machine = Machine()
    machine.deadlines.append(Instant(1_000))
    machine.started()
    machine.node.next_deadline = Instant(3_000)
    machine.does()
    machine.run_for(10_000)
    assert machine.node.wakes == [3_000]


def test_a_deadline_that_moved_forward_wakes_the_node_sooner() -> None:
    machine = Machine()
    machine.deadlines.append(Instant(3_000))
    machine.started()
    machine.node.next_deadline = Instant(1_000)
    machine.does()
    machine.run_for(10_000)
    assert machine.node.wakes == [1_000]


def test_the_timer_of_an_earlier_incarnation_is_ignored() -> None:
    machine = Machine()
    machine.deadlines.extend((Instant(1_000), Instant(1_000)))
    machine.started()
    machine.host.kill(Tail.KEPT)
    machine.started()
    machine.run_for(10_000)
    assert [node.wakes for node in machine.nodes] == [[], [1_000]]


# ------------------------------------------------------------ what makes no sense
def test_a_daemon_that_runs_is_not_started() -> None:
    machine = Machine().started()
    with pytest.raises(AssertionError, match="started while it runs"):
        machine.host.start()


def test_a_daemon_that_is_down_is_neither_killed_nor_paused() -> None:
    machine = Machine()
    with pytest.raises(AssertionError, match="killed while it is down"):
        machine.host.kill(Tail.KEPT)
    with pytest.raises(AssertionError, match="paused while it is down"):
        machine.host.pause()


def test_a_daemon_is_not_paused_twice_nor_resumed_while_it_runs() -> None:
    machine = Machine().started()
    with pytest.raises(AssertionError, match="resumed while it runs"):
        machine.host.resume()
    machine.host.pause()
    with pytest.raises(AssertionError, match="paused twice"):
        machine.host.pause()


def test_a_daemon_paused_while_it_starts_goes_on_starting_when_it_is_resumed() -> None:
    machine = Machine()
    machine.host.start()
    machine.host.pause()

    machine.run_for(10 * FSYNC_NS)
    assert machine.host.node is None

    machine.host.resume()
    assert machine.host.node is not None
