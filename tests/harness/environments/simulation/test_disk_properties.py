"""The disk against a naive one that keeps every write apart and marks those that are durable."""

from random import Random
from typing import NamedTuple, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from harness.environments.simulation.disk import SimulatedDisk, Tail
from harness.environments.simulation.kernel import Kernel

FSYNC_NS = 10


class Write(NamedTuple):
    data: bytes


class Sync(NamedTuple):
    pass


class Pass(NamedTuple):
    nanoseconds: int


class Crash(NamedTuple):
    tail: Tail


class Replace(NamedTuple):
    data: bytes


Step: TypeAlias = Write | Sync | Pass | Crash | Replace

STEPS = st.lists(
    st.one_of(
        st.builds(Write, st.binary(min_size=1, max_size=3)),
        st.just(Sync()),
        st.builds(Pass, st.integers(1, 15)),
        st.builds(Crash, st.sampled_from(Tail)),
        st.builds(Replace, st.binary(max_size=3)),
    ),
    max_size=25,
)


class NaiveDisk:
    """Durable bytes, and the others; syncs in flight as (when it ends, bytes it covers)."""

    def __init__(self) -> None:
        self.now = 0
        self.durable = b""
        self.cached = b""
        self.in_flight: list[tuple[int, int]] = []
        self.ended: list[int] = []

    def write(self, data: bytes) -> None:
        self.cached += data

    def sync(self) -> None:
        self.in_flight.append((self.now + FSYNC_NS, len(self.durable + self.cached)))

    def replace(self, data: bytes) -> None:
        self.durable, self.cached = data, b""
        self.in_flight = [(time, 0) for time, _ in self.in_flight]

    def pass_time(self, nanoseconds: int) -> None:
        self.now += nanoseconds
        while self.in_flight and self.in_flight[0][0] <= self.now:
            time, covered = self.in_flight.pop(0)
            whole = self.durable + self.cached
            covered = max(covered, len(self.durable))
            self.durable, self.cached = whole[:covered], whole[covered:]
            self.ended.append(time)

    def crash(self, tail: Tail, content: bytes) -> None:
        """Believe the real disk about where it tore, once that is a place where it may."""
        whole = self.durable + self.cached
        allowed = {
            Tail.KEPT: [whole],
            Tail.LOST: [self.durable],
            Tail.TORN: [whole[:end] for end in range(len(self.durable), len(whole) + 1)],
        }
        assert content in allowed[tail]
        self.cached = content[len(self.durable) :]
        self.in_flight.clear()


@given(STEPS, st.integers(0, 3))
def test_the_disk_does_what_a_naive_one_does(steps: list[Step], seed: int) -> None:
    kernel = Kernel(start=0, events_max=1_000, instant_events_max=100)
    disk = SimulatedDisk(kernel, Random(seed), fsync_ns_min=FSYNC_NS, fsync_ns_max=FSYNC_NS)
    naive, ended = NaiveDisk(), list[int]()
    for step in steps:
        match step:
            case Write(data):
                disk.append(data)
                naive.write(data)
            case Sync():
                disk.sync(lambda: ended.append(kernel.now))
                naive.sync()
            case Pass(nanoseconds):
                kernel.run(kernel.now + nanoseconds)
                naive.pass_time(nanoseconds)
            case Replace(data):
                disk.replace(data)
                naive.replace(data)
            case Crash(tail):
                before = len(disk.content)
                lost_bytes = disk.crash(tail)
                assert lost_bytes == before - len(disk.content)
                naive.crash(tail, disk.content)
        assert disk.content == naive.durable + naive.cached
        assert disk.unsynced_bytes == len(naive.cached)
        assert ended == naive.ended
