"""Real etcd, 3.4 and 3.5, as daemons: `etcd --help` of each version says what the flags mean."""

import platform
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from harness.errors import HarnessError, UsageError
from harness.plan import NodePlan, Plan
from harness.systems.flags import fitted, known_flags
from harness.systems.installed import choose
from harness.systems.system import Launch
from harness.systems.versions import Binary, Version

_ELECTION_IN_HEARTBEATS: Final = 5
"""etcd refuses an election timeout of fewer (etcdmain, config.go: Validate)."""

_CATCH_UP_RENAMED: Final = Version(3, 5, 0)
_RESTORING_TOOLS: Final = ("etcdutl", "etcdctl")
_SUPPORTED_MACHINES: Final = ("x86_64", "ppc64le", "s390x")
"""Where etcd 3.4 starts without being told that this is an experiment."""


class Etcd(msgspec.Struct, frozen=True):
    """One installed etcd, with the knobs of one plan."""

    binary: Binary
    node: NodePlan
    fsync: bool
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """See `System`."""
        return "etcd"

    @property
    def version(self) -> str:
        """See `System`."""
        return str(self.binary.version)

    def command(self, launch: Launch) -> Sequence[str]:
        """See `System`. Flags of the plan come last and so count more than these."""
        return (
            str(self.binary.path),
            *membership_flags(launch),
            *timing_flags(self.node),
            *self._snapshot_flags(),
            "--logger=zap",
            "--log-outputs=stderr",
            *(() if self.fsync else ("--unsafe-no-fsync",)),
            *self.flags,
        )

    @property
    def speaks_etcds_peer_protocol(self) -> bool:
        """See `System`."""
        return True

    def variables(self) -> Mapping[str, str]:
        """See `System`."""
        machine = platform.machine()
        if machine in _SUPPORTED_MACHINES:
            return {}
        return {"ETCD_UNSUPPORTED_ARCH": {"aarch64": "arm64"}.get(machine, machine)}

    def restore_command(self, launch: Launch, snapshot: str) -> Sequence[str]:
        """See `System`. The tools lie beside etcd; its client did this until 3.6."""
        for tool in _RESTORING_TOOLS:
            path = self.binary.path.with_name(tool)
            if path.exists():
                return (str(path), "snapshot", "restore", snapshot, *restore_flags(launch))
        raise HarnessError(f"neither etcdutl nor etcdctl is beside {self.binary.path}")

    def _snapshot_flags(self) -> Sequence[str]:
        """Return when the log is trimmed, and how much of it stays for followers."""
        flags = [f"--snapshot-count={self.node.snapshot_entries}"]
        if self.binary.version >= _CATCH_UP_RENAMED:
            kept = self.node.catch_up_entries
            flags.append(f"--experimental-snapshot-catchup-entries={kept}")
        return flags


class MixedEtcd(msgspec.Struct, frozen=True):
    """A cluster in which each node is an etcd of its own version, as in the midst of an upgrade."""

    by_node: Mapping[str, Etcd]

    @property
    def name(self) -> str:
        """See `System`."""
        return "etcd"

    @property
    def version(self) -> str:
        """See `System`."""
        return ", ".join(f"{node} {etcd.version}" for node, etcd in self.by_node.items())

    def command(self, launch: Launch) -> Sequence[str]:
        """See `System`. Who joins is of the newest version, which no cluster turns away."""
        newest = max(self.by_node.values(), key=lambda etcd: etcd.binary.version)
        return self.by_node.get(launch.member.name, newest).command(launch)

    def restore_command(self, launch: Launch, snapshot: str) -> Sequence[str]:
        """See `System`. Each by the tool of its version."""
        return self.by_node[launch.member.name].restore_command(launch, snapshot)

    @property
    def speaks_etcds_peer_protocol(self) -> bool:
        """See `System`."""
        return True

    def variables(self) -> Mapping[str, str]:
        """See `System`. The machine decides, so they are the same for all."""
        return next(iter(self.by_node.values())).variables()


def restore_flags(launch: Launch) -> Sequence[str]:
    """Return the flags, of etcd's tools, that say whose data directory is to be made."""
    wanted = ("--name=", "--data-dir=", "--initial-")
    flags = [flag for flag in membership_flags(launch) if flag.startswith(wanted)]
    return [flag for flag in flags if not flag.startswith("--initial-cluster-state=")]


def membership_flags(launch: Launch) -> Sequence[str]:
    """Return the flags, etcd's by name and meaning, that say who a member is and who is there."""
    member = launch.member
    cluster = ",".join(f"{each.name}=http://{each.peer_address}" for each in launch.members)
    return (
        f"--name={member.name}",
        f"--data-dir={launch.data_directory}",
        f"--listen-client-urls=http://{member.client_address}",
        f"--advertise-client-urls=http://{member.client_address}",
        f"--listen-peer-urls=http://{member.peer_listen_address or member.peer_address}",
        f"--initial-advertise-peer-urls=http://{member.peer_address}",
        f"--initial-cluster={cluster}",
        f"--initial-cluster-state={'existing' if launch.is_joining else 'new'}",
        f"--initial-cluster-token={launch.cluster}",
    )


def timing_flags(node: NodePlan) -> Sequence[str]:
    """Return heartbeats and election timeouts.

    etcd draws each wait from [T, 2T): T is the least timeout of the plan, or five heartbeats if
    that is less, since etcd does not start otherwise. Each is at least a millisecond.
    """
    heartbeat_ms = max(1, round(node.heartbeat_ms))
    election_ms = max(round(node.election_timeout_ms[0]), _ELECTION_IN_HEARTBEATS * heartbeat_ms)
    return (
        f"--heartbeat-interval={heartbeat_ms}",
        f"--election-timeout={election_ms}",
        f"--pre-vote={'true' if node.pre_vote else 'false'}",
    )


def etcd_of(plan: Plan) -> Etcd | MixedEtcd:
    """Return the etcd that the plan asks for, or one for each node.

    Raises `HarnessError` if this machine lacks one, `UsageError` if there is not one for each.
    """
    daemon = plan.daemon
    if not daemon.versions:
        return _etcd(choose(daemon.version, daemon.binary), plan)
    if len(daemon.versions) != plan.nodes:
        raise UsageError(
            f"daemon.versions names {len(daemon.versions)} versions for {plan.nodes} nodes; "
            "name one for each"
        )
    chosen = [choose(version, None) for version in daemon.versions]
    return MixedEtcd(
        {node: _etcd(binary, plan) for node, binary in zip(plan.node_names, chosen, strict=True)}
    )


def _etcd(binary: Binary, plan: Plan) -> Etcd:
    daemon = plan.daemon
    flags = fitted(daemon.flags, known_flags(binary.path)) if daemon.flags else ()
    return Etcd(binary, plan.node, daemon.fsync, flags)
