"""What becomes of single messages on links: the settings of `nemesis.surface.Links`; sans-IO.

One message is routed at a time: it goes on at once, later, twice, or not at all, or is kept back by
a hold. Order is kept on a link unless it is to be broken.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from harness.environments.peer_proxy.messages import LINK_HEARTBEAT
from nemesis.surface import Latency, Link, Reordering

Send: TypeAlias = Callable[[], None]
"""Lets one message go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A message goes on at a time, in nanoseconds."""

    at_ns: int
    send: Send


@dataclass(slots=True, kw_only=True)
class _Hold:
    links: AbstractSet[Link]
    kinds: AbstractSet[str]
    """Empty: any."""
    count_max: int
    kept: dict[Link, list[Send]] = field(default_factory=dict)

    def takes(self, link: Link, kind: str) -> bool:
        return (
            link in self.links
            and (not self.kinds or kind in self.kinds)
            and len(self.kept.get(link, ())) < self.count_max
        )


class LinkRules:
    """All that is set on the links of one cluster."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._cut: AbstractSet[Link] = frozenset()
        self._losses: Mapping[Link, float] = {}
        self._latencies: Mapping[Link, Latency] = {}
        self._doubled: Mapping[Link, float] = {}
        self._reorderings: Mapping[Link, Reordering] = {}
        self._holds: dict[str, _Hold] = {}
        self._last_ns: dict[Link, int] = {}
        """When the last message of a link that keeps its order goes on."""

    # ------------------------------------------------------------ settings
    def cut(self, links: AbstractSet[Link]) -> None:
        """See `Links`."""
        self._cut = links

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """See `Links`."""
        self._losses = probabilities

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """See `Links`."""
        self._latencies = latencies

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """See `Links`."""
        self._doubled = probabilities

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """See `Links`."""
        self._reorderings = reorderings

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """See `Links`."""
        self._holds[name] = _Hold(links=links, kinds=kinds, count_max=count_max)

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> list[Send]:
        """End the hold, and return what it kept back in the order in which it is to go on."""
        hold = self._holds.pop(name, None)
        released: list[Send] = []
        for link in sorted(hold.kept) if hold is not None else ():
            kept = hold.kept[link] if hold is not None else []
            for send in reversed(kept) if is_reversed else kept:
                released.extend([send] * (2 if is_doubled else 1))
        return released

    # ------------------------------------------------------------ what they do
    def is_cut(self, link: Link) -> bool:
        """Say whether nothing passes `link`."""
        return link in self._cut

    def are_severed(self, one: str, other: str) -> bool:
        """Say whether nothing passes between two nodes either way, so that no connection lives."""
        return (one, other) in self._cut and (other, one) in self._cut

    def blocks(self, link: Link) -> bool:
        """Say whether a hold keeps back whatever comes on `link`, of any kind."""
        return any(not hold.kinds and hold.takes(link, "") for hold in self._holds.values())

    def latency_ns(self, link: Link) -> int:
        """Draw how long whatever passes `link` is delayed."""
        latency = self._latencies.get(link)
        if latency is None:
            return 0
        return latency.delay_ns + int(self._random.random() * latency.jitter_ns)

    def route(self, now_ns: int, link: Link, kind: str, send: Send) -> list[Passage]:
        """Return when the message that came at `now_ns` goes on: never, once, or twice."""
        if kind == LINK_HEARTBEAT:
            return [Passage(at_ns=now_ns, send=send)]
        if link in self._cut or self._happens(self._losses.get(link, 0.0)):
            return []
        for hold in self._holds.values():
            if hold.takes(link, kind):
                hold.kept.setdefault(link, []).append(send)
                return []
        passage = Passage(at_ns=self._due_ns(now_ns, link), send=send)
        return [passage] * (2 if self._happens(self._doubled.get(link, 0.0)) else 1)

    def _due_ns(self, now_ns: int, link: Link) -> int:
        due_ns = now_ns + self.latency_ns(link)
        reordering = self._reorderings.get(link)
        if reordering is not None and self._happens(reordering.probability):
            return due_ns + int(self._random.random() * reordering.window_ns)
        due_ns = self._last_ns[link] = max(due_ns, self._last_ns.get(link, 0))
        return due_ns

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability
