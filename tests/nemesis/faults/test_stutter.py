"""Daemons that run in short turns."""

from random import Random

from nemesis.faults.pause import Pause
from nemesis.faults.stutter import Stutter
from nemesis.schedule import At
from nemesis.targets import Situation
from tests.nemesis.small_schedules import injector, run, three


def test_a_stutter_is_recorded_as_its_single_pauses() -> None:
    cluster = three()
    stutter = Stutter(target="n1", count=3, pause_ns=2, hold_ns=30)
    subject = injector(cluster, (At(0), stutter))

    run(subject)

    assert [call[0] for call in cluster.calls] == ["pause", "resume"] * 3
    assert {record.fault for record in subject.applied} == {Pause(target="n1", hold_ns=2)}


def test_a_stutter_pauses_once_in_each_equal_part_of_its_time() -> None:
    stutter = Stutter(target="all", count=4, pause_ns=50, hold_ns=400)
    situation = Situation(nodes=("n1", "n2"), leader=None, trigger_node=None)

    strikes = stutter.resolve(situation, Random(3))

    assert [strike.after_ns // 100 for strike in strikes] == [0, 1, 2, 3] * 2
    assert all(strike.after_ns % 100 <= 50 for strike in strikes)


def test_pauses_longer_than_their_part_of_a_stutter_fill_it() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), Stutter(target="n1", count=2, pause_ns=9, hold_ns=8))))

    assert done == [
        "0 1 pause n1 for 4e-06 ms",
        "4 1 resume n1",
        "4 1 pause n1 for 4e-06 ms",
        "8 1 resume n1",
    ]
