"""An operation as a dialogue of requests and responses, and what its failure proves.

A client does no I/O. It begins a dialogue, a generator that yields `Call`s and is sent responses,
so that one client serves the simulation and real clusters alike (as the auth flows of httpx).

This module alone turns errors into op types. A call that failed *definitely* had no effect on the
store and will have none; one that failed *indefinitely* may have had one. When unsure: indefinite.
"""

from collections.abc import Generator
from typing import Protocol, TypeAlias

import msgspec

from checkers.history import Op, OpType
from harness.errors import CallError, DefiniteError, IndefiniteError
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    DefragmentRequest,
    DefragmentResponse,
    MemberAddRequest,
    MemberAddResponse,
    MemberPromoteRequest,
    MemberPromoteResponse,
    MemberRemoveRequest,
    MemberRemoveResponse,
    MemberUpdateRequest,
    MoveLeaderRequest,
    MoveLeaderResponse,
)

MemberChange: TypeAlias = MemberAddRequest | MemberPromoteRequest | MemberRemoveRequest

MemberChanged: TypeAlias = MemberAddResponse | MemberPromoteResponse | MemberRemoveResponse

Maintenance: TypeAlias = DefragmentRequest | MemberUpdateRequest | MoveLeaderRequest | MemberChange
"""What clients of real clusters may ask besides, and their operators."""

Request: TypeAlias = ApiRequest | Maintenance
"""What clients may ask."""

Response: TypeAlias = ApiResponse | DefragmentResponse | MoveLeaderResponse | MemberChanged
"""The answers; each has a `header`."""


class Call(msgspec.Struct, frozen=True):
    """One request to the operation's node.

    Without an answer within `timeout_ns` the driver fails the call with `timed_out`.
    """

    request: Request
    timeout_ns: int
    user: str | None = None
    """In whose name; None for nobody's."""
    delay_ns: int = 0
    """How long to wait before it is sent: a client that polls."""


class Completion(msgspec.Struct, frozen=True):
    """How an operation ended: `ok`, `fail` or `info`."""

    type: OpType
    value: object = None
    """The result; None unless `ok`, and where there is nothing to say."""
    error: str | None = None
    """Why not `ok`."""


Dialogue: TypeAlias = Generator[Call, Response, Completion]
"""Yields calls, is sent the response to each, returns how the operation ended.

A call that failed is raised inside as `CallError`. Let it pass, and the conversation decides what
it means; catch it only to know better.
"""


class Client(Protocol):
    """Knows how operations of a workload are done. Holds no state between operations."""

    def begin(self, op: Op) -> Dialogue:
        """Return the dialogue that does what `op`, an invoke, asks for."""

    def has_effect(self, op: Op) -> bool:
        """Say whether `op` could change the store; one that could not may always `fail`."""


class Conversation:
    """One operation under way: what to call next, or how it ended.

    `start` comes first; then, for every `Call` returned, exactly one of `answered` and `failed`,
    until one of them returns the `Completion`.
    """

    __slots__ = ("_dialogue", "_effect_possible", "_has_effect")

    def __init__(self, client: Client, op: Op) -> None:
        self._dialogue = client.begin(op)
        self._has_effect = client.has_effect(op)
        self._effect_possible = False
        """Whether a call before the last one may have changed the store."""

    def start(self) -> Call | Completion:
        """Return the first call."""
        try:
            return next(self._dialogue)
        except StopIteration as stop:
            return _returned(stop)

    def answered(self, response: Response) -> Call | Completion:
        """Return what follows the response to the last call."""
        self._effect_possible = self._has_effect
        try:
            return self._dialogue.send(response)
        except StopIteration as stop:
            return _returned(stop)

    def failed(self, error: CallError) -> Call | Completion:
        """Return what follows the failure of the last call."""
        try:
            following = self._dialogue.throw(error)
        except StopIteration as stop:
            return _returned(stop)
        except CallError as unhandled:
            return self._ended_by(unhandled)
        if not isinstance(error, DefiniteError):
            self._effect_possible = self._has_effect
        return following

    def close(self) -> None:
        """End the dialogue where it is: nothing will be called or answered any more."""
        self._dialogue.close()

    def _ended_by(self, error: CallError) -> Completion:
        harmless = isinstance(error, DefiniteError) and not self._effect_possible
        outcome = OpType.FAIL if harmless or not self._has_effect else OpType.INFO
        return Completion(outcome, error=str(error))


def _returned(stop: StopIteration) -> Completion:
    completion: object = stop.value
    assert isinstance(completion, Completion), f"a dialogue returned {completion!r}"
    return completion


def refused(error: ApiError) -> CallError:
    """Return the failure of a call that the node answered with an error."""
    kind = DefiniteError if error.definite else IndefiniteError
    return kind(f"{error.code.name}: {error.message}")


def connection_refused() -> CallError:
    """Return the failure of a call that could not be sent: nobody listened there."""
    return DefiniteError("connection refused")


def connection_lost() -> CallError:
    """Return the failure of a call whose connection broke after it may have been sent."""
    return IndefiniteError("connection lost")


def timed_out() -> CallError:
    """Return the failure of a call that was sent and not answered in time."""
    return IndefiniteError("timed out")
