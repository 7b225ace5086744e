"""Reads are judged by what had been committed when they arrived (thesis §6.4)."""

import pytest

from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.pending_reads import PendingReads
from nodeimpl.api.errors import REQUEST_TIMED_OUT
from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse, RangeRequest, RangeResponse
from nodeimpl.boundary import Reply

READ = RangeRequest(key=b"k")
ANSWER = RangeResponse()


@pytest.fixture
def reads() -> PendingReads:
    return PendingReads("n1")


def test_an_answer_that_lacks_what_was_committed_before_is_a_breach(reads: PendingReads) -> None:
    reads.note(1, READ, 7)
    with pytest.raises(Breach, match=r"n1 .* has applied 6 entries, .* 7 had been") as breach:
        reads.judge([Reply(1, ANSWER)], 6)
    assert breach.value.rule == "Read index (thesis §6.4)"


def test_an_answer_that_has_it_is_none(reads: PendingReads) -> None:
    reads.note(1, READ, 7)
    reads.judge([Reply(1, ANSWER)], 7)


def test_what_was_committed_while_the_read_waited_does_not_count(reads: PendingReads) -> None:
    reads.note(1, READ, 7)
    reads.note(2, READ, 9)
    reads.judge([Reply(1, ANSWER)], 8)


def test_a_serializable_read_may_see_the_past(reads: PendingReads) -> None:
    reads.note(1, RangeRequest(key=b"k", serializable=True), 7)
    reads.judge([Reply(1, ANSWER)], 0)


def test_a_write_is_judged_elsewhere(reads: PendingReads) -> None:
    reads.note(1, PutRequest(key=b"k"), 7)
    reads.judge([Reply(1, PutResponse())], 0)


def test_an_error_says_nothing_of_the_store(reads: PendingReads) -> None:
    reads.note(1, READ, 7)
    reads.judge([Reply(1, REQUEST_TIMED_OUT)], 0)


def test_a_dead_daemon_answers_nothing(reads: PendingReads) -> None:
    reads.note(1, READ, 7)
    reads.forget_all()
    reads.judge([Reply(1, ANSWER)], 0)
