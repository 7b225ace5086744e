"""Whether transactions fit into one order, by trying all of them."""

from collections.abc import Sequence

from checkers.history import History, Operation, OpType

State = dict[object, object]


def has_serial_order(history: History, *, is_strict: bool) -> bool:
    """Say whether some order of transactions on a single copy gives every answer.

    Those of unknown outcome may be left out. If `is_strict`, what returned before another one was
    asked for must come first.
    """
    operations = [each for each in history.operations() if each.outcome is not OpType.FAIL]
    return _can_finish(operations, {}, is_strict=is_strict)


def _can_finish(left: Sequence[Operation], state: State, *, is_strict: bool) -> bool:
    if all(operation.outcome is OpType.INFO for operation in left):
        return True
    returns = [operation.ret for operation in left if operation.ret is not None]
    for place, operation in enumerate(left):
        if is_strict and operation.call > min(returns):
            continue
        after = _after(operation, state)
        if after is not None and _can_finish(
            [*left[:place], *left[place + 1 :]], after, is_strict=is_strict
        ):
            return True
    return False


def _after(operation: Operation, state: State) -> State | None:
    """Return the state after `operation`; None if it answered something else."""
    is_ok = operation.outcome is OpType.OK
    value = operation.result if is_ok else operation.value
    assert isinstance(value, list)
    after = dict(state)
    for f, key, argument in value:
        held = after.get(key)
        if f == "append":
            after[key] = [*(held if isinstance(held, list) else []), argument]
        elif f == "w":
            after[key] = argument
        elif is_ok and (held or None) != (argument or None):
            return None
    return after


def has_snapshot_schedule(history: History) -> bool:
    """Say whether a store of (generalized) snapshot isolation could give every answer.

    Each transaction reads the state after some number of commits, and commits only if since then
    nobody has committed a write to a key that it writes (Berenson et al. 1995).
    """
    operations = [each for each in history.operations() if each.outcome is not OpType.FAIL]
    return _can_commit(operations, [({}, frozenset())])


def _can_commit(
    left: Sequence[Operation], commits: Sequence[tuple[State, frozenset[object]]]
) -> bool:
    """Say whether all of `left` can commit after `commits`: states, and keys last written."""
    if all(operation.outcome is OpType.INFO for operation in left):
        return True
    for place, operation in enumerate(left):
        keys = frozenset(_written(operation))
        for snapshot in range(len(commits)):
            if any(keys & written for _, written in commits[snapshot + 1 :]):
                continue
            seen = _after(operation, commits[snapshot][0])
            if seen is None:
                continue
            latest = commits[-1][0] | {key: seen[key] for key in keys}
            if _can_commit([*left[:place], *left[place + 1 :]], [*commits, (latest, keys)]):
                return True
    return False


def _written(operation: Operation) -> list[object]:
    assert isinstance(operation.value, list)
    return [key for f, key, _ in operation.value if f != "r"]
