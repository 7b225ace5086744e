"""What the failure of a call proves about its operation."""

import msgspec
import pytest

from checkers.history import Op, OpType
from harness.client import (
    Call,
    Completion,
    Conversation,
    Dialogue,
    connection_lost,
    connection_refused,
    refused,
    timed_out,
)
from harness.errors import CallError, DefiniteError, IndefiniteError
from nodeimpl.api import errors
from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse

CALL = Call(PutRequest(key=b"x"), timeout_ns=5)
WRITE = Op(index=0, time=0, process=0, type=OpType.INVOKE, f="write")
READ = Op(index=0, time=0, process=0, type=OpType.INVOKE, f="read")
RESPONSE = PutResponse()


class Calls(msgspec.Struct, frozen=True):
    """A client whose every operation makes `count` calls."""

    count: int = 1

    def begin(self, op: Op) -> Dialogue:
        """Call `count` times."""
        for _ in range(self.count):
            yield CALL
        return Completion(OpType.OK, op.f)

    def has_effect(self, op: Op) -> bool:
        """Only reads are without."""
        return op.f != "read"


class Retries:
    """A client that calls a second time when the first call failed."""

    def begin(self, op: Op) -> Dialogue:
        """Call once or twice."""
        try:
            yield CALL
        except CallError:
            yield CALL
        return Completion(OpType.OK, op.f)

    def has_effect(self, op: Op) -> bool:
        """Only reads are without."""
        return op.f != "read"


def outcome(conversation: Conversation, error: CallError) -> OpType:
    """Return how the operation ended when its open call failed."""
    completion = conversation.failed(error)
    assert isinstance(completion, Completion)
    return completion.type


def test_an_answered_operation_is_ok() -> None:
    conversation = Conversation(Calls(), WRITE)

    assert conversation.start() == CALL
    assert conversation.answered(RESPONSE) == Completion(OpType.OK, "write")


def test_an_operation_may_need_no_call() -> None:
    assert Conversation(Calls(0), WRITE).start() == Completion(OpType.OK, "write")


@pytest.mark.parametrize(
    ("op", "error", "expected"),
    [
        (WRITE, DefiniteError("no"), OpType.FAIL),
        (WRITE, IndefiniteError("perhaps"), OpType.INFO),
        (READ, DefiniteError("no"), OpType.FAIL),
        (READ, IndefiniteError("perhaps"), OpType.FAIL),
    ],
)
def test_a_failed_call_fails_the_operation_if_it_surely_had_no_effect(
    op: Op, error: CallError, expected: OpType
) -> None:
    conversation = Conversation(Calls(), op)
    conversation.start()

    assert outcome(conversation, error) is expected


def test_the_error_is_told() -> None:
    conversation = Conversation(Calls(), WRITE)
    conversation.start()

    assert conversation.failed(timed_out()) == Completion(OpType.INFO, error="timed out")


def test_after_an_answered_call_a_definite_failure_does_not_undo_its_effect() -> None:
    conversation = Conversation(Calls(2), WRITE)
    conversation.start()
    conversation.answered(RESPONSE)

    assert outcome(conversation, DefiniteError("no")) is OpType.INFO


def test_after_an_indefinite_failure_a_definite_one_proves_nothing() -> None:
    conversation = Conversation(Retries(), WRITE)
    conversation.start()
    assert conversation.failed(IndefiniteError("perhaps")) == CALL

    assert outcome(conversation, DefiniteError("no")) is OpType.INFO


def test_two_definite_failures_are_definite() -> None:
    conversation = Conversation(Retries(), WRITE)
    conversation.start()
    assert conversation.failed(DefiniteError("no")) == CALL

    assert outcome(conversation, DefiniteError("no")) is OpType.FAIL


def test_a_read_of_several_calls_may_always_fail() -> None:
    conversation = Conversation(Calls(2), READ)
    conversation.start()
    conversation.answered(RESPONSE)

    assert outcome(conversation, IndefiniteError("perhaps")) is OpType.FAIL


def test_a_retry_that_is_answered_is_ok() -> None:
    conversation = Conversation(Retries(), WRITE)
    conversation.start()
    conversation.failed(IndefiniteError("perhaps"))

    assert conversation.answered(RESPONSE) == Completion(OpType.OK, "write")


def test_a_closed_conversation_runs_what_the_dialogue_must_still_do() -> None:
    told: list[str] = []

    class Careful:
        def begin(self, op: Op) -> Dialogue:
            try:
                yield CALL
            finally:
                told.append("closed")
            return Completion(OpType.OK, op.f)

        def has_effect(self, op: Op) -> bool:
            return op.f != "read"

    conversation = Conversation(Careful(), WRITE)
    conversation.start()
    conversation.close()

    assert told == ["closed"]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            refused(errors.NO_LEADER),
            DefiniteError,
            "UNAVAILABLE: etcdserver: no leader",
        ),
        (
            refused(errors.REQUEST_TIMED_OUT),
            IndefiniteError,
            "UNAVAILABLE: etcdserver: request timed out",
        ),
        (connection_refused(), DefiniteError, "connection refused"),
        (connection_lost(), IndefiniteError, "connection lost"),
        (timed_out(), IndefiniteError, "timed out"),
    ],
)
def test_what_each_failure_proves(error: CallError, kind: type[CallError], message: str) -> None:
    assert type(error) is kind
    assert str(error) == message
