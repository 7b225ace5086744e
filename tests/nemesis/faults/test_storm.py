"""Storms of restarts."""

from random import Random

from nemesis.faults.restart import Restart, Tail
from nemesis.faults.storm import RestartStorm
from nemesis.schedule import At
from nemesis.targets import Situation
from tests.nemesis.small_schedules import injector, run, three


def test_a_storm_is_recorded_as_its_single_restarts() -> None:
    cluster = three()
    storm = RestartStorm(target="n1", tail=Tail.TORN, count=3, down_ns=2, hold_ns=30)
    subject = injector(cluster, (At(0), storm))

    run(subject)

    assert [call[0] for call in cluster.calls] == ["kill", "start"] * 3
    assert {record.fault for record in subject.applied} == {
        Restart(target="n1", tail=Tail.TORN, down_ns=2)
    }


def test_a_storm_strikes_once_in_each_equal_part_of_its_time() -> None:
    storm = RestartStorm(target="all", tail=Tail.KEPT, count=4, down_ns=50, hold_ns=400)
    situation = Situation(nodes=("n1", "n2"), leader=None, trigger_node=None)

    strikes = storm.resolve(situation, Random(3))

    assert [strike.after_ns // 100 for strike in strikes] == [0, 1, 2, 3] * 2
    assert all(strike.after_ns % 100 <= 50 for strike in strikes)
