"""Schedules of a few faults, against three nodes, carried out to the end."""

from nemesis.fault import Fault
from nemesis.faults.restart import Restart, Tail
from nemesis.inject import Injector
from nemesis.link_choice import Exactly
from nemesis.schedule import Asked, At, Schedule, When
from tests.nemesis.strict_surfaces import StrictCluster, streams

A_TO_B = Exactly((("n1", "n2"),))
B_TO_A = Exactly((("n2", "n1"),))
BOTH = frozenset({("n1", "n2"), ("n2", "n1")})


def three(leader: str | None = None) -> StrictCluster:
    """Return a cluster of three nodes."""
    return StrictCluster("n1", "n2", "n3", leader=leader)


def kill(target: str, down_ns: int, tail: Tail = Tail.KEPT) -> Restart:
    """Return a restart."""
    return Restart(target=target, tail=tail, down_ns=down_ns)


def injector(cluster: StrictCluster, *faults: tuple[At | When, Fault]) -> Injector:
    """Return an injector of these faults, with ids from 1."""
    asked = tuple(
        Asked(id=id_, moment=moment, fault=fault)
        for id_, (moment, fault) in enumerate(faults, start=1)
    )
    return Injector(cluster.surfaces(), Schedule(seed=1, asked=asked), streams(1))


def run(subject: Injector) -> list[str]:
    """Step at every due instant, and return what was done as text."""
    while (at_ns := subject.due()) is not None:
        subject.step(at_ns)
    return [f"{applied.at_ns} {applied.id} {applied.describe()}" for applied in subject.applied]
