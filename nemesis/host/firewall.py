"""Rules of iptables at the door of one network namespace: whose packets are dropped or queued.

All rules are in a chain of our own, replaced as a whole in one transaction (iptables-restore(8)),
so that no packet meets half a setting. They stand where packets come in, so each cuts one
direction of one link, and needs nothing of the sender.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nemesis.host.impairment import Impairment
from nemesis.host.request import HostError

CHAIN: Final = "QUORATE"
QUEUE: Final = 0
"""The number of the kernel's queue in which packets wait for us."""

MARK: Final = 0x71
"""On packets that we send ourselves, which are not to be looked at again."""

_TIMEOUT_S: Final = 10
_COUNTED: Final = re.compile(r"^\[(\d+):\d+\] -A QUORATE -s ([\d.]+)(?:/32)? .*-j (DROP|NFQUEUE)")


@dataclass(frozen=True, slots=True)
class Counted:
    """A rule in force: packets of whom, met so far, and what becomes of them."""

    sender: str
    packets: int
    is_drop: bool


def rules(senders: Mapping[str, Impairment]) -> str:
    """Return what iptables-restore is to be told: these impairments by address, and no others."""
    lines = ["*filter", f":{CHAIN} - [0:0]"]
    if any(each.is_queued for each in senders.values()):
        lines.append(f"-A {CHAIN} -m mark --mark {MARK} -j ACCEPT")
    for address in sorted(senders):
        if senders[address].is_cut:
            lines.append(f"-A {CHAIN} -s {address} -j DROP")
        elif senders[address].is_queued:
            target = f"-j NFQUEUE --queue-num {QUEUE} --queue-bypass"
            lines.append(f"-A {CHAIN} -s {address} {target}")
    return "\n".join([*lines, "COMMIT", ""])


def read_counts(saved: str) -> list[Counted]:
    """Return our rules in what `iptables-save --counters` printed."""
    found = map(_COUNTED.match, saved.splitlines())
    return [
        Counted(sender=match[2], packets=int(match[1]), is_drop=match[3] == "DROP")
        for match in found
        if match is not None
    ]


class Firewall:
    """The rules of the network namespace that this process is in. Raises `HostError`."""

    def __init__(self) -> None:
        """Put the chain in its place, empty."""
        _restore(rules({}))
        if f"-A INPUT -j {CHAIN}" not in _run(["iptables-save", "-t", "filter"]):
            _run(["iptables", "-w", "-I", "INPUT", "1", "-j", CHAIN])

    def impose(self, senders: Mapping[str, Impairment]) -> None:
        """Let exactly these rules be in force, and verify that they are."""
        _restore(rules(senders))
        wanted = {address: each.is_cut for address, each in senders.items() if not each.is_none}
        if {each.sender: each.is_drop for each in self.counts()} != wanted:
            raise HostError("the kernel does not show the rules that it was given")

    def counts(self) -> list[Counted]:
        """Return what every rule in force has met since it was imposed."""
        return read_counts(_run(["iptables-save", "--counters", "-t", "filter"]))


def has_chain() -> bool:
    """Say whether rules of ours are in this namespace; raises `HostError`.

    Only root can make some, and only root can look.
    """
    if os.geteuid() != 0 or shutil.which("iptables-save") is None:
        return False
    return f":{CHAIN} " in _run(["iptables-save", "-t", "filter"])


def remove_chain() -> None:
    """Leave no rule of ours in this namespace, nor any trace of one; raises `HostError`."""
    saved = _run(["iptables-save", "-t", "filter"])
    if f"-A INPUT -j {CHAIN}" in saved:
        _run(["iptables", "-w", "-D", "INPUT", "-j", CHAIN])
    if f":{CHAIN} " in saved:
        _restore(rules({}))
        _run(["iptables", "-w", "-X", CHAIN])


def _restore(text: str) -> None:
    _run(["iptables-restore", "-w", "--noflush"], text)


def _run(command: Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the system's own firewall
            command, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise HostError(f"{command[0]} is missing: apt-get install iptables") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["it does not say why"]
        raise HostError(f"{command[0]}: {words[-1]}")
    return done.stdout
