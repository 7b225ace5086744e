"""The promise that members that have the same revisions have the same content (etcd HashKV)."""

from checkers.history import Operation
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Parsed


def hash_breach(parsed: Parsed) -> Conflict | None:
    """Say which members disagree on the hash of the same revisions.

    Hashes compare only if both the revision hashed and the compacted one are equal.
    """
    first: dict[tuple[int, int], tuple[Operation, int]] = {}
    for operation in parsed.others:
        match operation.result:
            case {"hash": int(value), "compact_revision": int(low), "hash_revision": int(high)}:
                other, held = first.setdefault((low, high), (operation, value))
                if held != value:
                    return Conflict(
                        kind="hashes-differ",
                        story=(
                            other.call,
                            f" got hash {held} from {_member(other)}, but ",
                            operation.call,
                            f" got {value} from {_member(operation)}, both of {low} to {high}",
                        ),
                        revision=high,
                    )
            case _:
                pass
    return None


def _member(operation: Operation) -> str:
    return operation.invoke.node or "a member"
