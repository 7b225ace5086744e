"""Whatever the schedule, the injector keeps a strict cluster's rules, and leaves it whole.

`StrictCluster` raises when a daemon is killed twice, resumed while not paused, and so on,
so running a schedule to its end is an assertion by itself.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from nemesis.applied import Applied, Outcome, Phase, outstanding
from nemesis.faults.partition import Partition
from nemesis.generate import generate
from nemesis.inject import Injector
from nemesis.link_choice import Exactly
from nemesis.packages import Package
from nemesis.schedule import Asked, At, Schedule, explicit
from nemesis.surface import Link
from tests.nemesis.fault_strategies import NODES, crowded, exact_links
from tests.nemesis.strict_surfaces import StrictCluster, streams

SECOND = 1_000_000_000


def run(schedule: Schedule, cluster: StrictCluster, until_ns: int = SECOND * 3_600) -> Injector:
    """Carry out what is due up to `until_ns`."""
    subject = Injector(cluster.surfaces(), schedule, streams(schedule.seed))
    while (at_ns := subject.due()) is not None and at_ns <= until_ns:
        subject.step(at_ns)
    return subject


@given(crowded)
def test_when_nothing_is_due_any_more_everything_is_healed(schedule: Schedule) -> None:
    cluster = StrictCluster(*NODES, leader="n2")

    run(schedule, cluster)

    assert cluster.is_whole()


@given(crowded, st.integers(0, 50))
def test_end_all_heals_everything_at_any_time(schedule: Schedule, now: int) -> None:
    cluster = StrictCluster(*NODES, leader="n2")
    subject = run(schedule, cluster, until_ns=now)

    subject.end_all(now)

    assert cluster.is_whole()
    assert outstanding(subject.applied) == []


@given(crowded)
def test_every_fault_that_began_has_one_end(schedule: Schedule) -> None:
    subject = run(schedule, StrictCluster(*NODES))

    begun = [
        (record.id, record.fault, record.at_ns + held_ns)
        for record in subject.applied
        if record.phase is Phase.BEGIN and record.outcome is Outcome.DONE
        if (held_ns := record.fault.held_ns()) is not None
    ]
    ended = [
        (record.id, record.fault, record.at_ns)
        for record in subject.applied
        if record.phase is Phase.END
    ]
    assert sorted(begun, key=repr) == sorted(ended, key=repr)


@given(crowded, st.integers(0, 50))
def test_a_killed_harness_can_be_cleaned_up_from_its_journal(schedule: Schedule, now: int) -> None:
    cluster = StrictCluster(*NODES)
    killed = run(schedule, cluster, until_ns=now)

    successor = Injector(cluster.surfaces(), Schedule(seed=0), streams(0))
    successor.adopt(outstanding(killed.applied))
    successor.end_all(now)

    assert cluster.is_whole()


@given(crowded, st.integers(0, 50))
def test_what_was_applied_can_be_repeated_exactly(schedule: Schedule, now: int) -> None:
    first, second = StrictCluster(*NODES, leader="n2"), StrictCluster(*NODES)
    original = run(schedule, first, until_ns=now - 1)
    original.end_all(now)

    repeated = run(explicit(schedule.seed, original.applied), second)

    assert second.calls == first.calls
    assert carried_out(repeated.applied) == carried_out(original.applied)


def carried_out(applied: list[Applied]) -> list[tuple[int, Phase, str]]:
    """Return when what was done, whoever asked for it and for how long."""
    return [
        (record.at_ns, record.phase, record.fault.do)
        for record in applied
        if record.outcome is Outcome.DONE
    ]


partitions = st.lists(
    st.tuples(st.integers(0, 30), exact_links, st.integers(1, 20)), min_size=1, max_size=8
)


@given(partitions, st.integers(0, 60))
def test_a_link_is_cut_while_and_only_while_a_partition_names_it(
    drawn: list[tuple[int, Exactly, int]], now: int
) -> None:
    schedule = Schedule(
        seed=1,
        asked=tuple(
            Asked(id=id_, moment=At(at_ns), fault=Partition(links=links, hold_ns=hold_ns))
            for id_, (at_ns, links, hold_ns) in enumerate(drawn, start=1)
        ),
    )
    cluster = StrictCluster(*NODES)

    run(schedule, cluster, until_ns=now)

    expected: set[Link] = {
        link
        for at_ns, links, hold_ns in drawn
        if at_ns <= now < at_ns + hold_ns
        for link in links.links
    }
    assert cluster.settings.get("cut", frozenset()) == expected


@settings(max_examples=30)
@given(
    st.integers(0, 2**32),
    st.sets(st.sampled_from(Package)),
    st.integers(1, 7),
    st.integers(1, 20),
)
def test_a_generated_schedule_is_over_when_its_time_is(
    seed: int, packages: set[Package], size: int, seconds: int
) -> None:
    nodes = tuple(f"n{number}" for number in range(1, size + 1))
    schedule = generate(
        streams(seed),
        sorted(packages),
        nodes,
        seed=seed,
        duration_ns=seconds * SECOND,
        interval_ns=SECOND // 2,
    )
    cluster = StrictCluster(*nodes)

    subject = run(schedule, cluster, until_ns=seconds * SECOND)

    assert subject.due() is None
    assert cluster.is_whole()


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from(Package))
def test_removing_a_package_never_changes_another(seed: int, removed: Package) -> None:
    together = generate(
        streams(seed), list(Package), NODES, seed=seed, duration_ns=9 * SECOND, interval_ns=SECOND
    )

    others = [package for package in Package if package is not removed]
    without = generate(
        streams(seed), others, NODES, seed=seed, duration_ns=9 * SECOND, interval_ns=SECOND
    )

    assert [asked for asked in together.asked if asked in without.asked] == list(without.asked)
