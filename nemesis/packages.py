"""Kinds of trouble by name, as the command line and a plan ask for them: `kill,partition`."""

import difflib
import enum
from collections.abc import Sequence


class Package(enum.StrEnum):
    """A kind of trouble that `nemesis.generate` can draw a schedule of.

    The order is part of a schedule's identity (it numbers the faults): add at the end.
    What a package draws is said in `nemesis.faults.registry`.
    """

    KILL = "kill"
    POWER = "power"
    PAUSE = "pause"
    PARTITION = "partition"
    LOSS = "loss"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    CLOCK = "clock"
    DISK = "disk"
    LYING_DISK = "lying-disk"
    BITROT = "bitrot"
    HOLD = "hold"
    STORM = "storm"
    COMPACT = "compact"
    MEMBERSHIP = "membership"
    TRANSFER = "transfer"
    STOP = "stop"
    STUTTER = "stutter"
    DEFRAGMENT = "defragment"
    PRESSURE = "pressure"
    BANDWIDTH = "bandwidth"
    DEPOSE = "depose"
    QUOTA = "quota"
    RESTORE = "restore"

    @property
    def description(self) -> str:
        """Say in one sentence what the package does."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Package.KILL: "Kills daemons as `kill -9` does and starts them again; what they wrote is kept.",
    Package.POWER: "Cuts the power: unsynced writes are lost, the last one sometimes torn.",
    Package.PAUSE: "Stops the execution of daemons for a while, as SIGSTOP does.",
    Package.PARTITION: "Cuts links: halves, majority rings, bridges, isolated or half-deaf nodes.",
    Package.LOSS: "Loses a share of the messages.",
    Package.DELAY: "Delays messages, evenly or with jitter.",
    Package.DUPLICATE: "Delivers a share of the messages twice.",
    Package.REORDER: "Lets a share of the messages be overtaken by later ones.",
    Package.CLOCK: "Lets clocks jump ahead, run too fast or too slow, or swing between both.",
    Package.DISK: "Makes disks slow, lets their fsyncs fail, or fills them; daemons may stop.",
    Package.LYING_DISK: "Lets a minority of disks forget in a power cut what they called durable.",
    Package.BITROT: "Flips bits of logs, which nodes find by checksums and refuse to start from.",
    Package.HOLD: "Keeps single messages back and lets them go when they are long out of date.",
    Package.STORM: "Restarts daemons many times in quick succession.",
    Package.COMPACT: "Asks nodes to compact their store, down to the present or nearly so.",
    Package.MEMBERSHIP: "Adds nodes, removes them, and replaces them by new ones.",
    Package.TRANSFER: "Asks leaders to hand their leadership over.",
    Package.DEFRAGMENT: "Asks nodes to defragment their stores.",
    Package.STOP: "Asks daemons to stop in their own time, as SIGTERM does, and starts them again.",
    Package.STUTTER: "Lets daemons run in short turns only, as a machine with too much to do.",
    Package.PRESSURE: "Leaves daemons too little processor time or memory; real machines only.",
    Package.BANDWIDTH: "Lets links carry only so many bytes in a second; real machines only.",
    Package.DEPOSE: "Cuts off, freezes or kills new leaders, once or again and again.",
    Package.QUOTA: "Fills stores until they refuse to grow, then makes room; real machines only.",
    Package.RESTORE: "Saves the store and restores every member from that; real machines only.",
}


REAL_ONLY = (Package.PRESSURE, Package.BANDWIDTH, Package.QUOTA, Package.RESTORE)
"""What is a matter of machines, or of operators, of which the simulation has none."""


class UnknownPackageError(ValueError):
    """No package has that name; the message lists those that exist."""


def parse_packages(text: str) -> tuple[Package, ...]:
    """Return the packages named in `text`, separated by commas, each once, in fixed order.

    `all` means every package of the simulation; `none`, alone, means no faults. Raises
    `UnknownPackageError`.
    """
    names = [name.strip() for name in text.split(",")]
    if names == ["none"]:
        return ()
    if "all" in names:
        names.remove("all")
        names.extend(package for package in Package if package not in REAL_ONLY)
    asked = {_package(name) for name in names}
    return tuple(package for package in Package if package in asked)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ` (did you mean ...?)` if one of `known` resembles `name`, else an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _package(name: str) -> Package:
    known = [*Package, "all", "none"]
    if name == "none":
        raise UnknownPackageError("`none` stands alone: it cannot be combined with other faults")
    if name not in known:
        raise UnknownPackageError(
            f"no faults are called `{name}`{nearest(name, known)}; there are {', '.join(known)}"
        )
    return Package(name)
