"""Links between nodes: each directed link delays, loses, repeats, reorders, or is cut.

A link behaves like one TCP connection unless told to reorder: what is sent first arrives first.
Every link draws from two streams of its own, one for the delays of a healthy link and one for all
that faults do to it. So a fault leaves the delays of what it spares as they were.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from random import Random

from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.streams import Streams
from nemesis.surface import Link
from nodeimpl.raft.messages import Message

Deliver = Callable[[str, str, Message], None]
"""Called with (sender, receiver, message) when a message arrives."""


class _DirectedLink:
    """The state of one directed link."""

    __slots__ = (
        "cut",
        "delay_ns",
        "delays",
        "duplicate",
        "fates",
        "jitter_ns",
        "last_arrival",
        "loss",
        "reorder",
        "reorder_window_ns",
    )

    def __init__(self, delays: Random, fates: Random, loss: float, duplicate: float) -> None:
        self.delays = delays
        self.fates = fates
        self.last_arrival: int | None = None
        """When the last message in the queue arrives; None before the first."""
        self.cut = False
        self.loss = loss
        self.duplicate = duplicate
        self.reorder = 0.0
        self.reorder_window_ns = 0
        self.delay_ns = 0
        self.jitter_ns = 0


class NetworkCounts:
    """How many messages met which fate."""

    __slots__ = ("cut", "delivered", "duplicated", "lost", "reordered", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.delivered = 0
        self.cut = 0
        self.lost = 0
        self.duplicated = 0
        self.reordered = 0


class SimulatedNetwork:
    """All links between the named nodes; implements `nemesis.surface.Links`."""

    def __init__(  # noqa: PLR0913 - the range of delays and the loss are one configuration
        self,
        kernel: Kernel,
        streams: Streams,
        nodes: tuple[str, ...],
        deliver: Deliver,
        *,
        delay_ns_min: int,
        delay_ns_max: int,
        loss: float,
        duplicate: float,
    ) -> None:
        self._kernel = kernel
        self._deliver = deliver
        self._delay_ns_min = delay_ns_min
        self._delay_ns_spread = delay_ns_max - delay_ns_min
        self._loss = loss
        self._duplicate = duplicate
        self.counts = NetworkCounts()
        self._links = {
            (source, target): _DirectedLink(
                streams.named(f"network/{source}>{target}"),
                streams.named(f"network/{source}>{target}/fates"),
                loss,
                duplicate,
            )
            for source in nodes
            for target in nodes
            if source != target
        }

    def send(self, sender: str, receiver: str, message: Message) -> None:
        """Take `message` to `receiver`, or not, as the link decides."""
        counts = self.counts
        counts.sent += 1
        link = self._links[sender, receiver]
        # Drawn whatever happens, so that the next message's delay does not depend on this one's
        # fate.
        delay = self._delay_ns_min + int(link.delays.random() * self._delay_ns_spread)
        draw = link.fates.random
        if link.cut:
            counts.cut += 1
            return
        if link.loss and draw() < link.loss:
            counts.lost += 1
            return
        if link.delay_ns or link.jitter_ns:
            delay += link.delay_ns + int(draw() * link.jitter_ns)
        arrival = self._kernel.now + delay
        if link.reorder and draw() < link.reorder:
            counts.reordered += 1
            arrival += int(draw() * link.reorder_window_ns)
        else:
            if link.last_arrival is not None and link.last_arrival > arrival:
                arrival = link.last_arrival
            link.last_arrival = arrival
        self._kernel.at(arrival, self._arrive, sender, receiver, message)
        if link.duplicate and draw() < link.duplicate:
            counts.duplicated += 1
            again = arrival + 1 + int(draw() * self._delay_ns_spread)
            self._kernel.at(again, self._arrive, sender, receiver, message)

    def _arrive(self, sender: str, receiver: str, message: Message) -> None:
        if self._links[sender, receiver].cut:
            self.counts.cut += 1
            return
        self.counts.delivered += 1
        self._deliver(sender, receiver, message)

    # ------------------------------------------------------------ nemesis.surface.Links
    def cut(self, links: AbstractSet[Link]) -> None:
        """Drop everything on exactly these links, messages in flight included."""
        for name, link in self._links.items():
            link.cut = name in links

    def lose(self, links: AbstractSet[Link], probability: float) -> None:
        """Lose messages on exactly these links with `probability`; others as configured."""
        for name, link in self._links.items():
            link.loss = max(probability, self._loss) if name in links else self._loss

    def delay(self, links: AbstractSet[Link], delay_ns: int, jitter_ns: int) -> None:
        """Add to the delay on exactly these links."""
        for name, link in self._links.items():
            link.delay_ns, link.jitter_ns = (delay_ns, jitter_ns) if name in links else (0, 0)

    def duplicate(self, links: AbstractSet[Link], probability: float) -> None:
        """Deliver messages on exactly these links twice with `probability`."""
        for name, link in self._links.items():
            link.duplicate = max(probability, self._duplicate) if name in links else self._duplicate

    def reorder(self, links: AbstractSet[Link], probability: float, window_ns: int) -> None:
        """Let messages on exactly these links arrive late and out of turn."""
        for name, link in self._links.items():
            link.reorder = probability if name in links else 0.0
            link.reorder_window_ns = window_ns if name in links else 0
