"""The edge: a kv history parsed into what is known to have happened and what may have."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from checkers.history import History, Operation, OpType
from checkers.linearizability.revisions.operations import (
    COMPACTED,
    FUTURE_REVISION,
    OTHERS,
    Known,
    Parsed,
    Unknown,
    seen_by,
    steps_in,
    steps_of,
)
from checkers.models.etcd_api import (
    Put,
    Read,
    ReadResult,
    Request,
    Revoke,
    Txn,
    has_effect,
    parse_request,
    parse_response,
)

_GRANT: Final = "lease-grant"
_SILENT: Final = frozenset(
    {
        "lease-keep-alive",
        "lease-time-to-live",
        "leases",
        "member-list",
        "member-update",
        "defragment",
    }
)
"""Operations on leases and members, and on a node's files, that write no key."""
_REFUSED: Final = frozenset({COMPACTED, FUTURE_REVISION})


class UnreadableOperationError(ValueError):
    """The operation invoked at `call` is not in the shape of a kv history."""

    def __init__(self, call: int, message: str) -> None:
        super().__init__(f"operation {call}: {message}")
        self.call = call


@dataclass(frozen=True, slots=True)
class _Leases:
    """What a history says of leases that concerns their keys."""

    grants: dict[int, list[int]] = field(default_factory=dict)
    """By lease, the moments of the calls that granted it, or may have."""
    puts: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    """By lease, the keys that were put on it, or may have been, and the moments of the calls."""


def parse(history: History) -> Parsed:
    """Return the operations of `history`, without those that failed and reads nobody answered.

    Raises `UnreadableOperationError` at the first that is not etcd's.
    """
    parsed, leases = Parsed([], [], [], [], [], {}), _Leases()
    for operation in history.operations():
        if operation.f in OTHERS:
            parsed.others.append(operation)
        if operation.outcome is OpType.FAIL:
            if operation.error in _REFUSED:
                parsed.refused.append(operation)
        elif operation.f not in OTHERS and operation.f not in _SILENT:
            try:
                _parse_operation(operation, parsed, leases)
            except msgspec.ValidationError as error:
                raise UnreadableOperationError(operation.call, str(error)) from error
    if leases.puts:
        _add_endings(parsed, leases)
    return parsed


def _parse_operation(operation: Operation, parsed: Parsed, leases: _Leases) -> None:
    if operation.f == _GRANT:
        _parse_grant(operation, leases)
        return
    invoke, completion = operation.invoke, operation.completion
    request = parse_request(invoke.f, invoke.value)
    _note_leased(request, invoke.index, leases)
    if completion is None or completion.type is not OpType.OK:
        if not isinstance(request, Read):
            parsed.unknown.append(Unknown(invoke.index, request))
        return
    response = parse_response(request, completion.value)
    revision, result = response.revision, response.result
    slot = request.revision if isinstance(request, Read) and request.revision > 0 else revision
    wrote = has_effect(result)
    known = Known(
        invoke.index, completion.index, invoke.process, revision, slot, wrote, request, result
    )
    parsed.known.append(known)
    if isinstance(request, Txn):
        parsed.old_reads.extend(_old_reads(known))


class _Lease(msgspec.Struct):
    id: int = 0
    """0 in a request: the store chooses."""


def _parse_grant(operation: Operation, leases: _Leases) -> None:
    """Note a grant. One of unknown outcome whose id the store was to choose can have no keys."""
    done = operation.outcome is OpType.OK
    lease = msgspec.convert(operation.result if done else operation.value, _Lease).id
    if lease:
        leases.grants.setdefault(lease, []).append(operation.call)


def _note_leased(request: Request, call: int, leases: _Leases) -> None:
    if isinstance(request, Put):
        if request.lease:
            leases.puts.setdefault(request.lease, []).append((request.key, call))
    elif isinstance(request, Txn):
        for step in steps_in(request):
            if isinstance(step, Put):
                _note_leased(step, call, leases)


def _add_endings(parsed: Parsed, leases: _Leases) -> None:
    """Add to the unknown writes that leases may have ended, and taken their keys with them.

    A lease that was granted ends once at most without anybody's asking: one synthetic revocation
    for each grant, at any moment after its call. Of a lease that nobody granted in this history,
    each end that matters must follow a put of its own: one for each.

    A revocation that was answered made the revision of its answer, or none: what it may have made
    is unknown, too, but bound to that revision, unless an answered write claims it.
    """
    for lease, puts in sorted(leases.puts.items()):
        calls = leases.grants.get(lease) or [call for _, call in puts]
        parsed.unknown.extend(Unknown(call, Revoke(lease)) for call in calls)
        parsed.leased[lease] = sorted({key for key, _ in puts})
    written = {known.revision for known in parsed.known if known.wrote}
    parsed.unknown.extend(
        Unknown(known.call, known.request, known.revision)
        for known in parsed.known
        if isinstance(known.request, Revoke) and known.revision not in written
    )


def _old_reads(txn: Known) -> Iterator[Known]:
    for step, result in steps_of(txn):
        if isinstance(step, Read) and isinstance(result, ReadResult) and step.revision > 0:
            yield seen_by(txn, step, result, step.revision)
