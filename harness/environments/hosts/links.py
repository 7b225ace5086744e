"""Links between real hosts, impaired at the receivers' doors by agents there.

Each directed link belongs to its receiver's agent, which is told everything about its links at
once: so a change is one transaction per receiver. A host that is down keeps its settings here,
and gets them when it is back.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from harness.environments.hosts.agent import Agent
from nemesis.host.impairment import Impairment
from nemesis.surface import Latency, Link, Reordering, SurfaceError


class HostLinks:
    """Offers `nemesis.surface.Links`, but for holding single messages, and `Bandwidth`."""

    knows_messages: Final = False

    def __init__(
        self, addresses: Mapping[str, str], agent_of: Callable[[str], Agent | None]
    ) -> None:
        """`addresses` are the hosts'; `agent_of` returns a node's agent, None while it is down."""
        self._addresses = dict(addresses)
        self._agent_of = agent_of
        self._cut: frozenset[Link] = frozenset()
        self._losses: dict[Link, float] = {}
        self._latencies: dict[Link, Latency] = {}
        self._duplicates: dict[Link, float] = {}
        self._reorderings: dict[Link, Reordering] = {}
        self._rates: dict[Link, int] = {}
        self._in_force: dict[str, dict[str, Impairment]] = {}
        """By receiver, what its agent was last told."""
        self._told = ""

    def join(self, node: str, address: str) -> None:
        """Take in the host of a new node, whose links are whole."""
        self._addresses[node] = address

    def cut(self, links: AbstractSet[Link]) -> None:
        """Drop every packet on exactly these links."""
        self._cut = frozenset(links)
        self._impose()

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """Drop packets on exactly these links with these probabilities."""
        self._losses = dict(probabilities)
        self._impose()

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """Delay packets on exactly these links."""
        self._latencies = dict(latencies)
        self._impose()

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """Deliver packets on exactly these links twice."""
        self._duplicates = dict(probabilities)
        self._impose()

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """Let packets on exactly these links be overtaken."""
        self._reorderings = dict(reorderings)
        self._impose()

    def limit_rate(self, rates: Mapping[Link, int]) -> None:
        """Let so many bytes in a second pass on exactly these links."""
        self._rates = dict(rates)
        self._impose()

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """Refuse: a host sees packets, not messages."""
        raise SurfaceError(
            f"hold {name} of {count_max} {' '.join(sorted(kinds)) or 'messages'} on {len(links)} "
            "links: the hosts' links carry packets and know no messages"
        )

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> int:  # noqa: ARG002 - see `hold`
        """Return 0: nothing is ever held."""
        return 0

    def reimpose(self, node: str) -> None:
        """Tell the node's agent, which is new, what it must know."""
        self._in_force.pop(node, None)
        told, self._told = self._told, ""
        self._impose()
        self._told = told

    def take_note(self) -> str:
        """Return what the last change has to tell, once; or an empty text."""
        told, self._told = self._told, ""
        return told

    # ------------------------------------------------------------ agents
    def _impose(self) -> None:
        """Tell every receiver whose links have changed; it has verified them when this returns."""
        began_ns = time.monotonic_ns()
        told: dict[str, Agent] = {}
        for receiver in self._addresses:
            wanted = dict(self._wanted(receiver))
            agent = self._agent_of(receiver)
            if agent is None or wanted == self._in_force.get(receiver, {}):
                continue
            senders = {address: impairment.value() for address, impairment in wanted.items()}
            agent.tell("impose", {"senders": senders})
            told[receiver] = agent
            self._in_force[receiver] = wanted
        met = self._met(told)
        if told:
            took_ms = (time.monotonic_ns() - began_ns) / 1e6
            affected = f", {met} packets were affected until then" if met else ""
            self._told = f"verified after {took_ms:.0f} ms{affected}"

    def _wanted(self, receiver: str) -> Iterable[tuple[str, Impairment]]:
        for sender, address in self._addresses.items():
            link = (sender, receiver)
            latency = self._latencies.get(link, Latency(delay_ns=0, jitter_ns=0))
            reordering = self._reorderings.get(link, Reordering(probability=0.0, window_ns=0))
            impairment = Impairment(
                is_cut=link in self._cut,
                loss=self._losses.get(link, 0.0),
                delay_ns=latency.delay_ns,
                jitter_ns=latency.jitter_ns,
                duplicate=self._duplicates.get(link, 0.0),
                reorder=reordering.probability,
                window_ns=reordering.window_ns,
                rate_bytes=self._rates.get(link, 0),
            )
            if not impairment.is_none:
                yield address, impairment

    def _met(self, told: Mapping[str, Agent]) -> int:
        """Return how many packets met the rules that these receivers' agents have replaced.

        Every agent is listened to, even if one fails; what it was told is not in force then.
        """
        met = 0
        failures: list[SurfaceError] = []
        for receiver, agent in told.items():
            try:
                met += sum(msgspec.convert(agent.answer(), dict[str, int]).values())
            except SurfaceError as failure:
                self._in_force.pop(receiver)
                failures.append(failure)
        if failures:
            raise failures[0]
        return met
