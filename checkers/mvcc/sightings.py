"""What answers show of keys, and how conflicts between two of them are told."""

from collections.abc import Iterator, Sequence
from typing import Final

from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known, Parsed, steps_of
from checkers.models.etcd_api import KeyValue, Read, ReadResult, Result, Simple, Txn

FIRST_REVISION: Final = 1
"""The revision of an empty store, which no write made."""


def is_serializable(operation: Known) -> bool:
    """Return whether a node that lags may have given the answer."""
    return isinstance(operation.request, Read) and operation.request.serializable


def sightings(parsed: Parsed) -> Iterator[tuple[Known, KeyValue, int]]:
    """Yield every key in every answer, with the revision as of which it was answered.

    What is shown without its value is passed over.
    """
    for operation in parsed.known:
        if isinstance(operation.request, Txn):
            for step, result in steps_of(operation):
                for kv in _seen(step, result):
                    slot = step.revision if isinstance(step, Read) and step.revision > 0 else 0
                    yield operation, kv, slot or operation.revision
        elif isinstance(operation.request, Read):
            for kv in _seen(operation.request, operation.result):
                yield operation, kv, operation.slot


def _seen(request: Simple, result: Result) -> Sequence[KeyValue]:
    """Return what was shown whole."""
    if not isinstance(request, Read) or not isinstance(result, ReadResult):
        return ()
    selection = request.selection
    return () if selection is not None and selection.keys_only else result.kvs


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
