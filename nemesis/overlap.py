"""What several faults of links do together.

The faults of one kind that are in force are imposed anew, as a whole, whenever one begins
or ends. So ending one never heals what another holds, the order in which they began does
not matter, and when none is left the links are as they were.

A link is affected as long as any fault names it. `nemesis.surface.Links` knows one setting
per kind, not per link; so while faults of different strength overlap, every link that any
of them names gets the strongest of each number. Generated schedules avoid that overlap.
"""

from collections.abc import Iterable
from typing import TypeVar, assert_never

from nemesis.fault import Delay, Duplicate, Exactly, LinkFault, Lose, Partition, Reorder
from nemesis.surface import Link, Links

K = TypeVar("K", Partition, Lose, Delay, Duplicate, Reorder)


def impose(links: Links, changed: LinkFault, in_force: Iterable[LinkFault]) -> None:
    """Set `links` to what the faults in force of the kind of `changed` amount to.

    All must be explicit; `changed` itself counts only if it is among `in_force`. Raises
    `SurfaceError` if the environment cannot.
    """
    match changed:
        case Partition():
            links.cut(affected(only(Partition, in_force)))
        case Lose():
            losses = only(Lose, in_force)
            links.lose(affected(losses), max((fault.probability for fault in losses), default=0.0))
        case Delay():
            delays = only(Delay, in_force)
            links.delay(
                affected(delays),
                max((fault.latency_ns for fault in delays), default=0),
                max((fault.jitter_ns for fault in delays), default=0),
            )
        case Duplicate():
            doubles = only(Duplicate, in_force)
            probability = max((fault.probability for fault in doubles), default=0.0)
            links.duplicate(affected(doubles), probability)
        case Reorder():
            reorders = only(Reorder, in_force)
            links.reorder(
                affected(reorders),
                max((fault.probability for fault in reorders), default=0.0),
                max((fault.window_ns for fault in reorders), default=0),
            )
        case _:
            assert_never(changed)


def affected(faults: Iterable[LinkFault]) -> frozenset[Link]:
    """Return the links that at least one of the explicit `faults` names."""
    return frozenset(link for fault in faults for link in exact_links(fault))


def exact_links(fault: LinkFault) -> tuple[Link, ...]:
    """Return the links of an explicit fault."""
    assert isinstance(fault.links, Exactly), "only explicit faults are in force"
    return fault.links.links


def only(kind: type[K], faults: Iterable[LinkFault]) -> list[K]:
    """Return the faults of one kind, in their order."""
    return [fault for fault in faults if isinstance(fault, kind)]
