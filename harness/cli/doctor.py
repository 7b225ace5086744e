"""`quorate doctor`: what this machine can do, and how to make it do more."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import click
import msgspec

from harness.environments.containers.engine import containers_left, heal_containers
from harness.environments.hosts.groups import dead_groups, remove_group
from harness.environments.hosts.instruments import (
    clock_obstacle,
    disk_obstacle,
    pressure_obstacle,
)
from harness.environments.hosts.processes import end, orphans
from harness.environments.local import namespaces
from harness.environments.ssh.healing import leftovers_on
from harness.environments.ssh.inventory import Host, read_inventory
from harness.errors import HarnessError
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.systems.installed import installed
from harness.trial import run_trial
from nemesis.host.mounts import dead_mounts, unmount
from nemesis.schedule import Schedule

_PROBE_TIMEOUT_S = 5


class State(StrEnum):
    """How it stands with one ability."""

    YES = "yes"
    NO = "no"


class Finding(msgspec.Struct, frozen=True):
    """One ability of this machine."""

    name: str
    state: State
    detail: str
    fix: str = ""
    """What to do about a `no`; empty if nothing can be done or need be."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option(
    "--heal", is_flag=True, help="End daemons, and remove containers, that outlived their harness."
)
@click.option(
    "--inventory", type=click.Path(path_type=Path), help="Look at (or heal) these hosts, too."
)
def doctor(as_json: bool, heal: bool, inventory: Path | None) -> None:
    """Say what this machine can do: simulation, and the tools that real clusters need.

    The simulation needs nothing but Python; it is tried here. Exit code 0 if it works.
    """
    hosts = () if inventory is None else read_inventory(inventory)
    if heal:
        for healed in _heal():
            click.echo(healed, err=as_json)
    findings = [*_findings(), *_of_hosts(hosts, heal=heal)]
    if as_json:
        click.echo(msgspec.json.encode({finding.name: finding for finding in findings}).decode())
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            click.echo(f"{finding.name:<{width}}  {finding.state:<3}  {finding.detail}")
            if finding.state is State.NO and finding.fix:
                click.echo(f"{'':<{width}}       to fix: {finding.fix}")
    if findings[0].state is State.NO:
        raise click.exceptions.Exit(3)


def _heal() -> Iterator[str]:
    """Undo what killed harnesses left; yield what was done."""
    for daemon in orphans():
        end(daemon)
        yield f"ended process {daemon.process.pid} of {daemon.run}"
    for mount in dead_mounts():
        unmount(mount)
        yield f"unmounted {mount}"
    for group in dead_groups():
        remove_group(group)
        yield f"removed the control group {group}"
    for cluster in heal_containers():
        yield f"removed the containers of {cluster}"


def _findings() -> Iterator[Finding]:
    yield _simulation()
    yield _python()
    yield _etcd()
    yield _leftovers()
    yield _docker()
    yield _root()
    yield _ability("namespaces", namespaces.obstacle(), "a network for each node of --env local")
    yield _ability("clocks", clock_obstacle(), "those of a daemon can be bent")
    yield _ability("disks", disk_obstacle(), "slow, failing, lying and powerless ones")
    yield _ability("pressure", pressure_obstacle(), "processor time and memory can be limited")
    for command, package, purpose in (
        ("iptables", "iptables", "links that are cut, slow or lossy"),
        ("sshd", "openssh-server", "hosts over SSH, to be tested here"),
    ):
        yield _tool(command, package, purpose)


def _of_hosts(hosts: Sequence[Host], *, heal: bool) -> Iterator[Finding]:
    """Say of each host whether anything is left on it, or was until now."""
    for number, host in enumerate(hosts, start=1):
        node = f"n{number}"
        try:
            left = leftovers_on(node, host, heal=heal)
        except HarnessError as error:
            yield Finding(node, State.NO, str(error), "see the inventory, and ask again")
            continue
        found = ", ".join(left)
        if not left:
            yield Finding(node, State.YES, f"nothing is left on {host.address}")
        elif heal:
            yield Finding(node, State.YES, f"removed from {host.address}: {found}")
        else:
            fix = "quorate doctor --heal --inventory FILE"
            yield Finding(node, State.NO, f"left on {host.address}: {found}", fix)


def _simulation() -> Finding:
    """Try a short trial twice: it must pass, and must do the same both times."""
    plan = Plan(workload=WorkloadPlan(time_limit_s=1.0), faults=FaultPlan(packages=()))
    first, second = (run_trial(plan, Schedule(seed=plan.seed, asked=())) for _ in range(2))
    if first.simulation.digest != second.simulation.digest:
        return Finding("simulation", State.NO, "two runs of one seed differ: please report this")
    return Finding("simulation", State.YES, "two runs of one seed gave one digest")


def _python() -> Finding:
    version = platform.python_version()
    if sys.flags.optimize:
        return Finding(
            "python", State.NO, f"{version} with -O: assertions are off", "run it without -O"
        )
    return Finding("python", State.YES, f"{version}, {os.cpu_count()} cores")


def _etcd() -> Finding:
    try:
        found = installed()
    except HarnessError as error:
        return Finding("etcd", State.NO, str(error), "remove it, or put another first on PATH")
    if not found:
        fix = "apt-get install etcd-server etcd-client, or quorate fetch-etcd --suite trixie"
        return Finding("etcd", State.NO, "none is installed", fix)
    return Finding("etcd", State.YES, ", ".join(f"{each.version} {each.path}" for each in found))


def _leftovers() -> Finding:
    left = [str(daemon.process.pid) for daemon in orphans()]
    left += map(str, dead_mounts())
    left += map(str, dead_groups())
    left += containers_left()
    if not left:
        return Finding("leftovers", State.YES, "none: everything of ours has its harness")
    found = ", ".join(left)
    return Finding(
        "leftovers",
        State.NO,
        f"processes, mounts, control groups or containers without a harness: {found}",
        "quorate doctor --heal",
    )


def _docker() -> Finding:
    path = shutil.which("docker")
    if path is None:
        return Finding("docker", State.NO, "not installed", "apt-get install docker.io")
    server = _first_line([path, "version", "--format", "{{.Server.Version}}"])
    if not server[:1].isdigit():
        return Finding("docker", State.NO, "no engine answers", "start dockerd")
    return Finding("docker", State.YES, f"engine {server}")


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root", State.YES, "may make namespaces, mounts and firewall rules")
    return Finding("root", State.NO, "an ordinary user", "run as root, or use the simulation")


def _ability(name: str, obstacle: str | None, purpose: str) -> Finding:
    if obstacle is None:
        return Finding(name, State.YES, purpose)
    detail, _, fix = obstacle.partition(": ")
    return Finding(name, State.NO, detail, fix)


def _tool(command: str, package: str, purpose: str) -> Finding:
    path = shutil.which(command)
    if path is None:
        return Finding(command, State.NO, f"missing: {purpose}", f"apt-get install {package}")
    return Finding(command, State.YES, purpose)


def _first_line(command: list[str]) -> str:
    """Return the first line that `command` prints, or why there is none."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands found on PATH
            command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not answer: {error}"
    return (done.stdout or done.stderr or "printed nothing").splitlines()[0]
