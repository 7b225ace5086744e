"""Stores that are full."""

from nemesis.faults.quota import ExhaustQuota
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three

MS = 1_000_000


def test_a_store_is_filled_once_and_room_is_made_in_the_end() -> None:
    cluster = three()
    done = run(
        injector(cluster, (At(0), ExhaustQuota(hold_ns=30)), (At(5), ExhaustQuota(hold_ns=MS)))
    )

    assert cluster.calls == [("exhaust",), ("make_room",)]
    assert "the store is full already" in done[1]
    assert cluster.is_whole()


def test_a_store_that_cannot_be_filled_now_need_not_be_made_room_in() -> None:
    cluster = three()
    cluster.operator_is_busy = True
    done = run(injector(cluster, (At(0), ExhaustQuota(hold_ns=30))))

    assert cluster.calls == []
    assert "room is still being made" in done[0]
