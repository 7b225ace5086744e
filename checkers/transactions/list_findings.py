"""What is wrong with one list, whatever the order of transactions.

Reads that are aborted, intermediate, garbage, duplicate, incompatible or from the future; updates
that are dirty or lost.
"""

from collections.abc import Hashable, Iterator
from itertools import islice

from checkers.transactions.anomalies import Finding
from checkers.transactions.appended_list import NOBODY, AppendedList, Elements
from checkers.transactions.transactions import Transactions, shown


def findings_of(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    """Yield at most one finding of each kind."""
    finders = (
        _duplicate,
        _out_of_order,
        _incompatible,
        _garbage,
        _aborted,
        _intermediate,
        _dirty_update,
        _lost_update,
        _future_read,
    )
    for find in finders:
        yield from find(appended, transactions)


def _suspects(appended: AppendedList) -> Iterator[tuple[int, Elements]]:
    """Yield reads among which every element that was ever read occurs, longest prefixes first."""
    yield from appended.misfits
    yield from islice(_longest(appended), 1)


def _longest(appended: AppendedList) -> Iterator[tuple[int, Elements]]:
    for number, elements in appended.all_reads():
        if elements == appended.longest:
            yield number, elements


def _read(transactions: Transactions, number: int, appended: AppendedList, seen: Elements) -> str:
    return f"op {transactions.call[number]} read {shown(appended.key)} as {shown(seen)}"


def _duplicate(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    if not appended.misfits and not appended.counts:
        return
    for number, elements in _suspects(appended):
        if len(dict.fromkeys(elements)) < len(elements):
            twice = next(e for e in elements if elements.count(e) > 1)
            what = _read(transactions, number, appended, elements)
            times = elements.count(twice)
            story = f"{what}, with {shown(twice)}, which was appended once, {times} times"
            yield Finding("duplicate-elements", (number,), story)
            return


def _incompatible(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    for number, elements in appended.misfits:
        if len(dict.fromkeys(elements)) < len(elements):
            continue
        other, _ = next(_longest(appended))
        one = _read(transactions, number, appended, elements)
        two = _read(transactions, other, appended, appended.longest)
        yield Finding(
            "incompatible-order",
            tuple(sorted({number, other})),
            f"{one} and {two}: neither list is the beginning of the other",
        )
        return


def _out_of_order(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    """Find a transaction whose own appends were read in another order, or a later one alone."""
    own: dict[int, Elements] = {number: [] for number in appended.intermediate.values()}
    for element, number in appended.writer.items() if own else ():
        if number in own:
            own[number].append(element)
    place = {element: index for index, element in enumerate(appended.order if own else ())}
    for number, elements in own.items():
        seen = sorted((element for element in elements if element in place), key=place.__getitem__)
        if seen != elements[: len(seen)]:
            reader, _ = next(_longest(appended))
            what = _read(transactions, reader, appended, appended.longest)
            wrote = f"op {transactions.call[number]} appended {shown(elements)}, in this order"
            story = f"{wrote}; {what}, with {shown(seen)} of them"
            yield Finding("incompatible-order", tuple(sorted({number, reader})), story)
            return


def _garbage(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    if not appended.misfits and appended.writer.keys() >= frozenset(appended.order):
        return
    for number, elements in _suspects(appended):
        for element in elements:
            if element not in appended.writer and element not in appended.failed:
                what = _read(transactions, number, appended, elements)
                story = f"{what}, with {shown(element)}, which nobody ever appended"
                yield Finding("garbage-read", (number,), story)
                return


def _aborted(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    if not appended.failed:
        return
    for number, elements in _suspects(appended):
        for element in elements:
            if element in appended.failed:
                what = _read(transactions, number, appended, elements)
                failed = appended.failed[element].call
                story = f"{what}, with {shown(element)}, which op {failed} appended, which failed"
                yield Finding("G1a", (number,), story)
                return


def _intermediate(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    if not appended.intermediate:
        return
    for number, elements in appended.reads:
        last = elements[-1] if elements else None
        writer = appended.intermediate.get(last, number)
        if elements and writer != number:
            what = _read(transactions, number, appended, elements)
            story = (
                f"{what}, which ends in {shown(last)}; op {transactions.call[writer]} appended that"
                " and, in the same transaction, more"
            )
            yield Finding("G1b", tuple(sorted((number, writer))), story)
            return


def _dirty_update(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    """Find a failed append that others were built on; unknown ones between say nothing."""
    failed: Hashable = None
    for element in appended.order if appended.failed else ():
        number = appended.writer.get(element)
        if element in appended.failed:
            failed = element
        elif number is not None and transactions.is_ok(number):
            if failed is not None:
                story = (
                    f"op {transactions.call[number]} appended {shown(element)} to"
                    f" {shown(appended.key)} after {shown(failed)}, which op"
                    f" {appended.failed[failed].call} appended, which failed"
                )
                yield Finding("dirty-update", (number,), story)
                return
            failed = None


def _lost_update(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    """Find two that read the same version and both appended to it (Bailis et al. 2013)."""
    by_length: dict[int, tuple[int, Elements]] = {}
    for number, elements in appended.updates:
        other, seen = by_length.setdefault(len(elements), (number, elements))
        if other != number and seen == elements:
            story = (
                f"op {transactions.call[other]} and op {transactions.call[number]} both read"
                f" {shown(appended.key)} as {shown(elements)}, and then both appended to it"
            )
            yield Finding("lost-update", (other, number), story)
            return


def _future_read(appended: AppendedList, transactions: Transactions) -> Iterator[Finding]:
    """Find a read of what the same transaction appends only afterwards."""
    first: dict[int, int] = {}
    for place, element in enumerate(appended.order):
        first.setdefault(appended.writer.get(element, NOBODY), place)
    for number, elements in appended.updates:
        if first.get(number, len(elements)) < len(elements) and appended.is_prefix(elements):
            what = _read(transactions, number, appended, elements)
            own = shown(appended.order[first[number]])
            story = f"{what}, which holds {own}; it appended that only afterwards"
            yield Finding("future-read", (number,), story)
            return
