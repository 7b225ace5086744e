"""Swarm: each seed draws a trial of its own, lopsided in its own way.

Groce et al. 2012 ("Swarm Testing") found that many configurations, each with some features left
out, reach more states than one with everything on: what is always there hides what needs its
absence. So a seed draws which kinds of faults there are and how often, how large the cluster is,
how its network, disks and knobs are set, and what its clients do.

Every setting has a stream of its own, named for it: a setting more, or a value more of one, leaves
what is drawn of all others as it was.

Not drawn is what would break an assumption of Raft (a disk that lies about its fsync): under such
a plan a conviction would say nothing about the node. What is neither drawn nor named here stays as
the base has it, the bound of the liveness phase among it.
"""

from collections.abc import Collection, Sequence
from random import Random
from typing import Final

import msgspec

from harness.environments.simulation.mutants.registry import mutant_named
from harness.environments.simulation.streams import Streams
from harness.plan import Plan
from harness.plan_file import with_overrides
from nemesis.packages import REAL_ONLY, Package

_NOT_DRAWN: Final = (Package.LYING_DISK, Package.STOP, Package.STUTTER, *REAL_ONLY)
"""One breaks an assumption of Raft; one is a kill to a simulated node; one is made of pauses."""

PACKAGES: Final = tuple(
    package for package in Package if package not in (*_NOT_DRAWN, Package.DEPOSE)
)
"""Kinds of faults under which a correct node keeps every promise, drawn evenly."""

DEPOSE_SHARE: Final = 0.5
"""How many trials have new leaders struck besides: nothing else lets logs differ as often."""

PACKAGE_COUNTS: Final = (1, 1, 2, 2, 3, 3, 4, 5, 7, len(PACKAGES))
"""How many kinds there are in one trial: mostly few, and so each of them often."""


class Menu(msgspec.Struct, frozen=True):
    """Settings that are chosen together, and what there is to choose from."""

    settings: tuple[str, ...]
    """Named as in `harness.plan_file.with_overrides`; the first names the stream."""
    rows: tuple[tuple[object, ...], ...]
    """Each row has a value for every setting; a row that stands twice is twice as likely."""


def _menu(setting: str, values: tuple[object, ...]) -> Menu:
    return Menu((setting,), tuple((value,) for value in values))


MENUS: Final[tuple[Menu, ...]] = (
    _menu("nodes", (1, 3, 3, 3, 3, 3, 3, 5, 5, 7)),
    # ---------------------------------------------------------------- what clients do
    _menu(
        "workload.name",
        (
            *("kv", "kv", "register", "watch", "lease", "auth", "append"),
            *("set", "lock", "elect", "mixed", "mixed"),
        ),
    ),
    _menu("workload.rate", (50.0, 100.0, 100.0, 200.0)),
    _menu("workload.concurrency", (2, 5, 10, 30, 30)),
    _menu("workload.keys", (1, 3, 5, 20)),
    _menu("workload.values", (2, 3, 5)),
    _menu("workload.ops_per_key", (50, 100, 200)),
    _menu("workload.time_limit_s", (4.0, 5.0)),
    _menu("workload.rove", (0.0, 0.3, 0.3, 1.0)),
    _menu("workload.timeout_ms", (500.0, 2000.0)),
    _menu("mixed.write_with_old_reads", (0.0, 0.5)),
    # ---------------------------------------------------------------- how often it breaks
    _menu("faults.interval_s", (0.25, 0.25, 0.5, 1.0, 2.0)),
    # ---------------------------------------------------------------- what it runs on
    Menu(
        ("network.delay_ms_min", "network.delay_ms_max"),
        ((0.1, 0.3), (0.5, 1.5), (0.5, 10.0), (2.0, 20.0), (2.0, 20.0), (5.0, 50.0)),
    ),
    _menu("network.loss", (0.0, 0.0, 0.0, 0.02)),
    _menu("network.duplicate", (0.0, 0.0, 0.02, 0.2)),
    Menu(
        ("disk.fsync_ms_min", "disk.fsync_ms_max"),
        ((0.05, 0.1), (0.2, 1.0), (0.2, 1.0), (1.0, 10.0)),
    ),
    # ---------------------------------------------------------------- the node's knobs
    Menu(
        ("node.heartbeat_ms", "node.election_timeout_ms"),
        (
            (50.0, (300.0, 600.0)),
            (50.0, (150.0, 160.0)),
            (50.0, (150.0, 300.0)),
            (25.0, (100.0, 200.0)),
            (50.0, (150.0, 160.0)),
            (100.0, (400.0, 1200.0)),
        ),
    ),
    _menu("node.pre_vote", (True, False)),
    _menu("node.check_quorum", (True, False)),
    _menu("node.request_timeout_ms", (500.0, 2000.0)),
    _menu("node.append_entries_max", (1, 2, 64)),
    _menu("node.appends_in_flight_max", (1, 4)),
    _menu("node.backend_commit_entries", (1, 5, 50, 1_000)),
    _menu("node.snapshot_entries", (5, 50, 10_000)),
    _menu("node.catch_up_entries", (0, 5, 5_000)),
    _menu("node.snapshot_chunk_bytes", (100, 1_000, 1 << 20)),
    _menu("node.watch_progress_ms", (100.0, 600_000.0)),
    _menu("node.watch_batch_rows", (1, 5, 1_000)),
    _menu("node.watch_fragment_bytes", (60, 2_097_152)),
    _menu("node.lease_checkpoint_ms", (500.0, 1_000.0, 300_000.0)),
    _menu("node.quota_backend_bytes", (*[1_000_000_000] * 7, 3_000)),
    # ---------------------------------------------------------------- what the judgement may cost
    _menu("checks.steps_max", (50_000,)),
)
"""All that is drawn besides the kinds of faults: a new knob is one more line here."""


ALL_SETTINGS: Final = (
    "faults.packages",
    *(setting for menu in MENUS for setting in menu.settings),
)
"""Everything that a seed draws."""


def draw_plan(
    seed: int, base: Plan, *, workloads: Sequence[str] = (), fixed: Collection[str] = ()
) -> Plan:
    """Return the trial of this seed: equal seeds and bases give equal plans, anywhere.

    Its faults are still to be drawn, from its seed too (`harness.schedules`). The workload is one
    of `workloads`; of those that ask for what the base's mutant breaks, if none are given; of all,
    if there is no mutant either. The settings named in `fixed` stay as the base has them, and so
    do those that are chosen together with one of them; a `faults.schedule` among them fixes the
    faults.
    """
    streams = Streams(seed)
    mutant = mutant_named(base.mutant)
    if mutant is not None and not workloads:
        workloads = mutant.workloads
    overrides: dict[str, object] = {"seed": seed}
    if not any(setting in fixed for setting in ("faults.packages", "faults.schedule")):
        packages = draw_packages(streams.named("swarm/faults.packages"))
        if streams.named("swarm/faults.depose").random() < DEPOSE_SHARE:
            packages = (*packages, Package.DEPOSE.value)
        overrides["faults.packages"] = packages
    for menu in MENUS:
        if any(setting in fixed for setting in menu.settings):
            continue
        row = streams.named(f"swarm/{menu.settings[0]}").choice(menu.rows)
        overrides.update(zip(menu.settings, row, strict=True))
    if workloads and "workload.name" not in fixed:
        overrides["workload.name"] = streams.named("swarm/workload.name").choice(workloads)
    return with_overrides(base, overrides)


def draw_packages(random: Random) -> tuple[str, ...]:
    """Return a few kinds of `PACKAGES`, drawn evenly, or all of them."""
    count = random.choice(PACKAGE_COUNTS)
    drawn = random.sample(PACKAGES, count)
    return tuple(package.value for package in PACKAGES if package in drawn)
