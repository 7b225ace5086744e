"""Any fault and any schedule, as Hypothesis strategies."""

from hypothesis import strategies as st

from nemesis.applied import Applied, Outcome, Phase
from nemesis.durations import MILLISECOND, TIME_NS_MAX
from nemesis.fault import Fault
from nemesis.faults.backup import RestoreCluster
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.clock import ClockBump, ClockDrift, ClockStrobe
from nemesis.faults.compact import Compact
from nemesis.faults.defragment import Defragment
from nemesis.faults.delay import Delay
from nemesis.faults.disk import FailingFsync, FullDisk, SlowFsync
from nemesis.faults.duplicate import Duplicate
from nemesis.faults.hold import Hold
from nemesis.faults.limit_rate import LimitRate
from nemesis.faults.lose import Lose
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.members import Grow, MoveLeader, Replace, Shrink
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.pressure import CpuPressure, MemoryPressure
from nemesis.faults.quota import ExhaustQuota
from nemesis.faults.reorder import Reorder
from nemesis.faults.restart import Restart, Tail
from nemesis.faults.storm import RestartStorm
from nemesis.faults.stutter import Stutter
from nemesis.grudge import all_links
from nemesis.link_choice import Aim, Aimed, Divided, Exactly, Groups, LinkChoice, Topology
from nemesis.schedule import (
    Asked,
    At,
    BecomesRole,
    Commits,
    ObservedRole,
    Schedule,
    Starts,
    Trigger,
    When,
)
from nemesis.targets import TARGET_WORDS

NODES = ("n1", "n2", "n3", "n4")

times_ns = st.integers(0, TIME_NS_MAX)
probabilities = st.floats(0, 1)
names = st.sampled_from(NODES)
tails = st.sampled_from(Tail)
offsets_ns = st.integers(-TIME_NS_MAX, TIME_NS_MAX)
targets = st.sampled_from([*TARGET_WORDS, *NODES])

exact_links: st.SearchStrategy[LinkChoice] = st.sets(
    st.sampled_from(sorted(all_links(NODES))), min_size=1
).map(lambda links: Exactly(tuple(sorted(links))))


def groups_of(order: list[str], sizes: tuple[int, int]) -> Groups:
    """Return two groups, and maybe more nodes in none, from a shuffled cluster."""
    first, second = sizes
    return Groups((tuple(order[:first]), tuple(order[first : first + second])))


link_choices: st.SearchStrategy[LinkChoice] = st.one_of(
    exact_links,
    st.builds(Divided, st.sampled_from(Topology)),
    st.builds(Aimed, st.sampled_from(Aim), targets),
    st.builds(
        groups_of,
        st.permutations(NODES),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ),
)


def faults(
    held_ns: st.SearchStrategy[int], links: st.SearchStrategy[LinkChoice] = link_choices
) -> st.SearchStrategy[Fault]:
    """Return any fault that lasts so long, on links so chosen."""
    return daemon_faults(held_ns) | link_faults(held_ns, links) | machine_faults(held_ns)


def daemon_faults(held_ns: st.SearchStrategy[int]) -> st.SearchStrategy[Fault]:
    """Return any fault of daemons."""
    return st.one_of(
        st.builds(Restart, target=targets, tail=tails, down_ns=held_ns),
        st.builds(Pause, target=targets, hold_ns=held_ns),
        st.builds(
            Stutter, target=targets, count=st.integers(1, 5), pause_ns=held_ns, hold_ns=held_ns
        ),
        st.builds(
            RestartStorm,
            target=targets,
            tail=tails,
            count=st.integers(1, 5),
            down_ns=held_ns,
            hold_ns=held_ns,
        ),
        st.builds(Defragment, target=targets),
        st.builds(Compact, target=targets, keep=st.integers(0, 100)),
        st.builds(Grow),
        st.builds(Shrink, target=targets),
        st.builds(Replace, target=targets),
        st.builds(MoveLeader, target=targets),
        st.builds(ExhaustQuota, hold_ns=held_ns),
        st.builds(RestoreCluster),
    )


def link_faults(
    held_ns: st.SearchStrategy[int], links: st.SearchStrategy[LinkChoice]
) -> st.SearchStrategy[Fault]:
    """Return any fault of links."""
    return st.one_of(
        st.builds(Partition, links=links, hold_ns=held_ns),
        st.builds(Lose, links=links, probability=probabilities, hold_ns=held_ns),
        st.builds(LimitRate, links=links, rate_bytes=st.integers(1, 10**9), hold_ns=held_ns),
        st.builds(Duplicate, links=links, probability=probabilities, hold_ns=held_ns),
        st.builds(Delay, links=links, latency_ns=times_ns, jitter_ns=times_ns, hold_ns=held_ns),
        st.builds(
            Reorder, links=links, probability=probabilities, window_ns=times_ns, hold_ns=held_ns
        ),
        st.builds(
            Hold,
            links=links,
            kinds=st.sets(st.sampled_from(["AppendEntries", "RequestVoteReply"])).map(
                lambda kinds: tuple(sorted(kinds))
            ),
            count=st.integers(1, 9),
            is_reversed=st.booleans(),
            is_doubled=st.booleans(),
            hold_ns=held_ns,
        ),
    )


def machine_faults(held_ns: st.SearchStrategy[int]) -> st.SearchStrategy[Fault]:
    """Return any fault of clocks, disks and what else a machine has."""
    return st.one_of(
        st.builds(CpuPressure, target=targets, share=st.floats(0.01, 1), hold_ns=held_ns),
        st.builds(MemoryPressure, target=targets, share=st.floats(0.01, 1), hold_ns=held_ns),
        st.builds(ClockBump, target=targets, offset_ns=offsets_ns, hold_ns=held_ns),
        st.builds(ClockDrift, target=targets, rate=st.floats(0.01, 100), hold_ns=held_ns),
        st.builds(
            ClockStrobe,
            target=targets,
            rate=st.floats(1, 100),
            period_ns=st.integers(MILLISECOND, TIME_NS_MAX),
            hold_ns=held_ns,
        ),
        st.builds(SlowFsync, target=targets, extra_ns=times_ns, hold_ns=held_ns),
        st.builds(FailingFsync, target=targets, hold_ns=held_ns),
        st.builds(FullDisk, target=targets, hold_ns=held_ns),
        st.builds(
            LyingFsync, target=targets, power_cut_after_ns=st.none() | held_ns, hold_ns=held_ns
        ),
        st.builds(Bitrot, target=targets, bits=st.integers(1, 9), hold_ns=held_ns),
    )


maybe_names = st.none() | names
counts = st.integers(1, 10**9)
triggers: st.SearchStrategy[Trigger] = st.one_of(
    st.builds(BecomesRole, role=st.sampled_from(ObservedRole), nth=counts, node=maybe_names),
    st.builds(Commits, nth=counts, node=maybe_names),
    st.builds(Starts, nth=counts, node=maybe_names),
)
moments: st.SearchStrategy[At | When] = st.one_of(
    st.builds(At, times_ns), st.builds(When, triggers, times_ns)
)

records = st.builds(
    Applied,
    at_ns=times_ns,
    id=st.integers(0, 10**9),
    phase=st.sampled_from(Phase),
    outcome=st.sampled_from(Outcome),
    fault=faults(times_ns),
    reason=st.text(),
)


def numbered(faults_and_moments: list[tuple[At | When, Fault]]) -> tuple[Asked, ...]:
    """Return the faults with ids from 1."""
    return tuple(
        Asked(id=id_, moment=moment, fault=fault)
        for id_, (moment, fault) in enumerate(faults_and_moments, start=1)
    )


seeds = st.integers(0, 2**63 - 1)

schedules: st.SearchStrategy[Schedule] = st.builds(
    Schedule,
    seed=seeds,
    asked=st.lists(st.tuples(moments, faults(times_ns)), max_size=6).map(numbered),
    applied=st.lists(records, max_size=4).map(tuple),
)

soon: st.SearchStrategy[At | When] = st.builds(At, st.integers(0, 30))

crowded: st.SearchStrategy[Schedule] = st.builds(
    Schedule,
    seed=seeds,
    asked=st.lists(st.tuples(soon, faults(st.integers(1, 20))), max_size=12).map(numbered),
)
"""Faults so close together that most overlap, many at the same instant."""
