"""Daemons that had a reason to end."""

from harness.environments.environment import Death
from harness.environments.real_time.excuses import Excuses
from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Fault
from nemesis.faults.disk import FailingFsync, FullDisk
from nemesis.faults.pause import Pause
from nemesis.faults.pressure import MemoryPressure
from nodeimpl.ids import SECOND

FAILING = FailingFsync(target="n1", hold_ns=5)
BEGIN, END = Phase.BEGIN, Phase.END
INTENDED, DONE, SKIPPED = Outcome.INTENDED, Outcome.DONE, Outcome.SKIPPED


class Trial:
    """Deaths and faults, in the order in which they come to be known."""

    def __init__(self) -> None:
        self.deaths: list[Death] = []
        self.excuses = Excuses(lambda: self.deaths)

    def dies(self, node: str, how: str = "exit code 2") -> None:
        self.deaths.append(Death(node=node, how=how, last_words=str(len(self.deaths))))

    def fault(
        self, phase: Phase, *outcomes: Outcome, fault: Fault = FAILING, at_ns: int = 0
    ) -> None:
        for outcome in outcomes:
            applied = Applied(at_ns=at_ns, id=1, phase=phase, outcome=outcome, fault=fault)
            self.excuses.note(applied)

    def unexcused(self) -> list[str]:
        return [death.last_words for death in self.excuses.unexcused()]


def test_a_death_under_a_failing_disk_is_excused_and_others_are_not() -> None:
    trial = Trial()
    trial.dies("n1")
    trial.fault(BEGIN, INTENDED, DONE)
    trial.dies("n1")
    trial.dies("n2")
    trial.fault(END, INTENDED, DONE)
    trial.dies("n1")

    assert trial.unexcused() == ["0", "2", "3"]


def test_a_fault_that_has_not_ended_excuses_all_the_same() -> None:
    trial = Trial()
    trial.fault(BEGIN, INTENDED, DONE)
    trial.dies("n1")

    assert trial.unexcused() == []


def test_want_of_memory_excuses_for_a_short_while_longer() -> None:
    trial = Trial()
    pressure = MemoryPressure(target="n1", share=0.5, hold_ns=5)
    trial.fault(BEGIN, INTENDED, DONE, fault=pressure)
    trial.dies("n1")
    trial.fault(END, INTENDED, DONE, fault=pressure)
    trial.dies("n1")
    trial.dies("n2")
    trial.fault(BEGIN, INTENDED, DONE, fault=Pause(target="n1", hold_ns=5), at_ns=3 * SECOND)
    trial.dies("n1")

    assert trial.unexcused() == ["2", "3"]


def test_a_fault_that_was_skipped_or_of_another_kind_excuses_nothing() -> None:
    trial = Trial()
    trial.fault(BEGIN, INTENDED, SKIPPED, fault=FullDisk(target="n1", hold_ns=5))
    trial.fault(BEGIN, INTENDED, DONE, fault=Pause(target="n1", hold_ns=5))
    trial.dies("n1")

    assert trial.unexcused() == ["0"]


def test_who_may_be_no_member_may_end_in_order_but_not_crash() -> None:
    trial = Trial()
    trial.dies("n1", "exit code 1")
    trial.excuses.begin("n1")
    trial.dies("n1", "exit code 1")
    trial.dies("n1", "signal 11")
    trial.excuses.end("n1")
    trial.dies("n1", "exit code 0")

    assert trial.unexcused() == ["0", "2", "3"]


def test_who_was_a_member_all_along_had_no_reason_to_end() -> None:
    trial = Trial()
    trial.excuses.begin("n1")
    trial.dies("n1", "exit code 0")
    trial.excuses.end("n1", is_excused=False)

    assert trial.unexcused() == ["0"]


def test_a_member_that_is_removed_for_good_is_excused_to_the_end() -> None:
    trial = Trial()
    trial.excuses.begin("n1")
    trial.dies("n1", "exit code 0")

    assert trial.unexcused() == []
