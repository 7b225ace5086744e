"""Clocks of daemons that come and go: what their agent is told."""

import msgspec

from harness.environments.hosts.agent import Agent
from harness.environments.hosts.clocks import HostClocks


class FakeLine:
    """An agent that does everything it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self._answers = [b"{}\n"]

    def send(self, line: bytes) -> None:
        self.told.append(msgspec.json.decode(line, type=dict[str, object]))
        self._answers.append(b'{"ok":{}}\n')

    def receive(self) -> bytes:
        return self._answers.pop(0)

    def close(self) -> None:
        self._answers.clear()


class Host:
    """One node and its agent; `pid` is its daemon."""

    def __init__(self, *clocks: str) -> None:
        self.pid: int | None = 7
        self.line = FakeLine()
        agent = Agent("n1", self.line)
        self.clocks = HostClocks(lambda _: agent, lambda _: self.pid, clocks or ("wall",))

    def said(self, *names: str) -> list[tuple[object, ...]]:
        return [tuple(told.get(name) for name in ("do", *names)) for told in self.line.told]


def test_a_started_daemon_gets_clocks_of_its_own() -> None:
    host = Host()
    host.clocks.started("n1")

    assert host.said("pid") == [("install", 7), ("bend", 7)]


def test_a_change_is_told_of_each_clock_and_keeps_what_else_is_set() -> None:
    host = Host("wall", "monotonic")
    host.clocks.started("n1")
    host.clocks.offset("n1", 5)
    host.clocks.drift("n1", 2.0)

    assert host.said("clock", "offset_ns", "rate")[-2:] == [
        ("bend", "wall", 5, 2.0),
        ("bend", "monotonic", 5, 2.0),
    ]
    assert "verified" in host.clocks.take_note()
    assert host.clocks.take_note() == ""


def test_the_next_daemon_gets_what_was_set_while_the_last_was_down() -> None:
    host = Host()
    host.clocks.started("n1")
    host.pid = None
    host.clocks.strobe("n1", 3.0, 400)
    assert "gets it when it starts" in host.clocks.take_note()
    host.pid = 8
    host.clocks.started("n1")

    assert host.said("pid", "strobe_rate")[-3:] == [
        ("forget", 7, None),
        ("install", 8, None),
        ("bend", 8, 3.0),
    ]


def test_a_daemon_that_ended_at_once_is_left_alone() -> None:
    host = Host()
    host.pid = None
    host.clocks.started("n1")

    assert host.line.told == []
