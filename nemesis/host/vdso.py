"""The clocks that a running process reads, replaced in its vDSO. Linux on x86-64 only.

Programs ask for the time in the vDSO, a page of code that the kernel maps into every process
(vdso(7)); Go, C and Python all do. It is patched from outside, through /proc/PID/mem, in this
process alone: no preloaded library, no ptrace, and the machine's own clock is left alone. A jump
replaces the beginning of each function, and what it leads to lies in the unused end of the page.
"""

import os
import platform
import signal
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from nemesis.host.clock_hook import CODE, ENTRIES
from nemesis.host.request import HostError

_MAGIC: Final = b"quorate\x01"
_ORIGINAL_BYTES: Final = 8
_HEADER_BYTES: Final = 8 + len(ENTRIES) * (8 + _ORIGINAL_BYTES)
_JUMP_BYTES: Final = 5
_ELF_MACHINE_X86_64: Final = 62
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_STRTAB, _DT_SYMTAB = 5, 6
_SYMBOL_BYTES: Final = 24
_TRIES: Final = 300
_PATIENCE_S: Final = 2.0
_LOOK_S: Final = 0.001

Result = TypeVar("Result")


class Vdso:
    """The vDSO of one process. Raises `HostError` where it cannot be patched."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._base, end = _mapping(pid)
        try:
            self._memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        except OSError as error:
            raise HostError(f"the memory of process {pid} cannot be written: {error}") from error
        self._size = end - self._base
        image = os.pread(self._memory, self._size, self._base)
        self._functions, loaded_end = functions_of(image)
        self._place = (loaded_end + 63) & ~63
        if self._place + _HEADER_BYTES + len(CODE) > self._size:
            os.close(self._memory)
            raise HostError("this kernel's vDSO has no room for another clock")

    def close(self) -> None:
        """Let go of the process; what was installed stays."""
        os.close(self._memory)

    @property
    def is_installed(self) -> bool:
        """Whether the process reads clocks of ours."""
        return os.pread(self._memory, len(_MAGIC), self._base + self._place) == _MAGIC

    def install(self) -> None:
        """Put our clocks in place, unbent. The process stands still meanwhile, for some ms."""
        if self.is_installed:
            return
        header, jumps = _MAGIC, dict[int, bytes]()
        code_place = self._place + _HEADER_BYTES
        for name, entry in ENTRIES.items():
            place = self._functions[name]
            original = os.pread(self._memory, _ORIGINAL_BYTES, self._base + place)
            header += struct.pack("<Q", place) + original
            distance = code_place + entry - (place + _JUMP_BYTES)
            jumps[place] = b"\xe9" + struct.pack("<i", distance)

        def patch() -> None:
            self._write(self._place, header + CODE)
            for place, jump in jumps.items():
                self._write(place, jump)

        self._while_stopped(patch)

    def remove(self) -> None:
        """Put the kernel's own functions back."""
        if not self.is_installed:
            return
        header = os.pread(self._memory, _HEADER_BYTES, self._base + self._place)

        def restore() -> None:
            for place, original in struct.iter_unpack("<Q8s", header[len(_MAGIC) :]):
                self._write(place, original[:_JUMP_BYTES])
            self._write(self._place, bytes(len(_MAGIC)))

        self._while_stopped(restore)

    def read_slots(self, place: int, size: int) -> bytes:
        """Return bytes of the installed slots."""
        return os.pread(self._memory, size, self._base + self._place + _HEADER_BYTES + place)

    def write_slots(self, place: int, content: bytes) -> None:
        """Change bytes of the installed slots; eight of them at a multiple of 8 change at once."""
        self._write(self._place + _HEADER_BYTES + place, content)

    def _write(self, place: int, content: bytes) -> None:
        os.pwrite(self._memory, content, self._base + place)

    # ------------------------------------------------------------ standing still
    def _while_stopped(self, action: Callable[[], None]) -> None:
        """Act while no thread runs, nor would go on in the middle of the vDSO."""
        was_stopped = _state(self._pid, self._pid) in "Tt"
        for _ in range(_TRIES):
            os.kill(self._pid, signal.SIGSTOP)
            try:
                self._await_stop()
                if not any(map(self._is_inside, _threads(self._pid))):
                    action()
                    return
            finally:
                if not was_stopped:
                    os.kill(self._pid, signal.SIGCONT)
            time.sleep(_LOOK_S)
        raise HostError(f"process {self._pid} was always in the middle of reading a clock")

    def _await_stop(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while any(_state(self._pid, thread) not in "TtZX" for thread in _threads(self._pid)):
            if time.monotonic() > deadline:
                raise HostError(f"process {self._pid} cannot be stopped; is it frozen?")
            time.sleep(_LOOK_S)

    def _is_inside(self, thread: int) -> bool:
        """Say whether the thread would go on within the vDSO (proc(5): /proc/PID/syscall)."""
        try:
            fields = Path(f"/proc/{self._pid}/task/{thread}/syscall").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        if fields[0] == "running":
            return True
        return self._base <= int(fields[-1], 16) < self._base + self._size


def obstacle() -> str | None:
    """Return why clocks cannot be bent here; None if they can."""
    if platform.machine() != "x86_64":
        return f"clocks can be bent on x86-64 only, this is {platform.machine()}"
    try:
        Vdso(os.getpid()).close()
    except (HostError, OSError) as error:
        return f"clocks cannot be bent: {error}"
    return None


def functions_of(image: bytes) -> tuple[Mapping[str, int], int]:
    """Return where the functions begin in a vDSO, and where what is loaded of it ends (elf(5)).

    Raises `HostError` if it is not of x86-64, or a function is missing.
    """
    if image[:4] != b"\x7fELF" or struct.unpack_from("<H", image, 18)[0] != _ELF_MACHINE_X86_64:
        raise HostError("clocks can be bent on x86-64 only")
    (headers,) = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    loaded_end, bias, dynamic, dynamic_size = 0, 0, 0, 0
    for number in range(count):
        kind, _, offset, address, _, file_size, _, _ = struct.unpack_from(
            "<IIQQQQQQ", image, headers + number * size
        )
        if kind == _PT_LOAD:
            loaded_end, bias = offset + file_size, address - offset
        elif kind == _PT_DYNAMIC:
            dynamic, dynamic_size = offset, file_size
    tags = dict(struct.iter_unpack("<QQ", image[dynamic : dynamic + dynamic_size]))
    names, symbols = tags[_DT_STRTAB] - bias, tags[_DT_SYMTAB] - bias
    found: dict[str, int] = {}
    for place in range(symbols, names, _SYMBOL_BYTES):  # The names follow the symbols.
        name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, place)
        text = image[names + name : image.index(b"\0", names + name)].decode("ascii")
        found[text] = value - bias
    missing = [name for name in ENTRIES if name not in found]
    if missing:
        raise HostError(f"this kernel's vDSO has no {missing[0]}")
    return {name: found[name] for name in ENTRIES}, loaded_end


def _mapping(pid: int) -> tuple[int, int]:
    """Return where the vDSO of a process begins and ends."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise HostError(f"process {pid} cannot be looked at: {error}") from error
    for line in lines:
        if line.endswith("[vdso]"):
            first, _, last = line.split()[0].partition("-")
            return int(first, 16), int(last, 16)
    raise HostError(f"process {pid} has no vDSO")


def _threads(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]


def _state(pid: int, thread: int) -> str:
    """Return the letter of a thread's state; X if it has ended."""
    try:
        text = Path(f"/proc/{pid}/task/{thread}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return text.rpartition(")")[2].split()[0]
