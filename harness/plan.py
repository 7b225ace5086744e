"""The plan: everything that varies in a trial, as one value.

A plan is system, environment, workload, faults, sizes and seed. It is written beside every history,
complete with the defaults it was run with, so that the trial can be repeated, mutated, compared and
shrunk after defaults have changed. In simulation, equal plans give equal trials.

TOML in and out is `harness.plan_file`.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from checkers.checker import Budget

PLAN_VERSION: Final = 1

NODES_JOINING_MAX: Final = 16
"""Nodes that may join a cluster in the course of a trial."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Probability: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
NotNegative: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1e9)]
Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0.0, le=1e9)]


class SettingError(ValueError):
    """Settings that exclude each other. `setting` is the field to look at, within its table."""

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(f"{setting}: {message}")


Distribution: TypeAlias = Literal["uniform", "zipf", "hot"]
"""How draws of a key are spread over the keys (`harness.generator.shares`)."""


class WorkloadPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the clients do, how fast and for how long."""

    name: str = "register"
    """The workload (`quorate list`)."""
    rate: Positive = 200.0
    """Operations per second, all clients together."""
    concurrency: Count = 10
    """Client threads; each has at most one operation in flight."""
    keys: Count = 5
    """Keys in use at a time."""
    ops_per_key: Count = 300
    """A key is retired after so many operations and a fresh one takes its place (`register`):
    a bound on what the search for a linearization can cost."""
    values: Count = 5
    """Distinct values written to one key; few, so that a compare-and-set can succeed."""
    key_distribution: Distribution = "uniform"
    """uniform: all keys alike; zipf: the nth of them as often as one in n; hot: four draws of five
    are of the first key. `auth` has keys of its own."""
    value_bytes: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    """What is stored under a key is filled up to so many bytes; 0 adds nothing."""
    lock_excludes: bool = False
    """Whether `lock` judges that a lock alone excludes, which no lock on a lease promises."""
    time_limit_s: Positive = 30.0
    """How long the clients put the cluster under load."""
    rove: Probability = 0.3
    """The share of operations sent to any node rather than the process's home node."""
    timeout_ms: Positive = 2000.0
    """How long a client waits for one response."""
    operations: str | None = None
    """A file with the exact operations to do instead of those that the workload draws
    (`harness.operations_file`); relative to the plan's own directory. None draws."""
    final_reads: bool = True
    """Whether the workload's final reads are done once the cluster has healed."""


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What breaks, and how often."""

    packages: tuple[str, ...] = ("kill", "power", "pause", "partition", "loss", "delay")
    """Kinds of faults to draw from (`quorate list`); none for a trial without faults."""
    interval_s: Positive = 2.0
    """The mean time from one fault to the next."""
    schedule: str | None = None
    """A file with the exact schedule to follow instead of one drawn from the seed; relative to
    the plan's own directory. None draws."""


def _require_ordered(least: float, most: float, setting: str, least_setting: str) -> None:
    if most < least:
        raise SettingError(
            setting, f"{most:g} must be at least {least_setting}, which is {least:g}"
        )


class NetworkPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simulated network when nothing is wrong with it."""

    delay_ms_min: NotNegative = 0.5
    """One way, drawn evenly from [min, max] for every message."""
    delay_ms_max: NotNegative = 1.5
    loss: Probability = 0.0
    """The share of messages lost even without a fault."""
    duplicate: Probability = 0.0
    """The share of messages delivered twice even without a fault."""

    def __post_init__(self) -> None:
        _require_ordered(self.delay_ms_min, self.delay_ms_max, "delay_ms_max", "delay_ms_min")


class DiskPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simulated disk when nothing is wrong with it."""

    fsync_ms_min: NotNegative = 0.2
    """One fsync, drawn evenly from [min, max]."""
    fsync_ms_max: NotNegative = 1.0

    def __post_init__(self) -> None:
        _require_ordered(self.fsync_ms_min, self.fsync_ms_max, "fsync_ms_max", "fsync_ms_min")


class NodePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The knobs of every node; the system's documentation says what they do to it."""

    heartbeat_ms: Positive = 100.0
    election_timeout_ms: tuple[Positive, Positive] = (300.0, 600.0)
    """[min, max]; every wait is drawn anew (Raft §5.2)."""
    pre_vote: bool = True
    """Nodes ask whether they would be elected before they stand (thesis §9.6)."""
    check_quorum: bool = True
    """A leader that no quorum answers steps down (thesis §6.2); who hears a leader ignores
    candidates (§4.2.3)."""
    request_timeout_ms: Positive = 2000.0
    """After this a node gives up on a client's request."""
    append_entries_max: Count = 64
    """Entries in one AppendEntries."""
    appends_in_flight_max: Count = 4
    """Unanswered AppendEntries per peer."""
    backend_commit_entries: Count = 1000
    """A node makes its store durable after so many applied entries."""
    snapshot_entries: Count = 10_000
    """A node trims its log when so many entries may be forgotten."""
    catch_up_entries: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 5_000
    """Entries kept for followers to catch up with, although the store holds their outcome."""
    snapshot_chunk_bytes: Count = 1 << 20
    """Bytes of a store's state in one message to a follower that is too far behind."""
    watch_progress_ms: Positive = 600_000.0
    """How often watchers that wish it are told how far they are."""
    watch_batch_rows: Count = 1000
    """Rows of history read at a time for watchers that are behind."""
    watch_fragment_bytes: Count = 2_097_152
    """Responses of this size are cut for watchers that allow it."""
    lease_checkpoint_ms: Positive = 300_000.0
    """What is left of a lease that has longer is written down so often."""
    quota_backend_bytes: Count = 1_000_000_000
    """When a node's store holds so much, the cluster takes nothing that makes stores grow."""

    def __post_init__(self) -> None:
        shortest, longest = self.election_timeout_ms
        if shortest < 2 * self.heartbeat_ms:
            raise SettingError(
                "election_timeout_ms",
                f"the minimum, {shortest:g}, must be at least two heartbeats"
                f" (heartbeat_ms = {self.heartbeat_ms:g}; Raft §5.6)",
            )
        if longest <= shortest:
            raise SettingError(
                "election_timeout_ms",
                f"the maximum, {longest:g}, must be more than the minimum, {shortest:g}",
            )


class DaemonPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operating-system processes of a real cluster; the simulation has none."""

    version: str | None = None
    """Of the store, as in `3.5.16` or, for the newest of a line, `3.5`. None: any."""
    versions: tuple[str, ...] = ()
    """Of the nodes one by one, for a cluster of several versions; instead of `version`."""
    binary: str | None = None
    """The store's program. None: it is looked for (`quorate doctor`)."""
    image: str | None = None
    """Of containers. None: they run this machine's own programs."""
    clocks: tuple[Literal["wall", "monotonic"], ...] = ("wall",)
    """Which clocks of a daemon faults of clocks bend. Timers of the kernel do not notice."""
    inventory: str | None = None
    """The file that names the hosts over SSH."""
    attach: bool = False
    """Whether containers that run already are taken, and left running (docker-compose.yml)."""
    flags: tuple[str, ...] = ()
    """Given to every daemon, after the harness's own. etcd's are given by the name that each
    version has for them; with a `?` in front, only to versions that have one."""
    quota_bytes: Count = 8_000_000
    """What each store may hold in a trial whose faults exhaust the quota; else it has its own
    default, in etcd 2 GiB. Clients whose own writes exhaust it find nobody who makes room."""
    fsync: bool = True
    """Whether daemons wait for their disks; if not, only their own code is tested, and faster."""
    peer_proxy: bool = False
    """Whether a proxy stands between the peers that knows single Raft messages, so that they can
    be held, doubled and overtaken. etcd's only; slower."""
    ready_s: Positive = 30.0
    """How long a daemon may take until it serves."""

    def __post_init__(self) -> None:
        if self.versions and (self.version is not None or self.binary is not None):
            raise SettingError("versions", "goes with neither version nor binary")


class WatchPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How clients watch, in workloads that have some who do, and what is done to what they watch.

    Times are means.
    """

    compactions: Probability = 0.05
    """The share of operations that ask for a compaction."""
    deletions: Probability = 0.15
    """The share of operations that delete a key; what is left is the mix of `kv`."""
    compact_to_deletion: Probability = 0.6
    """The share of compactions that go to the revision of the last deletion."""
    compact_depth: Count = 20
    """Revisions that any other compaction leaves readable, at most."""
    clients_per_node: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 2
    """Clients that watch, each by one stream at a time; 0: nobody does."""
    watchers: Count = 4
    """Watchers of one client at a time."""
    burst: Count = 1
    """Watchers that a client asks for at once."""
    act_ms: Positive = 150.0
    """From one thing a client does to the next."""
    rest_ms: Positive = 400.0
    """How long a client reads nothing when it is slow."""
    past: Count = 50
    """How many revisions back a watch of the past begins, at most."""
    future: Count = 30
    """How many revisions ahead a watch may begin."""

    def __post_init__(self) -> None:
        if self.compactions + self.deletions > 1:
            raise SettingError("deletions", "with compactions is more than 1")


class MixedPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `mixed` does besides reading, writing, leasing and watching."""

    beat_ms: Positive = 75.0
    """The leases that are kept alive are so by turns, one in every beat, through any node."""
    burst_puts: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    """Puts in one burst, as fast as they go; 0: no bursts. To fall so far behind in one that it
    needs a snapshot, a follower of etcd's must miss 5,000 and as many as `snapshot_entries`."""
    burst_every_s: Positive = 10.0
    """From the beginning of the load to the first burst, and from the end of one to the next."""
    write_with_old_reads: Probability = 0.0
    """The share of transactions that read old revisions and write as well. Known to part etcd's
    members, 3.4 and 3.5 alike, if what is read is compacted or still to come."""
    maintenance: Probability = 0.01
    """The share of operations that ask a node of a real cluster to defragment its store, or to
    take note of a member's addresses."""


class LivenessPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the cluster once every fault has been undone."""

    bound_s: Positive = 20.0
    """It must elect, commit and converge within this time; in simulation, at least come nearer to
    it in every half of it that follows."""


class CheckPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the judgement may cost."""

    steps_max: Count = 10_000_000
    """Steps of one checker's search, after which it answers UNKNOWN."""
    memory_mb_max: Count = 512
    """Megabytes that one checker's search may remember things in, besides the history, before it
    answers UNKNOWN."""

    @property
    def budget(self) -> Budget:
        """The same, as checkers take it."""
        return Budget(steps_max=self.steps_max, memory_mb_max=self.memory_mb_max)


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trial. The defaults are the trial of `make run`."""

    version: Literal[1] = PLAN_VERSION
    """Of the plan's format."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    """The origin of all chance in the trial."""
    system: str = "nodeimpl"
    """The store under test."""
    environment: str = "simulation"
    """Where it runs."""
    nodes: Annotated[int, msgspec.Meta(ge=1, le=99)] = 3
    """Voting members of the cluster, named n1, n2, ..."""
    mutant: str | None = None
    """A planted bug for every node to have (`quorate mutants`); None for the node as it is."""
    workload: WorkloadPlan = WorkloadPlan()
    faults: FaultPlan = FaultPlan()
    network: NetworkPlan = NetworkPlan()
    disk: DiskPlan = DiskPlan()
    node: NodePlan = NodePlan()
    daemon: DaemonPlan = DaemonPlan()
    watch: WatchPlan = WatchPlan()
    mixed: MixedPlan = MixedPlan()
    liveness: LivenessPlan = LivenessPlan()
    checks: CheckPlan = CheckPlan()

    @property
    def node_names_ever(self) -> tuple[str, ...]:
        """The nodes, and all that may join them, in the order of their numbers."""
        return tuple(f"n{number}" for number in range(1, self.nodes + NODES_JOINING_MAX + 1))

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes, in the order of their numbers."""
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))
