"""How fast histories are loaded, and how much memory that takes.

    python -m benchmarks.loading [OPS]

Histories of 1,000,000 ops (or OPS) in every format: registers, a kv store's answers, transactions
over lists. Each is loaded in a process of its own, as `quorate check` loads it. Prints megabytes
and ops per CPU second, and the bytes of memory per op that are kept and that were taken at most,
by what the operating system counts, with the interpreter and its modules left out.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from checkers.formats.detect import read_history
from checkers.formats.edn_writer import write_edn
from checkers.history import History, Op, OpType
from checkers.history_file import load_history, write_history
from tests.checkers.transactions.simulated_store import Sizes, simulate

PROCESSES = 10
KEYS = 100
PAGE_BYTES = resource.getpagesize()
BYTES_PER_OP_MAX = 1000
"""The goal: 1,000,000 ops in 1 GB."""

Answer = tuple[str, str | None, object, object]
"""`f`, key, arguments and result."""


def operations(count: int, answers: Iterator[Answer]) -> list[Op]:
    """Return `count` ops: one operation after another, each by the next process."""
    ops: list[Op] = []
    while len(ops) + 1 < count:
        f, key, asked, told = next(answers)
        for op_type, value in ((OpType.INVOKE, asked), (OpType.OK, told)):
            place = len(ops)
            process, node = place // 2 % PROCESSES, f"n{place // 2 % 3}"
            ops.append(
                Op(
                    index=place,
                    time=place * 50_000,
                    process=process,
                    type=op_type,
                    f=f,
                    key=key,
                    value=value,
                    node=node,
                )
            )
    return ops


def registers(random: Random) -> Iterator[Answer]:
    """Yield reads and writes of registers."""
    written = [0] * KEYS
    while True:
        place = int(random.random() * KEYS)
        if random.random() < 0.5:
            yield "read", f"r{place}", None, written[place]
        else:
            written[place] = int(random.random() * 1_000_000)
            yield "write", f"r{place}", written[place], written[place]


def store(random: Random) -> Iterator[Answer]:
    """Yield puts and gets as our `kv` workload records them."""
    revision = 1
    held: dict[str, dict[str, object]] = {}
    while True:
        key = f"k{int(random.random() * KEYS)}"
        if random.random() < 0.5 or key not in held:
            revision += 1
            value = f"v{revision}"
            held[key] = {
                "key": key,
                "value": value,
                "create_revision": revision,
                "mod_revision": revision,
                "version": 1,
            }
            yield "put", key, {"key": key, "value": value}, {"revision": revision}
        else:
            found = {"revision": revision, "kvs": [held[key]], "count": 1, "more": False}
            yield "get", key, {"key": key}, found


def transactions(count: int) -> list[Op]:
    """Return transactions over lists."""
    sizes = Sizes(
        transactions=count // 2,
        keys=10,
        processes=PROCESSES,
        length_max=4,
        unknown=0.0,
        failed=0.0,
        per_key_max=20,
    )
    return simulate(Random(3), "append", sizes)


def write_log(path: Path, ops: list[Op]) -> None:
    """Write operations on one register as Jepsen logs them."""
    with path.open("w") as file:
        for op in ops:
            value = "nil" if op.value is None else op.value
            file.write(f"INFO  jepsen.util - {op.process}\t:{op.type}\t:{op.f}\t{value}\n")


def write_kv(path: Path, ops: list[Op]) -> None:
    """Write operations on registers as Porcupine's tests have them."""
    names = {"read": "get", "write": "put"}
    with path.open("w") as file:
        for op in ops:
            value = "nil" if op.value is None else f'"{op.value}"'
            file.write(
                f"{{:process {op.process}, :type :{op.type}, :f :{names[op.f]},"
                f' :key "{op.key}", :value {value}}}\n'
            )


def write_json(path: Path, ops: list[Op]) -> None:
    """Write transactions as elle-cli takes them."""
    write_history(path, ops)
    with path.open("rb") as file:
        lines = file.readlines()[1:]
    path.write_bytes(b"".join(lines))


def resident_bytes() -> int:
    """Return what this process holds in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_BYTES


def peak_bytes() -> int:
    """Return what this process held at most."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    [high] = [line for line in status if line.startswith("VmHWM:")]
    return int(high.split()[1]) * 1024


def load(path: Path) -> None:
    """Load one file in this process, and print its line of the table."""
    before = resident_bytes()
    started = time.process_time()
    history = load_history(path).history if path.suffix == ".jsonl" else read_history(path)
    seconds = time.process_time() - started
    count, size = len(history), path.stat().st_size
    kept, peak = resident_bytes() - before, peak_bytes() - before
    print(
        f"{path.name:22} {size / 1e6:7.1f} MB {seconds:7.2f} s CPU {size / 1e6 / seconds:7.1f} MB/s"
        f" {count / seconds / 1000:7.0f} kops/s   kept {kept / count:5.0f} B/op"
        f"   peak {peak / count:5.0f} B/op, {peak / 1e6:6.0f} MB"
        f"   {peak / count / BYTES_PER_OP_MAX:5.2f} of the goal"
    )


def written(folder: Path, count: int) -> Iterator[Path]:
    """Yield one file after another, each only while it is looked at."""
    makers: list[tuple[str, Callable[[Path], None]]] = [
        ("registers.jsonl", lambda path: write_history(path, register_ops(count))),
        ("store.jsonl", lambda path: write_history(path, operations(count, store(Random(2))))),
        ("transactions.jsonl", lambda path: write_history(path, transactions(count))),
        ("registers.edn", lambda path: write_edn(path, History(register_ops(count)))),
        ("transactions.edn", lambda path: write_edn(path, History(transactions(count)))),
        ("transactions.json", lambda path: write_json(path, transactions(count))),
        ("registers.log", lambda path: write_log(path, register_ops(count))),
        ("registers.kv", lambda path: write_kv(path, register_ops(count))),
    ]
    for name, make in makers:
        path = folder / name
        make(path)
        yield path
        path.unlink()


def register_ops(count: int) -> list[Op]:
    """Return reads and writes of registers."""
    return operations(count, registers(Random(1)))


def main() -> None:
    """Print everything."""
    if sys.argv[1:2] == ["--load"]:
        load(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for path in written(Path(folder), count):
            # A process of its own: what was loaded before would be counted as kept.
            command = [sys.executable, "-m", "benchmarks.loading", "--load", str(path)]
            subprocess.run(command, check=True)  # noqa: S603 - this program itself


if __name__ == "__main__":
    main()
