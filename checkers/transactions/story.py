"""A cycle told in words, and drawn."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from checkers.transactions.anomalies import Cycle
from checkers.transactions.cycles import Step
from checkers.transactions.graph import ORDER, REALTIME, RW, WR, WW
from checkers.transactions.inference import Inference
from checkers.transactions.transactions import described

LINE_MAX: Final = 110
"""Columns of a story; a cycle that is wider is not drawn."""


def names_of(steps: Sequence[Step]) -> dict[int, str]:
    """Return T1, T2, ... for the transactions of a cycle, in its order."""
    return {step.before: f"T{place}" for place, step in enumerate(steps, start=1)}


def cycle_lines(cycle: Cycle, inference: Inference) -> list[str]:
    """Return the transactions of `cycle`, why each comes before the next, and a drawing."""
    names = names_of(cycle.steps)
    lines = [_transaction(number, name, inference) for number, name in names.items()]
    lines.append("")
    for place, step in enumerate(cycle.steps):
        is_last = place == len(cycle.steps) - 1
        start = "" if not place else "But then " if is_last else "Then "
        before, after = names[step.before], names[step.after]
        lines += wrapped(
            f"{start}{before} must come before {after}, because {reason(step, names, inference)}"
            + ("; that is a circle." if is_last else ".")
        )
    drawing = _drawing(cycle.steps, names)
    if len(drawing[0]) <= LINE_MAX:
        lines += ["", *drawing]
    return lines


def wrapped(sentence: str) -> list[str]:
    """Return `sentence` in lines that are not too long."""
    return textwrap.wrap(sentence, LINE_MAX, subsequent_indent="  ", break_on_hyphens=False)


def reason(step: Step, names: Mapping[int, str], inference: Inference) -> str:
    """Return why `step.before` must come before `step.after`."""
    if step.kind & (WW | WR | RW | ORDER):
        return inference.because(step, names)
    operations = inference.transactions.operations
    before, after = operations[step.before], operations[step.after]
    first, second = names[step.before], names[step.after]
    if step.kind & REALTIME:
        return f"{first} had returned (op {before.ret}) before {second} began (op {after.call})"
    return f"process {before.process} did {first} and, later, {second}"


def kind_in_words(kind: int) -> str:
    """Return the name of a kind of edge."""
    for bit, name in ((WW, "ww"), (WR, "wr"), (RW, "rw"), (ORDER, "ww"), (REALTIME, "realtime")):
        if kind & bit:
            return name
    return "process"


def _transaction(number: int, name: str, inference: Inference) -> str:
    transactions = inference.transactions
    operation = transactions.operations[number]
    ret = "never answered" if operation.ret is None else f"op {operation.ret}"
    line = (
        f"{name} (process {operation.process}, op {operation.call} to {ret}): "
        f"{described(transactions.micro_ops[number])}"
    )
    return line if len(line) <= LINE_MAX else f"{line[: LINE_MAX - 4]} ..."


def _drawing(steps: Sequence[Step], names: Mapping[int, str]) -> list[str]:
    """Return the cycle as a row of transactions, and the way back below it.

    T1 --ww--> T2 --wr--> T3
    ^                      |
    +---------rw-----------+
    """
    row = names[steps[0].before]
    for step in steps[:-1]:
        row += f" --{kind_in_words(step.kind)}--> {names[step.after]}"
    width = len(row)
    back = kind_in_words(steps[-1].kind)
    return [
        row,
        "^" + "|".rjust(width - 1),
        f"+{back.center(width - 2, '-')}+",
    ]
