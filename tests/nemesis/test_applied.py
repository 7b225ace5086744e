"""Records as text, and as a journal from which a successor cleans up."""

import pytest

from nemesis.applied import Applied, Outcome, Phase, outstanding
from nemesis.fault import Fault
from nemesis.faults.delay import Delay
from nemesis.faults.duplicate import Duplicate
from nemesis.faults.lose import Lose
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.reorder import Reorder
from nemesis.faults.restart import Tail
from nemesis.inject import Injector
from nemesis.link_choice import Exactly
from nemesis.schedule import Asked, At, Schedule
from tests.nemesis.small_schedules import A_TO_B, injector, kill, three
from tests.nemesis.strict_surfaces import streams


def test_a_successor_undoes_what_the_journal_of_a_killed_harness_left() -> None:
    cluster = three()
    journal: list[Applied] = []
    asked = (
        Asked(id=1, moment=At(0), fault=Pause(target="n1", hold_ns=2)),
        Asked(id=2, moment=At(0), fault=Pause(target="n2", hold_ns=50)),
        Asked(id=3, moment=At(0), fault=Partition(links=A_TO_B, hold_ns=50)),
        Asked(id=4, moment=At(0), fault=kill("n3", 50)),
    )
    killed = Injector(
        cluster.surfaces(), Schedule(seed=1, asked=asked), streams(1), record=journal.append
    )
    killed.step(0)
    killed.step(2)

    successor = injector(cluster)
    successor.adopt(outstanding(journal))
    successor.end_all(3)

    assert cluster.is_whole()


def test_a_kill_in_the_journal_ends_the_pauses_before_it() -> None:
    journal: list[Applied] = []
    asked = (
        Asked(id=1, moment=At(0), fault=Pause(target="n1", hold_ns=50)),
        Asked(id=2, moment=At(1), fault=kill("n1", 50)),
    )
    subject = Injector(
        three().surfaces(), Schedule(seed=1, asked=asked), streams(1), record=journal.append
    )
    subject.step(1)

    assert [begun.id for begun in outstanding(journal)] == [2]


@pytest.mark.parametrize(
    ("fault", "begins", "ends"),
    [
        (
            kill("n1", 412_000_000, Tail.TORN),
            "kill n1, unsynced writes torn, for 412 ms",
            "start n1",
        ),
        (Pause(target="n1", hold_ns=1_500_000), "pause n1 for 1.5 ms", "resume n1"),
        (
            Partition(links=Exactly((("n1", "n2"), ("n1", "n3"))), hold_ns=1_000_000),
            "partition n1>n2,n3 for 1 ms",
            "heal n1>n2,n3",
        ),
        (
            Lose(links=A_TO_B, probability=0.25, hold_ns=1_000_000),
            "lose 25% on n1>n2 for 1 ms",
            "end lose on n1>n2",
        ),
        (
            Delay(links=A_TO_B, latency_ns=20_000_000, jitter_ns=5_000_000, hold_ns=1_000_000),
            "delay 20 ms + up to 5 ms on n1>n2 for 1 ms",
            "end delay on n1>n2",
        ),
        (
            Duplicate(links=A_TO_B, probability=1.0, hold_ns=1_000_000),
            "duplicate 100% on n1>n2 for 1 ms",
            "end duplicate on n1>n2",
        ),
        (
            Reorder(links=A_TO_B, probability=0.5, window_ns=3_000_000, hold_ns=1_000_000),
            "reorder 50% within 3 ms on n1>n2 for 1 ms",
            "end reorder on n1>n2",
        ),
    ],
)
def test_a_record_reads_as_a_phrase(fault: Fault, begins: str, ends: str) -> None:
    begin = Applied(at_ns=0, id=1, phase=Phase.BEGIN, outcome=Outcome.DONE, fault=fault)
    end = Applied(at_ns=9, id=1, phase=Phase.END, outcome=Outcome.DONE, fault=fault)

    assert begin.describe() == begins
    assert end.describe() == ends
