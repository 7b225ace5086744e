"""Transitions: their text, their observers, and the digest that tells runs apart."""

import hashlib

import msgspec
import pytest

from harness.environments.simulation.trace import (
    RECENT_MAX,
    Committed,
    Crashed,
    Noted,
    Persisted,
    Role,
    Started,
    Trace,
    Transition,
    What,
    event_name,
)


class Sink:
    def __init__(self) -> None:
        self.written: list[tuple[Transition, bytes]] = []

    def write(self, transition: Transition, encoded: bytes) -> None:
        self.written.append((transition, encoded))


LEADS = Role("leader", 3, "n1")


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (Role("candidate", 2, None), "candidate of term 2"),
        (Role("leader", 2, "n1"), "leader of term 2"),
        (Role("follower", 2, "n1"), "follower of term 2, following n1"),
        (Role("follower", 2, None), "follower of term 2"),
        (Persisted(2, "n1", 0, 0, 0), "persists term 2, vote for n1"),
        (Persisted(2, None, 0, 0, 0), "persists term 2, vote for no one"),
        (Persisted(None, None, 4, 6, 2), "persists entries 4..6 of term 2"),
        (
            Persisted(2, "n3", 4, 4, 2),
            "persists term 2, vote for n3; entries 4..4 of term 2",
        ),
        (Committed(1, 3, 2), "commits 1..3 of term 2"),
        (Started(2, 5, 9, 7, 0), "starts for the 2. time: term 5, log to 9, applied 7"),
        (
            Started(2, 5, 9, 7, 13),
            "starts for the 2. time: term 5, log to 9, applied 7, 13 torn bytes cut",
        ),
        (Crashed("kept", 0), "is killed (unsynced tail kept)"),
        (Crashed("torn", 8), "is killed (unsynced tail torn, 8 unsynced bytes lost)"),
        (Noted("is paused"), "is paused"),
    ],
)
def test_every_transition_reads_as_text(what: What, text: str) -> None:
    assert what.text() == text


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (LEADS, "role"),
        (Persisted(1, None, 0, 0, 0), "persist"),
        (Committed(1, 1, 1), "commit"),
        (Started(1, 0, 0, 0, 0), "start"),
        (Crashed("lost", 0), "crash"),
        (Noted("x"), "note"),
    ],
)
def test_every_transition_has_the_name_that_files_give_it(what: What, name: str) -> None:
    assert event_name(what) == name
    assert msgspec.json.decode(msgspec.json.encode(what), type=dict[str, object])["type"] == name


def test_lines_are_aligned_and_in_seconds() -> None:
    lines = [
        Transition(412_309_811, "n1", LEADS).line(),
        Transition(-2_399_758_715, "nemesis", Noted("heal n1>n2")).line(),
    ]
    assert lines == [
        "    0.412309811 n1      leader of term 3",
        "   -2.399758715 nemesis heal n1>n2",
    ]


def test_the_sink_and_the_observers_are_given_every_transition() -> None:
    sink, observed = Sink(), list[Transition]()
    trace = Trace(sink)
    trace.subscribe(observed.append)
    trace.add(5, "n1", LEADS)
    transition = Transition(5, "n1", LEADS)
    assert observed == [transition]
    assert sink.written == [(transition, msgspec.json.encode(transition))]


def test_the_digest_is_the_sha_256_of_all_that_was_added_and_mixed_in() -> None:
    trace = Trace()
    trace.add(5, "n1", LEADS)
    trace.mix(b"an op")
    expected = hashlib.sha256(msgspec.json.encode(Transition(5, "n1", LEADS)) + b"an op")
    assert trace.digest() == expected.hexdigest()


def test_neither_sink_nor_observers_change_the_digest() -> None:
    watched, unwatched = Trace(Sink()), Trace()
    watched.subscribe(lambda _: None)
    for trace in (watched, unwatched):
        trace.add(5, "n1", LEADS)
    assert watched.digest() == unwatched.digest()


@pytest.mark.parametrize(
    ("at", "node", "what"),
    [(6, "n1", LEADS), (5, "n2", LEADS), (5, "n1", Role("leader", 4, "n1"))],
)
def test_any_difference_changes_the_digest(at: int, node: str, what: What) -> None:
    one, other = Trace(), Trace()
    one.add(5, "n1", LEADS)
    other.add(at, node, what)
    assert one.digest() != other.digest()


def test_the_order_of_transitions_counts() -> None:
    one, other = Trace(), Trace()
    one.add(5, "n1", LEADS)
    one.add(5, "n2", Noted("x"))
    other.add(5, "n2", Noted("x"))
    other.add(5, "n1", LEADS)
    assert one.digest() != other.digest()


def test_a_checkpoint_tells_the_digest_so_far_and_counts_events_in() -> None:
    one, other = Trace(), Trace()
    one.checkpoint(100, 7)
    other.checkpoint(101, 7)
    [checkpoint] = one.checkpoints
    assert (checkpoint.events, checkpoint.at) == (100, 7)
    assert checkpoint.digest == one.digest() != other.digest()


def test_recent_transitions_come_oldest_first_and_no_more_than_asked_for() -> None:
    trace = Trace()
    for at in range(5):
        trace.add(at, "n1", LEADS)
    assert [transition.at for transition in trace.recent(2)] == [3, 4]
    assert [transition.at for transition in trace.recent(9)] == [0, 1, 2, 3, 4]
    assert trace.recent(0) == []


def test_only_so_many_recent_transitions_are_kept() -> None:
    trace = Trace()
    for at in range(RECENT_MAX + 1):
        trace.add(at, "n1", LEADS)
    assert [transition.at for transition in trace.recent(RECENT_MAX + 1)][:1] == [1]
