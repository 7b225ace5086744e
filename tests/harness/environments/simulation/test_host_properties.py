"""Effects leave in order, each behind its durable `Persist`s, whatever happens meanwhile."""

from typing import NamedTuple, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from nodeimpl.boundary import Effect
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import Message
from nodeimpl.storage.wal_format import encode
from tests.harness.environments.simulation.scripted_machine import (
    FSYNC_NS,
    TERM_1,
    Machine,
    send,
    stored,
)


class Call(NamedTuple):
    """The node is given an input, and asks for a `Persist` (P) or a `Send` (s) for each letter."""

    effects: str


class Pass(NamedTuple):
    nanoseconds: int


class Toggle(NamedTuple):
    """Pause the daemon, or let it go on."""


Step: TypeAlias = Call | Pass | Toggle

STEPS = st.lists(
    st.one_of(
        st.builds(Call, st.text("Ps", max_size=4)),
        st.builds(Pass, st.integers(1, 3 * FSYNC_NS)),
        st.just(Toggle()),
    ),
    max_size=20,
)


class Witness(Machine):
    """Checks, at every `Send`, that every byte written before it was asked for is durable."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.written_bytes = 0
        self.entries = 0
        self.bytes_before: dict[int, int] = {}
        """By message: how long the log must be on the platter before it may leave."""

    def effect(self, letter: str) -> Effect:
        if letter == "P":
            persist = self.next_persist()
            self.written_bytes += len(encode(persist))
            return persist
        self.asked += 1
        self.bytes_before[self.asked] = self.written_bytes
        return send(self.asked)

    def next_persist(self) -> Persist:
        if self.written_bytes == 0:
            return TERM_1
        self.entries += 1
        return stored(self.entries)

    @override
    def send(self, sender: str, receiver: str, message: Message) -> None:
        super().send(sender, receiver, message)
        durable_bytes = len(self.disk.content) - self.disk.unsynced_bytes
        assert durable_bytes >= self.bytes_before[self.numbers_sent[-1]]

    def do(self, step: Step) -> None:
        match step:
            case Call(effects):
                self.does(*map(self.effect, effects))
            case Pass(nanoseconds):
                self.run_for(nanoseconds)
            case Toggle() if self.host.is_paused:
                self.host.resume()
            case Toggle():
                self.host.pause()


@settings(max_examples=80)
@given(STEPS)
def test_nothing_passes_a_persist_that_is_not_durable_and_everything_leaves(
    steps: list[Step],
) -> None:
    machine = Witness()
    machine.started()
    for step in steps:
        machine.do(step)
    if machine.host.is_paused:
        machine.host.resume()
    machine.run_for(3 * FSYNC_NS)
    assert machine.numbers_sent == list(range(1, machine.asked + 1))
    assert machine.disk.unsynced_bytes == 0
