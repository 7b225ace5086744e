"""What holds on a link under any mixture of faults."""

from typing import NamedTuple, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.network import SimulatedNetwork
from harness.environments.simulation.streams import Streams
from nemesis.surface import Latency, Reordering
from nodeimpl.ids import RequestId, Term
from nodeimpl.raft.messages import Message, ReadIndex

ALL = frozenset({("n1", "n2"), ("n2", "n1")})
PROBABILITIES = st.sampled_from((0.0, 0.3, 1.0))


class Send(NamedTuple):
    messages: int


class Pass(NamedTuple):
    nanoseconds: int


class Cut(NamedTuple):
    is_cut: bool


class Lose(NamedTuple):
    probability: float


class Delay(NamedTuple):
    delay_ns: int
    jitter_ns: int


class Duplicate(NamedTuple):
    probability: float


class Reorder(NamedTuple):
    probability: float


Orderly: TypeAlias = Send | Pass | Cut | Lose | Delay
Step: TypeAlias = Orderly | Duplicate | Reorder

ORDERLY: st.SearchStrategy[Orderly] = st.one_of(
    st.builds(Send, st.integers(1, 4)),
    st.builds(Pass, st.integers(1, 2_000)),
    st.builds(Cut, st.booleans()),
    st.builds(Lose, PROBABILITIES),
    st.builds(Delay, st.integers(0, 5_000), st.integers(0, 5_000)),
)
ANY: st.SearchStrategy[Step] = st.one_of(
    ORDERLY, st.builds(Duplicate, PROBABILITIES), st.builds(Reorder, PROBABILITIES)
)


class Line:
    """One link from n1 to n2; everything sent over it is numbered."""

    def __init__(self, seed: int) -> None:
        self.kernel = Kernel(start=0, events_max=100_000, instant_events_max=10_000)
        self.sent = 0
        self.arrived: list[int] = []
        self.network = SimulatedNetwork(
            self.kernel,
            Streams(seed),
            ("n1", "n2"),
            self.arrive,
            delay_ns_min=100,
            delay_ns_max=1_000,
            loss=0.0,
            duplicate=0.0,
        )

    def arrive(self, _sender: str, _receiver: str, message: Message) -> None:
        assert isinstance(message, ReadIndex)
        self.arrived.append(message.request_id)

    def do(self, step: Step) -> None:
        match step:
            case Send(messages):
                for _ in range(messages):
                    self.sent += 1
                    self.network.send("n1", "n2", ReadIndex(Term(1), RequestId(self.sent)))
            case Pass(nanoseconds):
                self.kernel.run(self.kernel.now + nanoseconds)
            case _:
                self.impair(step)

    def impair(self, fault: Cut | Lose | Delay | Duplicate | Reorder) -> None:
        match fault:
            case Cut(is_cut):
                self.network.cut(ALL if is_cut else frozenset())
            case Lose(probability):
                self.network.lose(dict.fromkeys(ALL, probability))
            case Delay(delay_ns, jitter_ns):
                self.network.delay(dict.fromkeys(ALL, Latency(delay_ns, jitter_ns)))
            case Duplicate(probability):
                self.network.duplicate(dict.fromkeys(ALL, probability))
            case Reorder(probability):
                self.network.reorder(dict.fromkeys(ALL, Reordering(probability, 3_000)))


@settings(max_examples=60)
@given(st.lists(ORDERLY, max_size=30), st.integers(0, 5))
def test_without_reordering_and_repetition_what_arrives_arrives_in_order_and_once(
    steps: list[Orderly], seed: int
) -> None:
    line = Line(seed)
    for step in steps:
        line.do(step)
    line.kernel.run(10**9)
    assert line.arrived == sorted(set(line.arrived))


@settings(max_examples=60)
@given(st.lists(ANY, max_size=30), st.integers(0, 5))
def test_every_message_and_every_copy_meets_exactly_one_fate(steps: list[Step], seed: int) -> None:
    line = Line(seed)
    for step in steps:
        line.do(step)
    line.kernel.run(10**9)
    counts = line.network.counts
    assert counts.sent == line.sent
    assert counts.delivered == len(line.arrived)
    assert counts.delivered + counts.cut + counts.lost == counts.sent + counts.duplicated
    assert all(line.arrived.count(number) <= 2 for number in line.arrived)


@settings(max_examples=30)
@given(st.lists(ANY, max_size=30), st.integers(0, 5))
def test_equal_seeds_and_steps_arrive_alike(steps: list[Step], seed: int) -> None:
    lines = Line(seed), Line(seed)
    for line in lines:
        for step in steps:
            line.do(step)
        line.kernel.run(10**9)
    assert lines[0].arrived == lines[1].arrived
