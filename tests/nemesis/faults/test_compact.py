"""Compaction, as a fault asks for it."""

from nemesis.applied import outstanding
from nemesis.faults.compact import Compact
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, kill, run, three


def test_a_compaction_is_asked_for_and_has_no_end() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), Compact(target="n2", keep=3)))

    done = run(subject)

    assert done == [
        "0 1 ask n2 to compact all but the last 3 revisions (asked to compact to revision 5)"
    ]
    assert outstanding(subject.applied) == []


def test_a_daemon_that_is_down_is_not_asked() -> None:
    done = run(injector(three(), (At(0), kill("n1", 9)), (At(1), Compact(target="n1", keep=0))))

    assert done[1].endswith("(n1 does not run)")
