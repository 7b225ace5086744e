"""What settings on links do to single messages."""

from random import Random

import pytest

from harness.environments.peer_proxy.messages import LINK_HEARTBEAT
from harness.environments.peer_proxy.rules import LinkRules
from nemesis.surface import Latency, Link, Reordering

THERE, BACK = ("n1", "n2"), ("n2", "n1")
NOW = 1_000
REPLY = "AppendEntriesReply"


class Wire:
    """Routes numbered messages by the rules; `arrived` has them as they go on, with their times."""

    def __init__(self) -> None:
        self.rules = LinkRules(Random(1))
        self.arrived: list[tuple[int, int]] = []
        self.let_go: list[int] = []

    def send(self, number: int, link: Link = THERE, kind: str = REPLY, now_ns: int = NOW) -> None:
        passages = self.rules.route(now_ns, link, kind, lambda: self.let_go.append(number))
        self.arrived += [(passage.at_ns, number) for passage in passages]

    def release(self, name: str, *, is_reversed: bool = False, is_doubled: bool = False) -> None:
        for send in self.rules.release(name, is_reversed=is_reversed, is_doubled=is_doubled):
            send()


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_without_rules_messages_go_on_at_once(wire: Wire) -> None:
    wire.send(1)

    assert wire.arrived == [(NOW, 1)]


def test_a_cut_is_of_one_direction(wire: Wire) -> None:
    wire.rules.cut(frozenset({THERE}))
    wire.send(1, THERE)
    wire.send(2, BACK)

    assert wire.arrived == [(NOW, 2)]
    assert not wire.rules.are_severed("n1", "n2")


def test_two_nodes_are_severed_by_cuts_of_both_directions(wire: Wire) -> None:
    wire.rules.cut(frozenset({THERE, BACK}))

    assert wire.rules.are_severed("n1", "n2")
    assert wire.rules.are_severed("n2", "n1")
    assert not wire.rules.are_severed("", "n2")


def test_what_keeps_streams_alive_passes_everything(wire: Wire) -> None:
    wire.rules.cut(frozenset({THERE}))
    wire.rules.hold("h", frozenset({THERE}), frozenset(), count_max=9)
    wire.send(1, kind=LINK_HEARTBEAT)

    assert wire.arrived == [(NOW, 1)]


def test_a_setting_replaces_the_one_before(wire: Wire) -> None:
    wire.rules.lose({THERE: 1.0})
    wire.send(1)
    wire.rules.lose({})
    wire.send(2)

    assert wire.arrived == [(NOW, 2)]


def test_messages_are_doubled(wire: Wire) -> None:
    wire.rules.duplicate({THERE: 1.0})
    wire.send(1)

    assert wire.arrived == [(NOW, 1), (NOW, 1)]


def test_delay_keeps_the_order(wire: Wire) -> None:
    wire.rules.delay({THERE: Latency(500, 1_000)})
    for number in range(20):
        wire.send(number, now_ns=NOW + number)

    times = [at_ns for at_ns, _ in wire.arrived]
    assert times == sorted(times)
    assert min(times) >= NOW + 500
    assert len({*times}) > 1


def test_reordering_lets_messages_be_overtaken(wire: Wire) -> None:
    wire.rules.reorder({THERE: Reordering(0.5, 1_000)})
    for number in range(20):
        wire.send(number, now_ns=NOW + number)

    assert sorted(wire.arrived) != wire.arrived
    assert len(wire.arrived) == 20


def test_a_hold_keeps_back_so_many_of_its_kinds(wire: Wire) -> None:
    wire.rules.hold("h", frozenset({THERE}), frozenset({REPLY}), count_max=2)
    wire.send(1)
    wire.send(2, kind="Heartbeat")
    wire.send(3)
    wire.send(4)
    wire.send(5, BACK)

    assert [number for _, number in wire.arrived] == [2, 4, 5]
    wire.release("h")
    assert wire.let_go == [1, 3]


def test_a_hold_ends_in_the_order_that_is_asked_for(wire: Wire) -> None:
    wire.rules.hold("h", frozenset({THERE}), frozenset(), count_max=9)
    wire.send(1)
    wire.send(2)
    wire.release("h", is_reversed=True, is_doubled=True)

    assert wire.let_go == [2, 2, 1, 1]


def test_of_several_holds_the_oldest_with_room_takes_a_message(wire: Wire) -> None:
    wire.rules.hold("old", frozenset({THERE}), frozenset({REPLY}), count_max=1)
    wire.rules.hold("new", frozenset({THERE}), frozenset({REPLY}), count_max=1)
    wire.send(1)
    wire.send(2)
    wire.release("new")

    assert wire.let_go == [2]


def test_a_hold_of_any_kind_blocks_what_is_no_stream(wire: Wire) -> None:
    wire.rules.hold("some", frozenset({BACK}), frozenset({REPLY}), count_max=1)
    wire.rules.hold("any", frozenset({THERE}), frozenset(), count_max=1)

    assert wire.rules.blocks(THERE)
    assert not wire.rules.blocks(BACK)


def test_a_hold_that_is_not_there_lets_nothing_go(wire: Wire) -> None:
    wire.release("never was")

    assert wire.let_go == []
