"""Links between nodes: each directed link delays, loses, repeats, reorders, or is cut.

A link behaves like one TCP connection unless told to reorder: what is sent first arrives first.
Every link draws from two streams of its own, one for the delays of a healthy link and one for all
that faults do to it. So a fault leaves the delays of what it spares as they were.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random
from typing import Final, get_args

from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.streams import Streams
from nemesis.surface import Latency, Link, Reordering, SurfaceError
from nodeimpl.raft.messages import Message

Deliver = Callable[[str, str, Message], None]
"""Called with (sender, receiver, message) when a message arrives."""

MESSAGE_KINDS: Final = tuple(kind.__name__ for kind in get_args(Message))
"""What schedules call the messages: the names of the Raft paper."""


class _HeldBack:
    """What one hold keeps back on one link."""

    __slots__ = ("kinds", "messages", "room")

    def __init__(self, kinds: AbstractSet[str], room: int) -> None:
        self.kinds = kinds
        self.room = room
        """How many more messages it takes."""
        self.messages: list[Message] = []

    def takes(self, message: Message) -> bool:
        """Keep `message` back if it is one to keep; say whether it was."""
        is_meant = not self.kinds or type(message).__name__ in self.kinds
        if not is_meant or self.room == 0:
            return False
        self.room -= 1
        self.messages.append(message)
        return True


class _DirectedLink:
    """The state of one directed link."""

    __slots__ = (
        "cut",
        "delay_ns",
        "delays",
        "duplicate",
        "fates",
        "holds",
        "is_troubled",
        "jitter_ns",
        "last_arrival",
        "loss",
        "receiver",
        "reorder",
        "reorder_window_ns",
        "sender",
    )

    def __init__(
        self,
        name: Link,
        *,
        delays: Random,
        fates: Random,
        loss: float,
        duplicate: float,
    ) -> None:
        self.sender, self.receiver = name
        self.delays = delays
        self.fates = fates
        self.last_arrival: int | None = None
        """When the last message in the queue arrives; None before the first."""
        self.cut = False
        self.holds: dict[str, _HeldBack] = {}
        """By the hold's name, the oldest first."""
        self.loss = loss
        self.duplicate = duplicate
        self.reorder = 0.0
        self.reorder_window_ns = 0
        self.delay_ns = 0
        self.jitter_ns = 0
        self.is_troubled = False
        """Whether anything but the ordinary delay can happen to a message; see `look`."""
        self.look()

    def look(self) -> None:
        """Notice what is wrong, so that a message on a sound link need not ask. After changes."""
        self.is_troubled = bool(
            self.cut
            or self.loss
            or self.duplicate
            or self.reorder
            or self.delay_ns
            or self.jitter_ns
        )


@dataclass(slots=True)
class NetworkCounts:
    """How many messages met which fate."""

    sent: int = 0
    delivered: int = 0
    cut: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    held: int = 0
    """Kept back for a time; what becomes of them then is counted besides."""


_NO_LATENCY: Final = Latency(0, 0)
_NO_REORDERING: Final = Reordering(0.0, 0)


class SimulatedNetwork:
    """All links between the named nodes; implements `nemesis.surface.Links`."""

    knows_messages: Final = True

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
        self._streams = streams
        self._links: dict[Link, _DirectedLink] = {}
        for source in nodes:
            for target in nodes:
                if source != target:
                    self._add_link((source, target))

    def join(self, node: str, others: Iterable[str]) -> None:
        """Link a new node with `others`, both ways."""
        for other in others:
            self._add_link((node, other))
            self._add_link((other, node))

    def _add_link(self, name: Link) -> None:
        source, target = name
        self._links[name] = _DirectedLink(
            name,
            delays=self._streams.named(f"network/{source}>{target}"),
            fates=self._streams.named(f"network/{source}>{target}/fates"),
            loss=self._loss,
            duplicate=self._duplicate,
        )

    def send(self, sender: str, receiver: str, message: Message) -> None:
        """Take `message` to `receiver`, or not, as the link decides."""
        counts = self.counts
        counts.sent += 1
        link = self._links[sender, receiver]
        # Drawn whatever happens, so that the next message's delay does not depend on this one's
        # fate.
        delay = self._delay_ns_min + int(link.delays.random() * self._delay_ns_spread)
        if link.holds and any(hold.takes(message) for hold in link.holds.values()):
            counts.held += 1
            return
        if link.is_troubled:
            self._transmit(link, message, delay)
            return
        arrival = self._kernel.now + delay
        if link.last_arrival is not None and link.last_arrival > arrival:
            arrival = link.last_arrival
        link.last_arrival = arrival
        self._kernel.at(arrival, self._arrive, link, message)

    def _transmit(self, link: _DirectedLink, message: Message, delay: int) -> None:
        """Take `message` over a link on which something is wrong."""
        counts = self.counts
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
        self._kernel.at(arrival, self._arrive, link, message)
        if link.duplicate and draw() < link.duplicate:
            counts.duplicated += 1
            again = arrival + 1 + int(draw() * self._delay_ns_spread)
            self._kernel.at(again, self._arrive, link, message)

    def _arrive(self, link: _DirectedLink, message: Message) -> None:
        if link.cut:
            self.counts.cut += 1
            return
        self.counts.delivered += 1
        self._deliver(link.sender, link.receiver, message)

    # ------------------------------------------------------------ nemesis.surface.Links
    def cut(self, links: AbstractSet[Link]) -> None:
        """Drop everything on exactly these links, messages in flight included."""
        for name, link in self._links.items():
            link.cut = name in links
            link.look()

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """Lose messages on exactly these links, and at least as many as configured on any."""
        for name, link in self._links.items():
            link.loss = max(probabilities.get(name, 0.0), self._loss)
            link.look()

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """Add to the delay on exactly these links."""
        for name, link in self._links.items():
            latency = latencies.get(name, _NO_LATENCY)
            link.delay_ns, link.jitter_ns = latency.delay_ns, latency.jitter_ns
            link.look()

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """Deliver messages twice on exactly these links, and at least as many as configured."""
        for name, link in self._links.items():
            link.duplicate = max(probabilities.get(name, 0.0), self._duplicate)
            link.look()

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """Let messages on exactly these links arrive late and out of turn."""
        for name, link in self._links.items():
            reordering = reorderings.get(name, _NO_REORDERING)
            link.reorder = reordering.probability
            link.reorder_window_ns = reordering.window_ns
            link.look()

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """Keep back the next messages of these kinds (none named: any), so many on each link."""
        for kind in sorted(kinds):
            if kind not in MESSAGE_KINDS:
                raise SurfaceError(
                    f"no messages are called {kind!r}; there are {', '.join(MESSAGE_KINDS)}"
                )
        for link_name, link in self._links.items():
            if link_name in links:
                assert name not in link.holds, f"hold {name!r} begins twice"
                link.holds[name] = _HeldBack(kinds, count_max)

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> int:
        """End a hold and send what it kept back, as if sent now; return how many messages."""
        count = 0
        for link in self._links.values():
            held = link.holds.pop(name, None)
            if held is None:
                continue
            count += len(held.messages)
            for message in reversed(held.messages) if is_reversed else held.messages:
                for _ in range(2 if is_doubled else 1):
                    self._transmit(link, message, self._released_delay(link))
            if is_doubled:
                self.counts.duplicated += len(held.messages)
        return count

    def _released_delay(self, link: _DirectedLink) -> int:
        """Draw a delay without changing those of the messages sent by themselves."""
        return self._delay_ns_min + int(link.fates.random() * self._delay_ns_spread)
