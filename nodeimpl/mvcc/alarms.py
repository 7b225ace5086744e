"""Alarms: what a member found wrong, and what is refused until an operator says all is well.

- NOSPACE: the backend of a member holds more than its quota. Whatever would make stores grow is
  refused: puts, transactions that may put, new leases. Deletes, compactions and reads go on, so
  that room can be made (etcd, etcdserver/apply.go: applierV3Capped).
- CORRUPT: a member's content differs from the others'. No command about keys is carried out, and
  no lease begins or ends (etcd: applierV3Corrupt).

Raising and lifting an alarm are commands, so members agree on what was refused, whatever the size
of each one's own backend.
"""

import struct
from collections.abc import Sequence
from typing import Final

from nodeimpl.api.errors import CORRUPT as CORRUPT_CLUSTER
from nodeimpl.api.errors import NO_SPACE, ApiError
from nodeimpl.api.rpc_pb2 import (
    CORRUPT,
    NONE,
    NOSPACE,
    AlarmMember,
    AlarmRequest,
    AlarmResponse,
    AlarmType,
    CompactionRequest,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseRevokeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.mvcc.commands import Command, ExpireLease
from nodeimpl.mvcc.facts import ALARMS, Facts

_NAME = struct.Struct(">IQ")

_REFUSED_IF_CORRUPT: Final = (
    RangeRequest,
    PutRequest,
    DeleteRangeRequest,
    TxnRequest,
    CompactionRequest,
    LeaseGrantRequest,
    LeaseRevokeRequest,
    ExpireLease,
)


class Alarms:
    """The alarms that are on."""

    __slots__ = ("_facts", "_on")

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._on: list[tuple[int, int]] = sorted(
            _NAME.unpack(name) for name, _ in facts.of_kind(ALARMS)
        )
        """(kind, member)s, ascending."""

    def __bool__(self) -> bool:
        return bool(self._on)

    def is_on(self, kind: AlarmType, member_id: int | None = None) -> bool:
        """Return whether an alarm of this kind is on, for this member if one is named."""
        return any(
            on == kind and (member_id is None or member == member_id) for on, member in self._on
        )

    def of_kind(self, kind: AlarmType) -> list[AlarmMember]:
        """Return the alarms of a kind; NONE stands for every kind (as etcd)."""
        return [
            AlarmMember(memberID=member, alarm=AlarmType.Name(on))
            for on, member in self._on
            if kind in {NONE, on}
        ]

    def activate(self, kind: AlarmType, member_id: int) -> None:
        """Turn an alarm on, if it is not."""
        if not self.is_on(kind, member_id):
            self._on = sorted([*self._on, (kind, member_id)])
            self._facts.put(ALARMS + _NAME.pack(kind, member_id), b"")

    def deactivate(self, kind: AlarmType, member_id: int) -> bool:
        """Turn an alarm off; return whether it was on."""
        if not self.is_on(kind, member_id):
            return False
        self._on.remove((kind, member_id))
        self._facts.remove(ALARMS + _NAME.pack(kind, member_id))
        return True


def apply_alarm(alarms: Alarms, request: AlarmRequest) -> AlarmResponse:
    """Turn an alarm on or off, or list those that are on.

    The answer has the alarms asked for, or the one that was turned on or off, if it was (etcd,
    etcdserver/apply.go: Alarm). What names no kind, or no action, changes nothing.
    """
    response = AlarmResponse()
    kind = request.alarm
    if request.action == AlarmRequest.GET:
        response.alarms.extend(alarms.of_kind(kind))
    elif request.action == AlarmRequest.ACTIVATE and kind != NONE:
        alarms.activate(kind, request.memberID)
        response.alarms.add(memberID=request.memberID, alarm=kind)
    elif request.action == AlarmRequest.DEACTIVATE and alarms.deactivate(kind, request.memberID):
        response.alarms.add(memberID=request.memberID, alarm=kind)
    return response


def alarm_error(alarms: Alarms, command: Command) -> ApiError | None:
    """Return why the alarms forbid to carry out `command`; None if they do not."""
    if isinstance(command, _REFUSED_IF_CORRUPT) and alarms.is_on(CORRUPT):
        return CORRUPT_CLUSTER
    if alarms.is_on(NOSPACE) and makes_grow(command):
        return NO_SPACE
    return None


def makes_grow(command: object) -> bool:
    """Return whether a request can make the store grow: one that puts, or grants a lease.

    Deviation: etcd looks at the puts of a transaction, and not at those of the transactions nested
    in it.
    """
    match command:
        case PutRequest() | LeaseGrantRequest():
            return True
        case TxnRequest():
            return may_put(command.success) or may_put(command.failure)
        case _:
            return False


def may_put(ops: Sequence[RequestOp]) -> bool:
    """Return whether one of the operations puts, or one of a transaction among them may."""
    return any(
        op.HasField("request_put") or (op.HasField("request_txn") and makes_grow(op.request_txn))
        for op in ops
    )
