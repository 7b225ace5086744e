"""Words on leases, and their ends, judged against the log and virtual time."""

import pytest

from harness.environments.simulation.lease_promises import LeasePromises
from harness.environments.simulation.oracle import Breach
from nodeimpl.api.errors import REQUEST_TIMED_OUT
from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
)
from nodeimpl.ids import SECOND, LeaseId, LogIndex, RequestId, Term
from nodeimpl.mvcc.commands import Command, ExpireLease, encode_command
from nodeimpl.raft.messages import Entry, EntryKind


class Story:
    """A lease with id 7 and a TTL of 3 s, granted at 1 s; the rest is told."""

    def __init__(self) -> None:
        self.now = SECOND
        self.promises = LeasePromises(lambda: self.now)
        self.tag = 0
        self.commit(LeaseGrantRequest(ID=7, TTL=3))

    def commit(self, command: Command, term: int = 1) -> None:
        data = encode_command(RequestId(1), command)
        self.promises.committed(Entry(Term(term), LogIndex(1), EntryKind.COMMAND, data))

    def expire(self, grant: int = 1, term: int = 1) -> None:
        self.commit(ExpireLease(LeaseId(7), grant, Term(1)), term)

    def ask(self) -> int:
        self.tag += 1
        self.promises.asked("n1", self.tag, LeaseKeepAliveRequest(ID=7))
        return self.tag

    def answer(self, tag: int, ttl: int) -> None:
        self.promises.answered("n1", tag, LeaseKeepAliveResponse(ID=7, TTL=ttl))

    def keep_alive(self) -> None:
        self.answer(self.ask(), 3)

    def at(self, seconds: float) -> None:
        self.now = round(seconds * SECOND)


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_end_before_the_promised_time_is_a_breach(story: Story) -> None:
    story.at(2)
    story.keep_alive()
    story.at(4.9)
    with pytest.raises(Breach, match=r"lease 7 expires at 4.900 s, but n1 at 2.000 s for 3 s"):
        story.expire()


def test_an_end_after_it_is_none(story: Story) -> None:
    story.at(2)
    story.keep_alive()
    story.at(5)
    story.expire()


def test_a_promise_that_is_told_of_after_the_early_end_is_a_breach(story: Story) -> None:
    tag = story.ask()
    story.at(2)
    story.expire()
    with pytest.raises(Breach, match=r"No early end") as breach:
        story.answer(tag, 3)
    assert "had promised" in breach.value.story


def test_a_client_may_end_a_lease_at_any_time(story: Story) -> None:
    story.keep_alive()
    story.commit(LeaseRevokeRequest(ID=7))


def test_what_is_left_is_a_promise_too(story: Story) -> None:
    story.promises.asked("n2", 1, LeaseTimeToLiveRequest(ID=7))
    story.promises.answered("n2", 1, LeaseTimeToLiveResponse(ID=7, TTL=2, grantedTTL=3))
    story.at(2.9)
    with pytest.raises(Breach, match=r"n2 at 1.000 s for 2 s"):
        story.expire()


def test_a_word_on_a_dead_lease_is_a_breach(story: Story) -> None:
    story.at(4)
    story.expire()
    story.at(4.1)
    with pytest.raises(Breach, match=r"lease 7 has 3 s to live, but it had ended"):
        story.keep_alive()


def test_a_word_on_a_lease_that_dies_meanwhile_may_be_either(story: Story) -> None:
    story.at(4)
    alive, dead = story.ask(), story.ask()
    story.at(7.1)
    story.expire()
    story.answer(dead, 0)
    story.answer(alive, 3)


def test_the_death_of_a_living_lease_is_a_breach(story: Story) -> None:
    story.at(2)
    with pytest.raises(Breach, match=r"there is no lease 7, but there has been one since 1.000 s"):
        story.answer(story.ask(), 0)


def test_an_expiry_of_another_grant_or_term_has_no_effect(story: Story) -> None:
    story.keep_alive()
    story.expire(grant=2)
    story.expire(term=2)
    story.keep_alive()


def test_of_an_id_granted_anew_nobody_knows_which_was_meant(story: Story) -> None:
    tag = story.ask()
    story.commit(LeaseRevokeRequest(ID=7))
    story.commit(LeaseGrantRequest(ID=7, TTL=3))
    story.answer(tag, 3)
    story.at(2)
    story.expire(grant=2)


def test_no_time_is_judged_when_clocks_are_bent(story: Story) -> None:
    story.keep_alive()
    story.promises.clocks_are_bent()
    story.expire()


def test_nothing_is_judged_after_an_alarm(story: Story) -> None:
    story.commit(AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=1, alarm=NOSPACE))
    story.at(2)
    story.answer(story.ask(), 0)


def test_errors_and_the_dead_promise_nothing(story: Story) -> None:
    story.promises.answered("n1", story.ask(), REQUEST_TIMED_OUT)
    tag = story.ask()
    story.promises.crashed("n1")
    story.answer(tag, 3)
    story.expire()


def test_a_lease_that_outlives_its_time_is_a_breach(story: Story) -> None:
    story.at(9)
    story.promises.judge_rest(5 * SECOND, SECOND)
    story.at(9.1)
    with pytest.raises(Breach, match=r"lease 7 lives at 9.100 s, .* since 5.000 s"):
        story.promises.judge_rest(5 * SECOND, SECOND)
    story.expire()
    story.promises.judge_rest(5 * SECOND, SECOND)
