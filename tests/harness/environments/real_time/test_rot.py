"""Daemons that serve from logs of which bits are wrong, and those that do not."""

import time

from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.rot import RotJudge
from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Fault
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.pause import Pause

ROT = Bitrot(target="n1", bits=2, hold_ns=5)


class Trial:
    """A judge, and what a node does meanwhile."""

    def __init__(self, wrong_bits: int = 2) -> None:
        self.monitor = Monitor({}, lambda _: None)
        self.judge = RotJudge(self.monitor, lambda _: wrong_bits)

    def begin(self, outcome: Outcome = Outcome.DONE, fault: Fault = ROT) -> None:
        self._note(Phase.BEGIN, Outcome.INTENDED, fault)
        self._note(Phase.BEGIN, outcome, fault)

    def end(self, fault: Fault = ROT) -> None:
        self._note(Phase.END, Outcome.INTENDED, fault)
        self._note(Phase.END, Outcome.DONE, fault)

    def answer(self, node: str = "n1") -> None:
        self.monitor.answered_ns[node] = time.monotonic_ns() + 1

    def _note(self, phase: Phase, outcome: Outcome, fault: Fault) -> None:
        self.judge.note(Applied(at_ns=0, id=1, phase=phase, outcome=outcome, fault=fault))


def test_who_serves_from_a_rotten_log_is_convicted() -> None:
    trial = Trial()
    trial.begin()
    trial.answer()
    trial.end()

    assert trial.judge.failure is not None
    assert trial.judge.failure.judge == "rot"
    assert "n1 was started from a log of which 2 bits are wrong" in trial.judge.failure.story


def test_who_answered_before_only_or_not_at_all_is_not() -> None:
    trial = Trial()
    trial.answer()
    time.sleep(0.001)
    trial.begin()
    trial.answer("n2")
    trial.end()
    trial.answer()

    assert trial.judge.failure is None


def test_who_has_repaired_its_log_may_serve() -> None:
    trial = Trial(wrong_bits=0)
    trial.begin()
    trial.answer()
    trial.end()

    assert trial.judge.failure is None


def test_a_fault_that_was_not_carried_out_or_another_one_is_no_rot() -> None:
    trial = Trial()
    trial.begin(Outcome.SKIPPED)
    trial.answer()
    trial.end()
    pause = Pause(target="n1", hold_ns=5)
    trial.begin(fault=pause)
    trial.answer()
    trial.end(pause)

    assert trial.judge.failure is None
