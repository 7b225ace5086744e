"""Machines that have too little."""

from nemesis.faults.pressure import CpuPressure, MemoryPressure
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three


def test_the_least_share_counts_and_the_other_remains_when_it_ends() -> None:
    cluster = three()
    slight, severe = (
        CpuPressure(target="n1", share=share, hold_ns=hold_ns)
        for share, hold_ns in ((0.5, 30), (0.1, 10))
    )
    done = run(injector(cluster, (At(0), slight), (At(5), severe)))

    assert cluster.calls == [
        ("limit_cpu", "n1", share) for share in (0.5, 0.1, 0.5, 1.0)
    ]  # fmt: skip
    assert "leave n1 50% of a processor" in done[0]
    assert cluster.is_whole()


def test_a_daemon_that_stopped_for_want_of_memory_is_started_when_it_has_enough() -> None:
    cluster = three()
    pressed = injector(cluster, (At(0), MemoryPressure(target="n1", share=0.5, hold_ns=10)))
    pressed.step(0)
    cluster.running["n1"] = False

    done = run(pressed)

    assert cluster.calls[1:] == [("limit_memory", "n1", 1.0), ("start", "n1")]
    assert done[-1].endswith("(its daemon is started)")


def test_a_daemon_that_is_down_uses_no_memory_that_could_be_taken() -> None:
    cluster = three()
    cluster.running["n1"] = False
    done = run(injector(cluster, (At(0), MemoryPressure(target="n1", share=0.5, hold_ns=10))))

    assert cluster.calls == []
    assert "n1 does not run" in done[0]
