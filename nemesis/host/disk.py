"""A disk for one daemon: a mounted file system whose files know what was synced."""

from pathlib import Path
from random import Random

from nemesis.host.fault_files import FaultFiles
from nemesis.host.fuse import FuseServer
from nemesis.host.request import HostError, Request


class Disk:
    """Answers `set` (`sync_delay_ns`, `is_failing`, `is_full`), `lie`, and those of a power cut.

    A power cut is `power_off`, the end of the daemon, and `lose`, which tells how many bytes were
    lost; `lost` tells how many of those had been called durable.
    """

    def __init__(self, seed: str, below: Path, mount: Path) -> None:
        """Show the folder `below` at `mount`; raises `HostError`."""
        self._files = FaultFiles(Random(seed))
        self._server = FuseServer(self._files, below, mount)

    def answer(self, what: str, request: Request) -> object:
        """Do what is asked."""
        match what:
            case "set":
                self._files.sync_delay_s = request.integer("sync_delay_ns") / 1e9
                self._files.is_failing = request.flag("is_failing")
                self._files.is_full = request.flag("is_full")
            case "lie":
                if request.flag("is_lying"):
                    self._files.is_lying = True
                else:
                    self._files.tell_truth()
            case "power_off":
                self._files.power_off()
            case "lose":
                return self._files.lose(torn_tail=request.flag("torn_tail"))
            case "lost":
                return self._files.lost_bytes()
            case _:
                raise HostError(f"a disk cannot {what}")
        return self._files.sync_count

    def close(self) -> None:
        """Unmount it."""
        self._server.unmount()
