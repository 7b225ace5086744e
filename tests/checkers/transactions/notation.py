"""Short histories of transactions, as Elle's tests write them.

`ax1` appends 1 to x, `rx12` reads x as the list 1 2, `rx` reads nothing; over registers, `wx1`
writes 1 to x and `rx1` reads it. Elements are digits. A transaction that ends in `!` failed, one
that ends in `?` is of unknown outcome.
"""

from collections.abc import Sequence

from checkers.history import History, Op, OpType

_OUTCOMES = {"!": OpType.FAIL, "?": OpType.INFO}


def lists(text: str) -> list[list[object]]:
    """Return the micro-operations of a transaction over lists."""
    return [_step(token, over_lists=True) for token in text.split()]


def registers(text: str) -> list[list[object]]:
    """Return the micro-operations of a transaction over registers."""
    return [_step(token, over_lists=False) for token in text.split()]


def _step(token: str, *, over_lists: bool) -> list[object]:
    f, key, digits = token[0], token[1], [int(digit) for digit in token[2:]]
    if f == "a":
        return ["append", key, digits[0]]
    if f == "w":
        return ["w", key, digits[0] if digits else None]
    if over_lists:
        return ["r", key, digits or None]
    return ["r", key, digits[0] if digits else None]


def at_once(*texts: str, over_lists: bool = True) -> History:
    """Return the history in which all these were in flight together, each by a process."""
    places = range(len(texts))
    return _history(texts, [*((p, p, 0) for p in places), *((p, p, 1) for p in places)], over_lists)


def in_turn(*texts: str, processes: Sequence[int] = (), over_lists: bool = True) -> History:
    """Return the history in which each returned before the next began.

    By a process each, unless `processes` names them.
    """
    order = []
    for place in range(len(texts)):
        process = processes[place] if processes else place
        order += [(place, process, 0), (place, process, 1)]
    return _history(texts, order, over_lists)


def interleaved(order: str, *texts: str, over_lists: bool = True) -> History:
    """Return the history in which calls and returns come as in `order`.

    A letter is a transaction, from `a` on: first its call, then its return. All letters that are
    equal but for case are of one process: `a` and `A`.
    """
    moments: list[tuple[int, int, int]] = []
    called: list[str] = []
    letters = list(dict.fromkeys(order))
    for letter in order:
        moments.append((letters.index(letter), ord(letter.lower()), letter in called))
        called.append(letter)
    return _history(texts, moments, over_lists)


def _history(
    texts: Sequence[str],
    moments: Sequence[tuple[int, int, int]],
    over_lists: bool,  # noqa: FBT001
) -> History:
    ops: list[Op] = []
    for index, (place, process, is_return) in enumerate(moments):
        text = texts[place]
        outcome = _OUTCOMES.get(text[-1], OpType.OK)
        answer = lists(text.rstrip("!?")) if over_lists else registers(text.rstrip("!?"))
        asked = [[step[0], step[1], None if step[0] == "r" else step[2]] for step in answer]
        is_ok = is_return and outcome is OpType.OK
        ops.append(
            Op(
                index=index,
                time=index,
                process=process,
                type=outcome if is_return else OpType.INVOKE,
                f="txn",
                value=answer if is_ok else asked,
            )
        )
    return History(ops)
