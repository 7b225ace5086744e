"""What is wrong with one register, whatever the order of transactions.

Reads that are aborted, intermediate, garbage or from the future; lost updates; versions that go
round in a circle.
"""

from collections.abc import Iterator

from checkers.transactions.anomalies import Finding
from checkers.transactions.cycles import components
from checkers.transactions.graph import KIND_BITS, PROCESS, REALTIME
from checkers.transactions.transactions import Transactions, shown
from checkers.transactions.written_register import Version, WrittenRegister


def findings_of(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    """Yield at most one finding of each kind."""
    for find in (_unwritten, _aborted, _intermediate, _future_read, _lost_update):
        yield from find(register, transactions)


def _read(transactions: Transactions, number: int, register: WrittenRegister, v: Version) -> str:
    return f"op {transactions.call[number]} read {shown(register.key)} as {shown(v)}"


def _unwritten(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    for value, readers in register.readers.items():
        if value is not None and value not in register.writer and value not in register.failed:
            what = _read(transactions, readers[0], register, value)
            yield Finding("garbage-read", (readers[0],), f"{what}, which nobody ever wrote")
            return


def _aborted(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    for value in register.failed:
        if value in register.readers:
            number = register.readers[value][0]
            what = _read(transactions, number, register, value)
            failed = register.failed[value].call
            yield Finding("G1a", (number,), f"{what}, which op {failed} wrote, which failed")
            return


def _intermediate(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    for value, writer in register.intermediate.items():
        for number in register.readers.get(value, ()):
            if number != writer:
                what = _read(transactions, number, register, value)
                story = (
                    f"{what}; op {transactions.call[writer]} wrote that and, in the same"
                    " transaction, something else"
                )
                yield Finding("G1b", tuple(sorted((number, writer))), story)
                return


def _future_read(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    for value, readers in register.readers.items():
        if register.writer.get(value) in readers:
            number = register.writer[value]
            what = _read(transactions, number, register, value)
            yield Finding("future-read", (number,), f"{what}; it wrote that only afterwards")
            return


def _lost_update(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    """Find two that read the same version and both replaced it (Bailis et al. 2013)."""
    for value, updates in register.updates.items():
        if len(updates) > 1:
            one, other = updates[:2]
            story = (
                f"op {transactions.call[one]} and op {transactions.call[other]} both read"
                f" {shown(register.key)} as {shown(value)}, and then both replaced it"
            )
            yield Finding("lost-update", (one, other), story)
            return


def cyclic_versions(register: WrittenRegister, transactions: Transactions) -> Iterator[Finding]:
    """Yield versions each of which came before the next, and the last before the first."""
    writers = sorted(dict.fromkeys(register.writer.values()))
    place = {number: index for index, number in enumerate(writers)}
    successors: list[list[int]] = [[] for _ in writers]
    for kind, later in ((1, register.updates), *register.overwritten.items()):
        for value, overwriters in later.items():
            writer = register.writer.get(value)
            if writer is not None:
                successors[place[writer]] += [
                    place[number] << KIND_BITS | kind for number in overwriters if number in place
                ]
    for ending, time in (("", 0), ("-process", PROCESS), ("-realtime", PROCESS | REALTIME)):
        found = components(successors, 1 | time)
        worst = max(found, default=-1)
        if worst >= 0:
            members = [writers[index] for index, root in enumerate(found) if root == worst]
            ops = ", ".join(str(transactions.call[number]) for number in members)
            story = (
                f"what ops {ops} wrote to {shown(register.key)} came each before another of them"
            )
            yield Finding(f"cyclic-versions{ending}", tuple(members), story)
            return
