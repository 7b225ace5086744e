"""A cluster of our own node: real processes on loopback, and etcdctl to talk to them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.systems.installed import cache_directory

START_SECONDS = 60
CALL_SECONDS = 30
OUR_NODE = (sys.executable, "-m", "nodeimpl")


def program_of_etcd(name: str) -> str:
    """Return where `etcd` or `etcdctl` is: on PATH, or the oldest that `quorate fetch-etcd` got.

    Without either the bare name, which nobody can run: a test that needs it fails, and says so.
    """
    fetched = [str(path) for path in sorted(cache_directory().glob(f"*/{name}"))]
    return shutil.which(name) or next(iter(fetched), name)


ETCDCTL = program_of_etcd("etcdctl")
ETCD = (program_of_etcd("etcd"),)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@dataclass
class Member:
    """One member: its addresses, its data, and its process while it runs."""

    name: str
    directory: Path
    client: str
    peer: str
    flags: tuple[str, ...] = ()
    program: tuple[str, ...] = OUR_NODE
    variables: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> str:
        """Everything it has logged, in all its runs."""
        return (self.directory.parent / f"{self.name}.log").read_text()

    def start(self, initial_cluster: str, state: str = "new") -> None:
        """Start the process."""
        assert self.process is None, f"{self.name} runs already"
        command = [
            *self.program,
            f"--name={self.name}",
            f"--data-dir={self.directory}",
            f"--listen-client-urls={self.client}",
            f"--advertise-client-urls={self.client}",
            f"--listen-peer-urls={self.peer}",
            f"--initial-advertise-peer-urls={self.peer}",
            f"--initial-cluster={initial_cluster}",
            f"--initial-cluster-state={state}",
            *self.flags,
        ]
        with (self.directory.parent / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.variables}
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        assert self.process is not None, f"{self.name} does not run"
        self.process.send_signal(number)
        code = self.process.wait(CALL_SECONDS)
        self.process = None
        return code

    def wait(self) -> int:
        """Return the exit code once the process has ended of itself."""
        assert self.process is not None, f"{self.name} does not run"
        code = self.process.wait(START_SECONDS)
        self.process = None
        return code


class Cluster:
    """Members that found a cluster together."""

    def __init__(
        self,
        directory: Path,
        size: int,
        *,
        flags: Sequence[str] = (),
        scheme: str = "http",
        program: tuple[str, ...] = OUR_NODE,
    ) -> None:
        ports = free_ports(2 * size)
        self.directory = directory
        self.scheme = scheme
        self.ctl_flags: tuple[str, ...] = ()
        self.members = [
            Member(
                f"n{number}",
                directory / f"n{number}",
                f"{scheme}://127.0.0.1:{ports[2 * number]}",
                f"{scheme}://127.0.0.1:{ports[2 * number + 1]}",
                tuple(flags),
                program,
            )
            for number in range(size)
        ]
        self.initial = ",".join(f"{member.name}={member.peer}" for member in self.members)

    @property
    def endpoints(self) -> str:
        """All members' client addresses, for etcdctl."""
        return ",".join(member.client for member in self.members)

    def start(self) -> None:
        """Start every member, and wait until each serves."""
        for member in self.members:
            member.start(self.initial)
        self.wait_until_healthy()

    def stop(self) -> None:
        """End whatever still runs."""
        for member in self.members:
            if member.process is not None:
                member.end(signal.SIGKILL)

    def wait_until_healthy(self, *members: Member) -> None:
        """Return when each of these members, or all, serves linearizable reads."""
        for member in members or self.members:
            wait_until(lambda member=member: self.is_healthy(member), START_SECONDS)

    def is_healthy(self, member: Member) -> bool:
        """Return whether a member serves."""
        assert member.process is not None, f"{member.name} does not run"
        assert member.process.poll() is None, f"{member.name} has ended:\n{member.log}"
        return self.ctl("endpoint", "health", at=member, check=False).returncode == 0

    def ctl(
        self, *arguments: str, at: Member | None = None, check: bool = True, stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Return what etcdctl did, told to talk to one member or to all."""
        endpoints = self.endpoints if at is None else at.client
        return etcdctl(endpoints, *self.ctl_flags, *arguments, check=check, stdin=stdin)

    def out(self, *arguments: str, at: Member | None = None, stdin: str = "") -> str:
        """Return what etcdctl printed; it must succeed."""
        return self.ctl(*arguments, at=at, stdin=stdin).stdout


def etcdctl(
    endpoints: str,
    *arguments: str,
    check: bool = True,
    stdin: str = "",
    variables: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Return what etcdctl did."""
    done = subprocess.run(
        [ETCDCTL, f"--endpoints={endpoints}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        input=stdin,
        timeout=CALL_SECONDS,
        env={**os.environ, "ETCDCTL_API": "3", **(variables or {})},
    )
    assert done.returncode == 0 or not check, f"{arguments}:\n{done.stdout}{done.stderr}"
    return done


def wait_until(condition: "object", seconds: float = CALL_SECONDS) -> None:
    """Return when the condition holds; fail if it does not come to."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Run a cluster, and leave nothing of it running."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
