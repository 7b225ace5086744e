"""Links that carry only so much."""

from nemesis.faults.limit_rate import LimitRate
from nemesis.link_choice import Exactly
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three


def test_the_least_rate_counts_link_by_link() -> None:
    cluster = three()
    wide = LimitRate(links=Exactly((("n1", "n2"), ("n2", "n1"))), rate_bytes=900, hold_ns=30)
    narrow = LimitRate(links=Exactly((("n1", "n2"),)), rate_bytes=50, hold_ns=10)
    done = run(injector(cluster, (At(0), wide), (At(5), narrow)))

    assert cluster.calls == [
        ("limit_rate", {("n1", "n2"): 900, ("n2", "n1"): 900}),
        ("limit_rate", {("n1", "n2"): 50, ("n2", "n1"): 900}),
        ("limit_rate", {("n1", "n2"): 900, ("n2", "n1"): 900}),
        ("limit_rate", {}),
    ]
    assert "let 900 bytes/s pass on" in done[0]
