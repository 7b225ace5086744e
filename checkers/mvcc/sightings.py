"""What answers show of keys, and how conflicts between two of them are told."""

from collections.abc import Iterator
from typing import Final

from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known, Parsed, steps_of
from checkers.models.etcd_api import KeyValue, Read, ReadResult, Txn

FIRST_REVISION: Final = 1
"""The revision of an empty store, which no write made."""


def is_serializable(operation: Known) -> bool:
    """Return whether a node that lags may have given the answer."""
    return isinstance(operation.request, Read) and operation.request.serializable


def sightings(parsed: Parsed) -> Iterator[tuple[Known, KeyValue, int]]:
    """Yield every key in every answer, with the revision as of which it was answered."""
    for operation in parsed.known:
        if isinstance(operation.request, Txn):
            for step, result in steps_of(operation):
                if isinstance(step, Read) and isinstance(result, ReadResult):
                    slot = step.revision if step.revision > 0 else operation.revision
                    for kv in result.kvs:
                        yield operation, kv, slot
        elif isinstance(operation.result, ReadResult):
            for kv in operation.result.kvs:
                yield operation, kv, operation.slot


def conflict(kind: str, early: Known, between: str, late: Known) -> Conflict:
    """Return that `early` and `late`, with these words `between` them, contradict one another."""
    return Conflict(
        kind=kind,
        story=(
            early.call,
            f" with revision {early.revision}{between}",
            late.call,
            f" with revision {late.revision}",
        ),
        revision=late.revision,
    )


def saw(operation: Known, kind: str, what: str, revision: int) -> Conflict:
    """Return that what `operation` saw cannot be."""
    return Conflict(kind=kind, story=(operation.call, f" saw {what}"), revision=revision)
