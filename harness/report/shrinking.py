"""What shrinking prints: the sizes before and after, and what is left, in the order of time."""

from collections.abc import Iterator

import msgspec

from harness.case import Case
from harness.shrink.inevitable import Inevitable
from harness.shrink.shrinker import Shrunk, Size
from nemesis.schedule import At
from nodeimpl.ids import MILLISECOND, SECOND


def size_lines(shrunk: Shrunk) -> Iterator[str]:
    """Yield the sizes, and what they cost."""
    yield "        faults  operations  nodes    load"
    yield _size_line("before", shrunk.before)
    yield _size_line("after", shrunk.after)
    end = "nothing more can be left out" if shrunk.is_minimal else "the budget is spent"
    yield f"{shrunk.trials} trials in {shrunk.cpu_seconds:.1f} s of CPU; {end}"


def _size_line(label: str, size: Size) -> str:
    return (
        f"{label:<6} {size.faults:>7} {size.operations:>11} {size.nodes:>6} {size.load_s:>6.2f} s"
    )


def story_lines(case: Case) -> Iterator[str]:
    """Yield the faults and the operations that are left."""
    told: list[tuple[int, str]] = []
    for asked in case.schedule.asked:
        at_ns = asked.moment.at_ns if isinstance(asked.moment, At) else 0
        when = "" if isinstance(asked.moment, At) else f" when {asked.moment.trigger}"
        told.append((at_ns, f"{asked.fault.begins()}{when}"))
    for operation in case.operations or ():
        about = "" if operation.key is None else f" {operation.key}"
        value = (
            "" if operation.value is None else f" {msgspec.json.encode(operation.value).decode()}"
        )
        node = operation.node or "any node"
        words = f"client {operation.thread} asks {node}: {operation.f}{about}{value}"
        told.append((operation.at_ns, words))
    for at_ns, words in sorted(told):
        yield f"  {at_ns / MILLISECOND:10.3f} ms  {words}"
    if case.plan.workload.final_reads:
        yield "  and the final reads"


def inevitable_lines(found: Inevitable) -> Iterator[str]:
    """Yield when the failure became inevitable."""
    yield f"inevitable from {found.at_ns / SECOND:.6f} s on: {found.what}"
    yield (
        f"  with other chance from there on it fails {found.share:.0%} of the time; "
        f"from just before, {found.share_before:.0%}"
    )
