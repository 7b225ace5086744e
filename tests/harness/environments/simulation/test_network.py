"""Links: delays, order, and what each fault does to exactly the links it names."""

from collections.abc import Callable

import pytest

from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.network import SimulatedNetwork
from harness.environments.simulation.streams import Streams
from nemesis.surface import Latency, Reordering, SurfaceError
from nodeimpl.ids import RequestId, Term
from nodeimpl.raft.messages import Message, ReadIndex

NODES = ("n1", "n2", "n3")
THERE = frozenset({("n1", "n2")})


class Wire:
    """A network with a log of arrivals: (when, sender, receiver, number)."""

    def __init__(
        self, *, loss: float = 0.0, duplicate: float = 0.0, start: int = 0, seed: int = 1
    ) -> None:
        self.kernel = Kernel(start=start, events_max=100_000, instant_events_max=10_000)
        self.arrivals: list[tuple[int, str, str, int]] = []
        self.network = SimulatedNetwork(
            self.kernel,
            Streams(seed),
            NODES,
            self.arrive,
            delay_ns_min=500,
            delay_ns_max=1_500,
            loss=loss,
            duplicate=duplicate,
        )

    def arrive(self, sender: str, receiver: str, message: Message) -> None:
        assert isinstance(message, ReadIndex)
        self.arrivals.append((self.kernel.now, sender, receiver, message.request_id))

    def send(self, number: int, sender: str = "n1", receiver: str = "n2") -> None:
        self.network.send(sender, receiver, ReadIndex(Term(1), RequestId(number)))

    def send_many(self, count: int, *, every_ns: int = 100) -> None:
        for number in range(count):
            self.kernel.at(self.kernel.now + number * every_ns, self.send, number)
        self.kernel.run(self.kernel.now + 1_000_000)

    @property
    def numbers(self) -> list[int]:
        return [number for *_, number in self.arrivals]


def test_a_message_arrives_after_a_delay_in_the_range() -> None:
    wire = Wire()
    wire.send(7)
    wire.kernel.run(10_000)
    [(when, *rest)] = wire.arrivals
    assert 500 <= when <= 1_500
    assert rest == ["n1", "n2", 7]


def test_a_link_keeps_the_order_of_its_messages() -> None:
    wire = Wire()
    wire.send_many(300)
    assert wire.numbers == list(range(300))


def test_messages_arrive_before_virtual_time_0_too() -> None:
    wire = Wire(start=-1_000_000)
    wire.send(7)
    wire.kernel.run(-900_000)
    assert wire.numbers == [7]


def test_links_do_not_wait_for_one_another() -> None:
    wire = Wire()
    wire.network.delay(dict.fromkeys(THERE, Latency(1_000_000, 0)))
    wire.send(1, "n1", "n2")
    wire.send(2, "n1", "n3")
    wire.send(3, "n2", "n1")
    wire.kernel.run(2_000_000)
    assert sorted(wire.numbers[:2]) == [2, 3]
    assert wire.numbers[2] == 1


def test_a_cut_link_drops_what_is_sent_and_only_there() -> None:
    wire = Wire()
    wire.network.cut(THERE)
    wire.send(1, "n1", "n2")
    wire.send(2, "n2", "n1")
    wire.kernel.run(10_000)
    assert wire.numbers == [2]
    assert wire.network.counts.cut == 1


def test_a_cut_drops_what_is_in_flight() -> None:
    wire = Wire()
    wire.send(1)
    wire.network.cut(THERE)
    wire.kernel.run(10_000)
    assert wire.numbers == []
    assert wire.network.counts.cut == 1


def test_a_cut_names_all_links_that_are_cut_from_now_on() -> None:
    wire = Wire()
    wire.network.cut(THERE)
    wire.network.cut(frozenset())
    wire.send(1)
    wire.kernel.run(10_000)
    assert wire.numbers == [1]


def test_certain_loss_loses_everything_and_only_there() -> None:
    wire = Wire()
    wire.network.lose(dict.fromkeys(THERE, 1.0))
    wire.send(1, "n1", "n2")
    wire.send(2, "n2", "n1")
    wire.kernel.run(10_000)
    assert wire.numbers == [2]
    assert wire.network.counts.lost == 1


def test_loss_takes_about_its_share() -> None:
    wire = Wire()
    wire.network.lose(dict.fromkeys(THERE, 0.3))
    wire.send_many(1_000)
    assert 250 <= wire.network.counts.lost <= 350
    assert len(wire.arrivals) == 1_000 - wire.network.counts.lost


def test_a_link_that_no_fault_names_is_as_lossy_as_configured() -> None:
    wire = Wire(loss=1.0)
    wire.network.lose({})
    wire.send(1)
    wire.kernel.run(10_000)
    assert wire.network.counts.lost == 1


def test_a_delay_is_added_to_the_link_s_own() -> None:
    wire = Wire()
    wire.network.delay(dict.fromkeys(THERE, Latency(10_000, 2_000)))
    wire.send(1)
    wire.kernel.run(100_000)
    assert 10_500 <= wire.arrivals[0][0] <= 13_500


def test_what_was_sent_after_a_delay_ended_does_not_overtake() -> None:
    wire = Wire()
    wire.network.delay(dict.fromkeys(THERE, Latency(10_000, 0)))
    wire.send(1)
    wire.network.delay({})
    wire.send(2)
    wire.kernel.run(100_000)
    assert wire.numbers == [1, 2]


def test_a_duplicated_message_arrives_twice_the_second_time_later() -> None:
    wire = Wire()
    wire.network.duplicate(dict.fromkeys(THERE, 1.0))
    wire.send(1)
    wire.kernel.run(100_000)
    assert wire.numbers == [1, 1]
    assert wire.arrivals[0][0] < wire.arrivals[1][0]
    assert wire.network.counts.duplicated == 1


def test_reordering_lets_messages_be_overtaken() -> None:
    wire = Wire()
    wire.network.reorder(dict.fromkeys(THERE, Reordering(0.5, 50_000)))
    wire.send_many(200)
    assert wire.numbers != list(range(200))
    assert sorted(wire.numbers) == list(range(200))
    assert 60 <= wire.network.counts.reordered <= 140


def test_a_link_is_orderly_again_once_the_reordering_has_ended() -> None:
    wire = Wire()
    wire.network.reorder(dict.fromkeys(THERE, Reordering(1.0, 50_000)))
    wire.network.reorder({})
    wire.send_many(100)
    assert wire.numbers == list(range(100))


def arrival_times(disturb: Callable[[SimulatedNetwork], None]) -> dict[int, int]:
    """Return when each of 50 messages, too far apart to queue, arrived."""
    wire = Wire()
    disturb(wire.network)
    wire.send_many(50, every_ns=10_000)
    return {number: when for when, _, _, number in wire.arrivals}


def test_losing_messages_leaves_the_delays_of_the_others_as_they_were() -> None:
    undisturbed = arrival_times(lambda _: None)
    lossy = arrival_times(lambda network: network.lose(dict.fromkeys(THERE, 0.5)))
    assert 0 < len(lossy) < len(undisturbed)
    assert lossy.items() <= undisturbed.items()


def test_a_fault_on_one_link_leaves_the_delays_of_others_as_they_were() -> None:
    other_link = frozenset({("n2", "n3")})
    undisturbed = arrival_times(lambda _: None)
    assert (
        arrival_times(
            lambda network: network.delay(dict.fromkeys(other_link, Latency(9_000, 9_000)))
        )
        == undisturbed
    )


def test_equal_seeds_deliver_alike_and_others_do_not() -> None:
    wires = [Wire(seed=1), Wire(seed=1), Wire(seed=2)]
    for wire in wires:
        wire.network.lose(dict.fromkeys(THERE, 0.2))
        wire.send_many(50)
    assert wires[0].arrivals == wires[1].arrivals != wires[2].arrivals


# ------------------------------------------------------------ holds
def hold(wire: Wire, name: str = "a hold", *kinds: str, count_max: int = 100) -> None:
    wire.network.hold(name, THERE, frozenset(kinds), count_max=count_max)


def release(
    wire: Wire, name: str = "a hold", *, is_reversed: bool = False, is_doubled: bool = False
) -> int:
    count = wire.network.release(name, is_reversed=is_reversed, is_doubled=is_doubled)
    wire.kernel.run(wire.kernel.now + 1_000_000)
    return count


def test_a_held_message_arrives_after_those_that_passed_it() -> None:
    wire = Wire()
    hold(wire, count_max=2)
    wire.send_many(5)
    assert wire.numbers == [2, 3, 4]
    assert release(wire) == 2
    assert wire.numbers == [2, 3, 4, 0, 1]
    assert wire.network.counts.held == 2


def test_held_messages_may_be_let_go_newest_first_and_twice() -> None:
    wire = Wire()
    hold(wire)
    wire.send_many(2)
    release(wire, is_reversed=True, is_doubled=True)
    assert wire.numbers == [1, 1, 0, 0]


def test_only_messages_of_the_kinds_named_are_held() -> None:
    wire = Wire()
    hold(wire, "a hold", "RequestVote")
    wire.send_many(1)
    assert wire.numbers == [0]
    assert release(wire) == 0


def test_other_links_are_not_held() -> None:
    wire = Wire()
    hold(wire)
    wire.send(1, "n2", "n1")
    wire.kernel.run(10_000)
    assert wire.numbers == [1]


def test_the_older_of_two_holds_takes_messages_first() -> None:
    wire = Wire()
    hold(wire, "older", count_max=1)
    hold(wire, "younger", count_max=1)
    wire.send_many(3)
    assert release(wire, "younger") == 1
    assert release(wire, "older") == 1
    assert wire.numbers == [2, 1, 0]


def test_a_message_let_go_on_a_cut_link_is_cut() -> None:
    wire = Wire()
    hold(wire)
    wire.send_many(1)
    wire.network.cut(THERE)
    release(wire)
    assert (wire.numbers, wire.network.counts.cut) == ([], 1)


def test_messages_that_nobody_sends_are_not_held() -> None:
    with pytest.raises(SurfaceError, match="no messages are called 'Gossip'; there are "):
        hold(Wire(), "a hold", "Gossip")


def test_releasing_what_is_not_held_lets_nothing_go() -> None:
    assert release(Wire()) == 0


def test_a_hold_leaves_the_delays_of_later_messages_as_they_were() -> None:
    def with_hold(network: SimulatedNetwork) -> None:
        network.hold("a hold", THERE, frozenset({"RequestVote"}), count_max=1)

    assert arrival_times(with_hold) == arrival_times(lambda _: None)


def test_overlapping_strengths_are_kept_link_by_link() -> None:
    wire = Wire()
    wire.network.lose({("n1", "n2"): 1.0, ("n2", "n1"): 0.0})
    wire.send(1, "n1", "n2")
    wire.send(2, "n2", "n1")
    wire.kernel.run(10_000)
    assert wire.numbers == [2]
