"""One network namespace per node on this machine, all on one bridge; the harness has a leg there.

Every namespace is held by a process that only sleeps and bears the cluster's mark. Interfaces,
addresses and rules live in the namespaces, so they are gone as soon as the holders are: there is
nothing else to be undone, whoever ends them. The bridge has a namespace of its own, too, where no
rule of this machine applies to it. Each node also has its own view of the mounts, so that what is
mounted for one node is seen by nobody else, and goes with it.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from harness.environments.hosts.subnets import HARNESS_HOST, Subnet
from harness.errors import HarnessError

_TOOLS: Final = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
_HOLD: Final = "ip link set lo up && echo && exec sleep infinity"
_TIMEOUT_S: Final = 10


def obstacle() -> str | None:
    """Return why there can be no namespaces here, and what to do; None if there can be."""
    for tool, package in _TOOLS.items():
        if shutil.which(tool) is None:
            return f"{tool} is missing: apt-get install {package}"
    if os.geteuid() != 0:
        return "an ordinary user may not make network namespaces: run as root"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "true"],  # noqa: S607 - the system's own
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        return f"no namespace can be made: {tried.stderr.strip() or 'unshare does not say why'}"
    return None


class Namespaces:
    """The network of one cluster."""

    def __init__(self, nodes: Sequence[str], variables: Mapping[str, str]) -> None:
        """Make it; raises `HarnessError` if it cannot be made. Holders run with `variables`."""
        self._variables = dict(variables)
        self._leg = f"quorate{secrets.token_hex(4)}"  # An interface's name has 15 bytes at most.
        self._holders: dict[str, subprocess.Popen[bytes]] = {}
        """By node, in the order in which they came."""
        self._bridge: subprocess.Popen[bytes] | None = None
        self._subnet = Subnet()
        try:
            self._make(nodes)
        except BaseException:
            self.close()
            raise

    def address(self, node: str) -> str:
        """Return the node's address."""
        return self._subnet.address(1 + list(self._holders).index(node))

    def entry(self, node: str) -> Sequence[str]:
        """Return the beginning of a command that runs in the node's namespaces."""
        return _entry(self._holders[node])

    def join(self, node: str) -> None:
        """Make the namespace of a new node, on the same bridge; raises `HarnessError`."""
        self._holders[node] = self._hold()
        self._connect([node])

    def close(self) -> None:
        """End the holders, and with them everything else.

        The leg would go with the bridge's namespace, but later, when the kernel gets to it.
        """
        subprocess.run(  # noqa: S603 - it may not be there yet
            ["ip", "link", "delete", self._leg],  # noqa: S607 - the system's own
            capture_output=True,
            check=False,
        )
        bridge = () if self._bridge is None else (self._bridge,)
        for holder in (*self._holders.values(), *bridge):
            holder.kill()
            holder.wait()
            if holder.stdout is not None:
                holder.stdout.close()
        self._holders.clear()
        self._bridge = None
        self._subnet.release()

    def _make(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self._holders[node] = self._hold()
        self._bridge = self._hold()
        _await(self._bridge)
        bridge = _entry(self._bridge)
        _ip(["link add bridge type bridge", "link set bridge up"], bridge)
        self._connect(nodes)
        _ip(
            [
                f"link add {self._leg} type veth peer name leg netns {self._bridge.pid}",
                f"addr add {self._subnet.address(HARNESS_HOST)}/24 dev {self._leg}",
                f"link set {self._leg} up",
            ]
        )
        _ip(["link set leg master bridge up"], bridge)

    def _connect(self, nodes: Sequence[str]) -> None:
        """Connect the nodes' namespaces, which are being made, to the bridge's."""
        assert self._bridge is not None, "the bridge is there before any node"
        lines = []
        for node in nodes:
            holder = self._holders[node]
            _await(holder)
            port = f"port{list(self._holders).index(node)}"
            lines += [
                f"link add {port} type veth peer name eth0 netns {holder.pid}",
                f"link set {port} master bridge up",
            ]
        _ip(lines, _entry(self._bridge))
        for node in nodes:
            address = f"{self.address(node)}/24"
            _ip([f"addr add {address} dev eth0", "link set eth0 up"], self.entry(node))

    def _hold(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - fixed commands
            ["unshare", "--net", "--mount", "sh", "-c", _HOLD],  # noqa: S607 - the system's own
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # It may outlive whoever reads what we print.
            start_new_session=True,  # Ctrl-C is the harness' to handle.
        )


def _await(holder: subprocess.Popen[bytes]) -> None:
    """Wait until the namespace is there."""
    assert holder.stdout is not None, "it was asked for"
    if holder.stdout.readline() != b"\n":
        raise HarnessError("a network namespace for a node cannot be made; quorate doctor")


def _entry(holder: subprocess.Popen[bytes]) -> Sequence[str]:
    namespaces = f"/proc/{holder.pid}/ns"
    return ["nsenter", f"--net={namespaces}/net", f"--mount={namespaces}/mnt", "--"]


def _ip(lines: Sequence[str], prefix: Sequence[str] = ()) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            [*prefix, "ip", "-batch", "-"],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"ip cannot be run: {error}") from error
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["it does not say why"]
        raise HarnessError(f"the nodes' network cannot be made: ip: {words[0]}")
