"""A disk for one daemon: a mounted file system whose files know what was synced."""

from pathlib import Path
from random import Random

from nemesis.host.fault_files import FaultFiles
from nemesis.host.fuse import FuseServer
from nemesis.host.request import HostError, Request


class Disk:
    """Answers `set` (`sync_delay_ns`, `is_failing`, `is_full`), `lie`, a power cut's and rot's.

    A power cut is `power_off`, the end of the daemon, and `lose`, which tells how many bytes were
    lost; `lost` tells how many of those had been called durable. Of rot, `flip` flips bits of a
    file, `rotten` tells how many are wrong now, and so does `put_right`, which makes them right.
    """

    def __init__(self, seed: str, below: Path, mount: Path) -> None:
        """Show the folder `below` at `mount`; raises `HostError`."""
        self._below = below
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
                return self._rot(what, request)
        return self._files.sync_count

    def close(self) -> None:
        """Unmount it; what is below is right again."""
        self._files.put_right()
        self._server.unmount()

    def _rot(self, what: str, request: Request) -> int:
        """Do what is asked about bits; return how many were flipped, or are wrong."""
        match what:
            case "flip":
                bits = request.pairs("bits")
                return self._files.flip(self._below / request.text("file"), bits)
            case "rotten":
                return self._files.wrong_bits()
            case "put_right":
                return self._files.put_right()
            case _:
                raise HostError(f"a disk cannot {what}")
