"""Links between hosts: who is told what, and when."""

import msgspec
import pytest

from harness.environments.hosts.agent import Agent
from harness.environments.hosts.links import HostLinks
from nemesis.host.impairment import Impairment
from nemesis.surface import Latency, Reordering, SurfaceError

ADDRESSES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.3"}


class FakeLine:
    """An agent that does everything, unless it is `broken`, and says that 5 packets met a rule."""

    def __init__(self) -> None:
        self.told: list[dict[str, dict[str, object]]] = []
        self.broken = False
        self._answers = [b"{}\n"]

    def send(self, line: bytes) -> None:
        request = msgspec.json.decode(line, type=dict[str, object])
        self.told.append(msgspec.convert(request["senders"], dict[str, dict[str, object]]))
        met = dict.fromkeys(self.told[-2], 5) if len(self.told) > 1 else {}
        answer: dict[str, object] = {"error": "no rule"} if self.broken else {"ok": met}
        self._answers.append(msgspec.json.encode(answer) + b"\n")

    def receive(self) -> bytes:
        return self._answers.pop(0)

    def close(self) -> None:
        self._answers.clear()


class Hosts:
    """Three hosts, their agents and the links between them."""

    def __init__(self) -> None:
        self.lines = {node: FakeLine() for node in ADDRESSES}
        self.agents: dict[str, Agent] = {
            node: Agent(node, line) for node, line in self.lines.items()
        }
        self.links = HostLinks(ADDRESSES, self.agents.get)

    def told(self, node: str) -> dict[str, dict[str, object]]:
        return self.lines[node].told[-1]


def test_a_limited_rate_is_told_to_the_receiver_until_it_is_lifted() -> None:
    hosts = Hosts()
    hosts.links.limit_rate({("n1", "n2"): 5_000})
    told = hosts.told("n2")
    hosts.links.limit_rate({})

    assert told == {"10.0.0.1": Impairment(rate_bytes=5_000).value()}
    assert hosts.told("n2") == {}
    assert hosts.lines["n1"].told == []


def test_a_directed_cut_is_told_to_its_receiver_alone() -> None:
    hosts = Hosts()
    hosts.links.cut({("n1", "n2")})

    assert hosts.told("n2") == {"10.0.0.1": Impairment(is_cut=True).value()}
    assert hosts.lines["n1"].told == []
    assert hosts.lines["n3"].told == []


def test_all_that_is_wrong_with_a_link_is_told_at_once_and_a_setting_replaces_the_last() -> None:
    hosts = Hosts()
    hosts.links.delay({("n1", "n2"): Latency(delay_ns=7, jitter_ns=3)})
    hosts.links.lose({("n1", "n2"): 0.25})
    hosts.links.duplicate({("n1", "n2"): 0.5})
    hosts.links.reorder({("n1", "n2"): Reordering(probability=0.1, window_ns=9)})
    hosts.links.delay({})

    wanted = Impairment(loss=0.25, duplicate=0.5, reorder=0.1, window_ns=9)
    assert hosts.told("n2") == {"10.0.0.1": wanted.value()}


def test_what_does_not_change_is_not_told_again() -> None:
    hosts = Hosts()
    hosts.links.cut({("n1", "n2")})
    hosts.links.cut({("n1", "n2"), ("n2", "n3")})

    assert len(hosts.lines["n2"].told) == 1
    assert len(hosts.lines["n3"].told) == 1


def test_the_note_says_how_many_packets_were_affected_and_is_taken_once() -> None:
    hosts = Hosts()
    hosts.links.cut({("n1", "n2"), ("n2", "n1")})
    assert "affected" not in hosts.links.take_note()
    hosts.links.cut(set())

    assert "10 packets were affected until then" in hosts.links.take_note()
    assert hosts.links.take_note() == ""


def test_a_host_that_was_down_is_told_when_it_is_back() -> None:
    hosts = Hosts()
    agent = hosts.agents.pop("n2")
    hosts.links.cut({("n1", "n2")})
    hosts.agents["n2"] = agent
    hosts.links.reimpose("n2")

    assert hosts.told("n2") == {"10.0.0.1": Impairment(is_cut=True).value()}


def test_a_failing_agent_is_told_again_and_the_others_stay_in_step() -> None:
    hosts = Hosts()
    hosts.lines["n1"].broken = True
    both = {("n1", "n2"), ("n2", "n1")}
    with pytest.raises(SurfaceError, match="n1: no rule"):
        hosts.links.cut(both)
    hosts.lines["n1"].broken = False
    hosts.links.cut(both)
    hosts.links.cut(set())

    assert len(hosts.lines["n1"].told) == 3
    assert hosts.told("n2") == {}


def test_packets_are_no_messages() -> None:
    links = Hosts().links

    with pytest.raises(SurfaceError, match="know no messages"):
        links.hold("h", {("n1", "n2")}, {"AppendEntries"}, count_max=1)
    assert links.release("h", is_reversed=False, is_doubled=False) == 0
