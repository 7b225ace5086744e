"""Three hosts: namespaces of this machine, each with an sshd of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.environments.local.namespaces import Namespaces
from harness.environments.ssh.inventory import Host, read_inventory

_SSHD = "/usr/sbin/sshd"
_SETTINGS = """
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
MaxSessions 100
MaxStartups 100
PidFile none
Subsystem sftp internal-sftp
SetEnv SHLVL=2
"""
"""The last line keeps bash from reading the user's own start-up files, as it does under sshd: what
these do, such as take locks, must not be in the way of tests that kill sessions."""


class SshHosts:
    """The hosts, and the inventory that names them."""

    def __init__(self, folder: Path) -> None:
        self.nodes = ("n1", "n2", "n3")
        self.network = Namespaces(self.nodes, os.environ)
        for key in ("host_key", "key"):
            command = [
                "/usr/bin/ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                str(folder / key),
            ]
            subprocess.run(command, check=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        settings = folder / "sshd_config"
        keys = f"HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/key.pub\n"
        settings.write_text(f"{keys}{_SETTINGS}")
        self.daemons = [
            subprocess.Popen(
                [*self.network.entry(node), _SSHD, "-D", "-f", settings],
                stderr=subprocess.DEVNULL,
            )
            for node in self.nodes
        ]
        public = (folder / "host_key.pub").read_text()
        known = "".join(f"{self.network.address(node)} {public}" for node in self.nodes)
        (folder / "known_hosts").write_text(known)
        self.directory = folder / "on-host"
        self.inventory = folder / "inventory.toml"
        self.write_inventory(folder / "known_hosts", folder / "key")
        time.sleep(0.5)

    def write_inventory(self, known_hosts: Path, key: Path) -> None:
        lines = [
            "[defaults]",
            f'key = "{key}"',
            f'known_hosts = "{known_hosts}"',
            f'directory = "{self.directory}"',
            f'python = "{sys.executable}"',
        ]
        for node in self.nodes:
            lines += ["[[hosts]]", f'address = "{self.network.address(node)}"']
        self.inventory.write_text("\n".join(lines) + "\n")

    def all_hosts(self) -> Sequence[Host]:
        """Return the hosts as the inventory has them."""
        return read_inventory(self.inventory)

    def kill_agents(self) -> None:
        """Kill every agent, so that none can undo anything."""
        mark = f"{self.directory}/quorate-".encode()
        for pid in self._guests():
            words = (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
            if any(word.startswith(mark) and word.endswith(b"/agent.pyz") for word in words):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End everything on the hosts, sessions included, and the hosts."""
        for daemon in self.daemons:
            daemon.kill()
            daemon.wait()
        for pid in self._guests():
            with suppress(ProcessLookupError):  # It may have ended with its session.
                os.kill(pid, signal.SIGKILL)
        self.network.close()

    def _guests(self) -> list[int]:
        """Return the processes in the hosts' networks, but for those that hold these."""
        held = {_network(int(self.network.entry(node)[1].split("/")[2])) for node in self.nodes}
        holders = {int(self.network.entry(node)[1].split("/")[2]) for node in self.nodes}
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if _network(pid) in held and pid not in holders]


def _network(pid: int) -> str:
    """Return the name of a process' network namespace; empty if it has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""
