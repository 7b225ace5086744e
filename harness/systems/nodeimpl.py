"""Our own node as a daemon: `python -m nodeimpl`, which takes etcd's flags.

One with a planted bug is `python -m harness.mutant_daemon`, which plants it around the same node.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import msgspec

from harness.errors import HarnessError
from harness.plan import NodePlan, Plan
from harness.systems.etcd import membership_flags, restore_flags, timing_flags
from harness.systems.system import Launch


class Nodeimpl(msgspec.Struct, frozen=True):
    """The node of this very Quorate, with the knobs of one plan."""

    node: NodePlan
    fsync: bool
    flags: tuple[str, ...]
    mutant: str | None = None
    """The planted bug that every node is to have."""

    @property
    def name(self) -> str:
        """See `System`."""
        return "nodeimpl"

    @property
    def version(self) -> str:
        """See `System`."""
        return version("quorate")

    def command(self, launch: Launch) -> Sequence[str]:
        """See `System`. Flags of the plan come last and so count more than these."""
        return (
            sys.executable,
            "-m",
            *self._module(),
            *membership_flags(launch),
            *timing_flags(self.node),
            f"--snapshot-count={self.node.snapshot_entries}",
            f"--experimental-snapshot-catchup-entries={self.node.catch_up_entries}",
            *(() if self.fsync else ("--unsafe-no-fsync",)),
            *self.flags,
        )

    def restore_command(self, launch: Launch, snapshot: str) -> Sequence[str]:
        """See `System`."""
        tool = (sys.executable, "-m", "nodeimpl.snapctl", "restore", snapshot)
        return (*tool, *restore_flags(launch))

    @property
    def speaks_etcds_peer_protocol(self) -> bool:
        """See `System`."""
        return False

    def variables(self) -> Mapping[str, str]:
        """See `System`."""
        return {}

    def _module(self) -> Sequence[str]:
        if self.mutant is None:
            return ("nodeimpl",)
        return ("harness.mutant_daemon", self.mutant)


def nodeimpl_of(plan: Plan) -> Nodeimpl:
    """Return the node that the plan asks for; raises `HarnessError` for any but this version."""
    daemon = plan.daemon
    if daemon.versions:
        raise HarnessError("nodeimpl is of one version; daemon.versions is for --system etcd")
    if daemon.binary is not None:
        raise HarnessError("nodeimpl is run by this Python; --etcd-binary is for --system etcd")
    system = Nodeimpl(plan.node, daemon.fsync, daemon.flags, plan.mutant)
    if daemon.version not in (None, system.version):
        raise HarnessError(f"this is nodeimpl {system.version}, not {daemon.version} as asked for")
    return system
