"""What the faults of links have in common.

The faults of one kind that are in force are imposed anew, as a whole, whenever one begins or
ends. So ending one never heals what another holds, the order in which they began does not
matter, and when none is left the links are as they were. A link that several faults name gets
the strongest of each number, whatever the others do to other links.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TypeVar

from nemesis.fault import Fault, Strike
from nemesis.link_choice import Exactly, LinkChoice, exact_links, resolve_links
from nemesis.surface import Link
from nemesis.targets import Situation

Number = TypeVar("Number", int, float)


def on_exact_links(
    choice: LinkChoice, on_links: Callable[[Exactly], Fault], situation: Situation, random: Random
) -> tuple[Strike, ...]:
    """Return the one explicit fault on the links that `choice` means; none if it means none."""
    links = resolve_links(choice, situation, random)
    return (Strike(on_links(Exactly(tuple(sorted(links))))),) if links else ()


def affected(choices: Iterable[LinkChoice]) -> frozenset[Link]:
    """Return the links that at least one of the explicit `choices` names."""
    return frozenset(link for choice in choices for link in exact_links(choice))


def strongest(choices: Sequence[tuple[LinkChoice, Number]]) -> dict[Link, Number]:
    """Return, for each link that any of the explicit choices names, its greatest number."""
    numbers: dict[Link, Number] = {}
    for choice, number in choices:
        for link in exact_links(choice):
            numbers[link] = max(number, numbers.get(link, number))
    return numbers
