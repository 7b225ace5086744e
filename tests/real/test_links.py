"""Links between namespaces of this machine, broken for real."""

import json
import os
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from statistics import median

import pytest

from harness.environments.hosts.agent import Agent, ProcessLine
from harness.environments.hosts.links import HostLinks
from harness.environments.local.namespaces import Namespaces
from nemesis.surface import Latency, Reordering
from tests.real.datagrams import exchange

pytestmark = pytest.mark.real

THERE, BACK = ("n1", "n2"), ("n2", "n1")


class Laboratory:
    """Two nodes in namespaces of their own."""

    def __init__(self) -> None:
        self.network = Namespaces(("n1", "n2"), os.environ)
        self.lines = {
            node: ProcessLine(self.network.entry(node), ["door", node], os.environ)
            for node in ("n1", "n2")
        }
        agents = {node: Agent(node, line) for node, line in self.lines.items()}
        addresses = {node: self.network.address(node) for node in agents}
        self.links = HostLinks(addresses, agents.get)

    def send(self, link: tuple[str, str] = THERE, count: int = 50) -> list[tuple[int, float]]:
        sender, receiver = link
        entries = self.network.entry(sender), self.network.entry(receiver)
        return exchange(*entries, self.network.address(receiver), count)

    def close(self) -> None:
        for line in self.lines.values():
            line.close()
        self.network.close()


@pytest.fixture
def laboratory() -> Iterator[Laboratory]:
    made = Laboratory()
    yield made
    made.close()


def test_a_cut_stops_one_direction_until_it_is_healed(laboratory: Laboratory) -> None:
    laboratory.links.cut({THERE})
    there, back = laboratory.send(THERE), laboratory.send(BACK)
    laboratory.links.cut(set())
    healed = laboratory.send(THERE)

    assert there == []
    assert len(back) == 50
    assert len(healed) == 50


def test_delay_adds_to_every_datagram_and_keeps_their_order(laboratory: Laboratory) -> None:
    laboratory.links.delay({THERE: Latency(delay_ns=30_000_000, jitter_ns=10_000_000)})
    came = laboratory.send()

    assert [number for number, _ in came] == list(range(50))
    assert min(ms for _, ms in came) >= 30.0
    assert median(ms for _, ms in came) < 90.0


def test_loss_takes_a_share(laboratory: Laboratory) -> None:
    laboratory.links.lose({THERE: 0.5})

    assert 50 < len(laboratory.send(count=200)) < 150


def test_datagrams_are_doubled(laboratory: Laboratory) -> None:
    laboratory.links.duplicate({THERE: 1.0})
    came = laboratory.send()

    assert sorted(number for number, _ in came) == sorted(2 * list(range(50)))


def test_datagrams_overtake_one_another(laboratory: Laboratory) -> None:
    laboratory.links.reorder({THERE: Reordering(probability=0.5, window_ns=20_000_000)})
    numbers = [number for number, _ in laboratory.send()]

    assert sorted(numbers) == list(range(50))
    assert numbers != sorted(numbers)


def test_what_is_too_much_for_a_link_waits_for_its_turn(laboratory: Laboratory) -> None:
    laboratory.links.limit_rate({THERE: 2_000})
    came = laboratory.send(count=100)  # 4 kB and more, headers included: 2 s
    laboratory.links.limit_rate({})

    assert [number for number, _ in came] == list(range(100))
    assert came[-1][1] > 500.0


def test_an_agent_that_ends_lets_everything_pass(laboratory: Laboratory) -> None:
    laboratory.links.cut({THERE})
    laboratory.lines["n2"].close()

    assert len(laboratory.send(THERE)) == 50


def test_two_laboratories_stand_side_by_side_and_leave_no_interface(
    laboratory: Laboratory,
) -> None:
    other = Laboratory()
    interface = interface_beside(other.network.address("n1"))
    other.links.cut({THERE})
    apart = laboratory.send(THERE)
    other.close()

    assert len(apart) == 50
    assert interface not in interfaces().values()


def interface_beside(address: str) -> str:
    """Return the harness's own interface in the network of a node."""
    return interfaces()[IPv4Network(f"{address}/24", strict=False)]


def interfaces() -> dict[IPv4Network, str]:
    """Return the interfaces outside namespaces, by their network; others' come and go."""
    told = subprocess.run(
        ["ip", "-json", "-4", "address"],  # noqa: S607 - the system's own
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return {
        IPv4Network(f"{each['local']}/{each['prefixlen']}", strict=False): interface["ifname"]
        for interface in json.loads(told)
        for each in interface["addr_info"]
    }
